//! No protection, said aloud.

use super::{BoundProtection, Guarantee, Protection, ProtectionError, Purpose};
use crate::ConfigError;

/// No protection: anyone can read the session and make one. For data about which that does not matter.
///
/// What the client sends is decoded as it is, within the serializer's limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

/// Told from the versions of protected tokens.
const VERSION: u8 = 0;

impl Protection for Plain {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Waived
    }

    fn bind(&self, _: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(Self))
    }
}

impl BoundProtection for Plain {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        bytes.insert(0, VERSION);
        Ok(())
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        match bytes.first() {
            None => Err(ProtectionError::Forged),
            Some(&VERSION) => {
                bytes.remove(0);
                Ok(())
            }
            Some(_) => Err(ProtectionError::UnknownKey),
        }
    }
}
