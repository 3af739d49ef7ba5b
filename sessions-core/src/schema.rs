//! Which data class, in which version and shape, wrote a payload.

use std::fmt;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::{SerializerError, Session, SessionSerializer, lp::put, session::decode};

/// Version and fingerprint of the data class that wrote a payload; stored beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The data class's version.
    pub version: u32,
    /// What the payload's bytes look like.
    pub fingerprint: Fingerprint,
}

/// A digest over version, serializer, field names and types, nested ones included. The type's own name is not part
/// of it: version 1 is usually a struct that was renamed.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Schema {
    /// The schema of a session type.
    ///
    /// Traces the type's shape: called once, when it is registered.
    #[must_use]
    pub fn of<T: Session>() -> Self {
        let version = T::SPEC.version;
        let mut text = Vec::new();
        put(&mut text, &version.to_be_bytes());
        put(
            &mut text,
            <T::Serializer as SessionSerializer<T>>::FORMAT.as_bytes(),
        );
        put(
            &mut text,
            <T::Serializer as SessionSerializer<T>>::shape().as_bytes(),
        );
        let digest = digest::digest(&digest::SHA256, &text);
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&digest.as_ref()[..16]);
        Self {
            version,
            fingerprint: Fingerprint(fingerprint),
        }
    }
}

type Decode<T> = Box<dyn Fn(&[u8]) -> Result<T, SerializerError> + Send + Sync>;

/// How one older version of a data class becomes the current one.
pub struct Upgrade<T> {
    schema: Schema,
    self_describing: bool,
    decode: Decode<T>,
}

impl<T: Session> Upgrade<T> {
    /// Everything that leads to `T` over its direct predecessor `P`: `P` itself, and what leads to `P`.
    #[must_use]
    pub fn chain<P: Session + Into<T>>() -> Vec<Self> {
        let direct = Self {
            schema: Schema::of::<P>(),
            self_describing: <P::Serializer as SessionSerializer<P>>::SELF_DESCRIBING,
            decode: Box::new(|bytes| decode::<P>(bytes).map(Into::into)),
        };
        let older = P::previous().into_iter().map(|upgrade| Self {
            schema: upgrade.schema,
            self_describing: upgrade.self_describing,
            decode: Box::new(move |bytes| (upgrade.decode)(bytes).map(Into::into)),
        });
        std::iter::once(direct).chain(older).collect()
    }
}

impl<T> Upgrade<T> {
    /// The schema that this reads.
    #[must_use]
    pub fn schema(&self) -> Schema {
        self.schema
    }

    /// Whether its format names the fields.
    pub(crate) fn is_self_describing(&self) -> bool {
        self.self_describing
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<T, SerializerError> {
        (self.decode)(bytes)
    }
}

impl<T> fmt::Debug for Upgrade<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
