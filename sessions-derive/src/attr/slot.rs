//! One option's place in a list of options.

use proc_macro2::TokenStream;

use crate::errors::Errors;

use super::options::{Handled, Key};

/// A value and the tokens that an error about it points at.
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) place: TokenStream,
}

#[derive(Default)]
pub(crate) enum Slot<T> {
    #[default]
    Unset,
    /// Written, and wrong: reported already, so nothing else may be concluded from its absence.
    Broken,
    Set(Setting<T>),
}

impl<T> Slot<T> {
    pub(super) fn fill(
        &mut self,
        key: &Key,
        errors: &mut Errors,
        read: impl FnOnce(&mut Errors) -> Option<Setting<T>>,
    ) -> Handled {
        if !matches!(self, Self::Unset) {
            let help = if *key == *"transport" {
                "remove one of the two: a session has one transport, and another needs a type of its own"
            } else {
                "remove one of the two"
            };
            errors.push(key, format!("`{key}` is set already{}", self.shown(key)), help);
            return Handled::Failed;
        }
        match read(errors) {
            Some(setting) => {
                *self = Self::Set(setting);
                Handled::Read
            }
            None => {
                *self = Self::Broken;
                Handled::Failed
            }
        }
    }

    /// The value as it is written, where that is one word.
    fn shown(&self, key: &Key) -> String {
        let written = self.place().map(ToString::to_string).unwrap_or_default();
        if written.is_empty() || written.contains(' ') || *key == *written {
            String::new()
        } else {
            format!(", to `{written}`")
        }
    }

    pub(super) fn mark_broken(&mut self) {
        if matches!(self, Self::Unset) {
            *self = Self::Broken;
        }
    }

    pub(crate) fn setting(&self) -> Option<&Setting<T>> {
        match self {
            Self::Set(setting) => Some(setting),
            Self::Unset | Self::Broken => None,
        }
    }

    pub(crate) fn value(&self) -> Option<&T> {
        self.setting().map(|setting| &setting.value)
    }

    pub(crate) fn place(&self) -> Option<&TokenStream> {
        self.setting().map(|setting| &setting.place)
    }

    pub(crate) fn is_broken(&self) -> bool {
        matches!(self, Self::Broken)
    }
}
