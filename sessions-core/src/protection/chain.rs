//! One protection inside another.

use super::{BoundProtection, Guarantee, Layer, Protection, ProtectionError, Purpose};
use crate::ConfigError;

/// Two protections, one around the other; made by [`Protection::then`].
#[derive(Clone, Debug)]
pub struct Chain<Inner, Outer> {
    inner: Inner,
    outer: Outer,
}

impl<Inner, Outer> Chain<Inner, Outer> {
    pub(super) fn new(inner: Inner, outer: Outer) -> Self {
        Self { inner, outer }
    }
}

#[diagnostic::do_not_recommend]
impl<Inner: Protection, Outer: Protection> Protection for Chain<Inner, Outer> {
    fn guarantee(&self) -> Guarantee {
        self.inner.guarantee().max(self.outer.guarantee())
    }

    fn bind(&self, purpose: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(BoundChain {
            inner: self.inner.bind(purpose)?,
            outer: self.outer.bind(purpose)?,
        }))
    }
}

struct BoundChain {
    inner: Box<dyn BoundProtection>,
    outer: Box<dyn BoundProtection>,
}

impl BoundProtection for BoundChain {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        self.inner.protect(bytes)?;
        self.outer.protect(bytes)
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        self.outer.unprotect(bytes)?;
        self.inner.unprotect(bytes)
    }

    fn layers(&self) -> Vec<Layer> {
        [self.inner.layers(), self.outer.layers()].concat()
    }
}
