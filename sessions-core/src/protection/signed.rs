//! A message authentication code: anyone can read it, nobody else can make it.

use std::sync::Arc;

use aws_lc_rs::{
    constant_time,
    hmac::{self, HMAC_SHA256},
};

use super::{
    BoundProtection, Guarantee, Key, KeyRing, Layer, Protection, ProtectionError, Purpose,
    bound::{Bound, BoundKey, PREFIX_LEN, Working, prepend},
};
use crate::ConfigError;

/// HMAC-SHA256 under a key of its own for each application and session name: the client can read the data, and not
/// change it.
///
/// The token is `version · key id · data · code`.
#[derive(Clone, Debug)]
pub struct Signed(KeyRing);

impl Signed {
    /// Signing with the keys of this ring.
    #[must_use]
    pub fn new(keys: &KeyRing) -> Self {
        Self(keys.clone())
    }
}

impl Protection for Signed {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Authentic
    }

    fn bind(&self, purpose: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(BoundSigned(self.0.bind(purpose)?)))
    }
}

impl Working for hmac::Key {
    fn algorithm(_: &Key) -> &'static [u8] {
        b"HMAC-SHA256"
    }

    fn new(_: &Key, derived: &[u8; Key::LEN]) -> Result<Self, ConfigError> {
        Ok(Self::new(HMAC_SHA256, derived))
    }
}

struct BoundSigned(Arc<Bound<hmac::Key>>);

const CODE_LEN: usize = 32;

fn code(key: &BoundKey<hmac::Key>, data: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&key.key);
    // The context's length is fixed by the key, so that nothing can move from it into the data.
    context.update(&key.context);
    context.update(data);
    context.sign()
}

impl BoundProtection for BoundSigned {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let keys = self.0.keys();
        let key = keys.current();
        let code = code(key, bytes);
        prepend(bytes, &key.prefix(), &[]);
        bytes.extend_from_slice(code.as_ref());
        Ok(())
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let keys = self.0.keys();
        let key = keys.of(bytes)?;
        let end = bytes.len().checked_sub(CODE_LEN).filter(|end| *end >= PREFIX_LEN);
        let (data, presented) = bytes.split_at(end.ok_or(ProtectionError::Forged)?);
        constant_time::verify_slices_are_equal(code(key, &data[PREFIX_LEN..]).as_ref(), presented)
            .map_err(|_| ProtectionError::Forged)?;
        let end = data.len();
        bytes.truncate(end);
        bytes.drain(..PREFIX_LEN);
        Ok(())
    }

    fn layers(&self) -> Vec<Layer> {
        vec![self.0.layer("Signed")]
    }
}
