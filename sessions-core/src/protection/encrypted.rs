//! Authenticated encryption: nobody else can read it or make it.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{
    BoundProtection, Guarantee, Key, KeyError, KeyRing, Protection, ProtectionError, Purpose,
    bound::{Bound, PREFIX_LEN, Working},
};
use crate::{ConfigError, secret::random};

/// AES-256-GCM-SIV (RFC 8452) under a key of its own for each application and session name.
///
/// The token is `version · key id · nonce · ciphertext · tag`. Nonces are random. In this mode a nonce that repeats
/// shows only whether two tokens hold the same data, and forges nothing; RFC 8452 (section 9) allows 2^64 tokens under
/// one key for all that. `docs/tokens.md` has the format to the byte.
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

impl Working for LessSafeKey {
    fn algorithm(_: &Key) -> &'static [u8] {
        b"AES-256-GCM-SIV"
    }

    fn new(_: &Key, derived: &[u8; Key::LEN]) -> Result<Self, ConfigError> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, derived).map_err(|_| KeyError::Length(Key::LEN))?;
        Ok(Self::new(key))
    }
}

struct BoundEncrypted(Arc<Bound<LessSafeKey>>);

const HEAD_LEN: usize = PREFIX_LEN + NONCE_LEN;

impl BoundProtection for BoundEncrypted {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let keys = self.0.keys();
        let key = keys.current();
        let nonce = random::<NONCE_LEN>()?;
        key.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&key.context),
                bytes,
            )
            .map_err(|_| ProtectionError::Failed("the cipher failed".into()))?;
        bytes.splice(..0, key.prefix().into_iter().chain(nonce));
        Ok(())
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let keys = self.0.keys();
        let key = keys.of(bytes)?;
        let (head, sealed) = bytes
            .split_at_mut_checked(HEAD_LEN)
            .ok_or(ProtectionError::Forged)?;
        let nonce =
            Nonce::try_assume_unique_for_key(&head[PREFIX_LEN..]).map_err(|_| ProtectionError::Forged)?;
        let opened = key.key.open_in_place(nonce, Aad::from(&key.context), sealed);
        let len = opened.map_err(|_| ProtectionError::Forged)?.len();
        bytes.truncate(HEAD_LEN + len);
        bytes.drain(..HEAD_LEN);
        Ok(())
    }
}
