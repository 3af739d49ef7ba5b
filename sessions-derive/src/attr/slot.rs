//! One option's place in a list of options.

use proc_macro2::TokenStream;
use syn::Ident;

use crate::errors::Errors;

use super::options::Handled;

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
        key: &Ident,
        errors: &mut Errors,
        read: impl FnOnce(&mut Errors) -> Option<Setting<T>>,
    ) -> Handled {
        if !matches!(self, Self::Unset) {
            errors.push(key, format!("`{key}` is set twice"), "remove one of the two");
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
