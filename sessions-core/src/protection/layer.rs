//! What a protection says of itself to whoever looks at what protects a session.

use std::{borrow::Cow, fmt};

use super::{KeyId, bound::Working, ring::Keys};

/// One protection of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layer {
    /// What it is called: its type, as a rule.
    pub name: Cow<'static, str>,
    /// The keys that it has now, in the order of their states; none if it is of another kind.
    pub keys: Vec<LayerKey>,
}

/// A key of a protection, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerKey {
    /// The id, which is in each token.
    pub id: KeyId,
    /// What it is for.
    pub state: KeyState,
    /// What it is used with; of a revoked key that is not known.
    pub algorithm: Option<Cow<'static, str>>,
}

/// What a key is for; see [`KeyRing`](super::KeyRing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It makes and opens tokens.
    Current,
    /// It opens them.
    Upcoming,
    /// It opens them.
    Retired,
    /// It ends them.
    Revoked,
}

impl Layer {
    /// A protection of this name that has no keys, or shows none.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            keys: Vec::new(),
        }
    }

    pub(super) fn with_keys<K: Working>(name: &'static str, keys: &Keys) -> Self {
        let known = |state| {
            move |key| LayerKey {
                id: super::Key::id(key),
                state,
                algorithm: Some(String::from_utf8_lossy(K::algorithm(key))),
            }
        };
        let revoked = keys.revoked.iter().map(|id| LayerKey {
            id: *id,
            state: KeyState::Revoked,
            algorithm: None,
        });
        let current = std::iter::once(&keys.current).map(known(KeyState::Current));
        let upcoming = keys.upcoming.iter().map(known(KeyState::Upcoming));
        let retired = keys.retired.iter().map(known(KeyState::Retired));
        Self {
            name: name.into(),
            keys: current.chain(upcoming).chain(retired).chain(revoked).collect(),
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Upcoming => "upcoming",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        })
    }
}

/// As a ring's text has it, with the id in place of the key.
impl fmt::Display for LayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.state, self.id)?;
        match &self.algorithm {
            Some(algorithm) => write!(f, " {algorithm}"),
            None => Ok(()),
        }
    }
}
