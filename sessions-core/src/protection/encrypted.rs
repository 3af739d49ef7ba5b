//! Authenticated encryption: nobody else can read it or make it.

use std::{borrow::Cow, sync::Arc};

use super::{
    BoundProtection, Guarantee, KeyId, KeyRing, Layer, Mode, Protection, ProtectionError, Purpose,
    bound::{Bound, BoundKey, PREFIX_LEN, named},
    suite::Cipher,
};
use crate::ConfigError;

/// Encryption under a key of its own for each application and session name; with what, each key says as its
/// [`Suite`](super::Suite).
///
/// The token is `version · key id · nonce or salt · ciphertext · tag`. What is random in it may come up twice without
/// harm as often as 2^40 tokens are made under one key, and far beyond: `docs/tokens.md` has the figures, and the format
/// to the byte.
#[derive(Clone, Debug)]
pub struct Encrypted(KeyRing);

impl Encrypted {
    /// Encryption under the keys of this ring.
    #[must_use]
    pub fn new(keys: &KeyRing) -> Self {
        Self(keys.clone())
    }
}

impl Protection for Encrypted {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Confidential
    }

    fn bind(&self, purpose: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(BoundEncrypted(self.0.bind(purpose)?)))
    }
}

/// Encryption of one purpose; of tokens, or of what has a *place* besides, which is authenticated, too.
#[derive(Clone)]
pub(crate) struct BoundEncrypted(Arc<Bound<Cipher>>);

impl BoundEncrypted {
    /// What seals the records of storages. It is one for all sessions of a storage, which are named by the place.
    pub(crate) fn of_records(keys: &KeyRing) -> Result<Self, ConfigError> {
        let purpose = Purpose {
            mode: Mode::Record,
            application: "",
            name: "",
        };
        Ok(Self(keys.bind(&purpose)?))
    }

    /// The key that these bytes say they were sealed under.
    pub(crate) fn key_of(sealed: &[u8]) -> Option<KeyId> {
        named(sealed)
    }

    /// Seals `bytes`, in place, for this place alone.
    pub(crate) fn seal(&self, place: &[u8], bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let keys = self.0.keys();
        let key = keys.current();
        key.key.seal(key.prefix(), &context(key, place), bytes)
    }

    /// Opens what was sealed for this place.
    pub(crate) fn open(&self, place: &[u8], bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let keys = self.0.keys();
        let key = keys.of(bytes)?;
        let (start, len) = key
            .key
            .open(&context(key, place), &mut bytes[PREFIX_LEN..])
            .map_err(|_| ProtectionError::Forged)?;
        let start = PREFIX_LEN + start;
        bytes.truncate(start + len);
        bytes.drain(..start);
        Ok(())
    }
}

impl BoundProtection for BoundEncrypted {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        self.seal(&[], bytes)
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        self.open(&[], bytes)
    }

    fn layers(&self) -> Vec<Layer> {
        vec![self.0.layer("Encrypted")]
    }
}

/// The key's own context has one length, so nothing can move between it and the place.
fn context<'k>(key: &'k BoundKey<Cipher>, place: &[u8]) -> Cow<'k, [u8]> {
    match place {
        [] => Cow::Borrowed(&key.context),
        _ => Cow::Owned([&key.context, place].concat()),
    }
}
