//! Authenticated encryption: nobody else can read it or make it.

use std::sync::Arc;

use super::{
    BoundProtection, Guarantee, KeyRing, Protection, ProtectionError, Purpose,
    bound::{Bound, PREFIX_LEN},
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

struct BoundEncrypted(Arc<Bound<Cipher>>);

impl BoundProtection for BoundEncrypted {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let keys = self.0.keys();
        let key = keys.current();
        key.key.seal(key.prefix(), &key.context, bytes)
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let keys = self.0.keys();
        let key = keys.of(bytes)?;
        let (start, len) = key
            .key
            .open(&key.context, &mut bytes[PREFIX_LEN..])
            .map_err(|_| ProtectionError::Forged)?;
        let start = PREFIX_LEN + start;
        bytes.truncate(start + len);
        bytes.drain(..start);
        Ok(())
    }
}
