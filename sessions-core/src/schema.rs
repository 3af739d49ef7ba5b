//! Which data class, in which version and shape, wrote a payload.

use std::fmt;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::{
    Payload, SerializerError, Session, SessionSerializer,
    lp::put,
    session::{decode, encode},
};

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

/// How a value becomes what an older version of its data class would have written.
pub struct Downgrade<T> {
    schema: Schema,
    encode: fn(&T) -> Result<Payload, SerializerError>,
}

impl<T: Session> Downgrade<T> {
    /// To `P`, by its `From`.
    #[must_use]
    pub fn to<P: Session + for<'a> From<&'a T>>() -> Self {
        Self {
            schema: Schema::of::<P>(),
            encode: |value| encode(&P::from(value)),
        }
    }
}

impl<T> Downgrade<T> {
    /// The schema that this writes.
    #[must_use]
    pub fn schema(&self) -> Schema {
        self.schema
    }

    pub(crate) fn encode(&self, value: &T) -> Result<Payload, SerializerError> {
        (self.encode)(value)
    }

    /// Of a type whose derive reported an error.
    pub(crate) fn refused() -> Self {
        Self {
            schema: Schema {
                version: 0,
                fingerprint: Fingerprint([0; 16]),
            },
            encode: |_| Err(SerializerError::new("the session type does not compile")),
        }
    }
}

impl<T> Clone for Downgrade<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<T> fmt::Debug for Downgrade<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downgrade")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// A session type that can still be written in the format of its previous version, for nodes that know no other.
///
/// `#[session(previous = …)]` implements it where the previous version can be made from a reference to this one. By hand
/// it is
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sessions_core::{Downgrade, Session, SessionSpec, Upgrade, WritePrevious, serializer::Bincode};
///
/// #[derive(Serialize, Deserialize)]
/// struct CartV1 { item: u32 }
///
/// #[derive(Serialize, Deserialize)]
/// struct Cart { items: Vec<u32> }
///
/// impl From<CartV1> for Cart {
///     fn from(old: CartV1) -> Self { Self { items: vec![old.item] } }
/// }
///
/// impl From<&Cart> for CartV1 {
///     fn from(cart: &Cart) -> Self { Self { item: cart.items.first().copied().unwrap_or_default() } }
/// }
///
/// # const fn spec(version: u32) -> SessionSpec {
/// #     let mut spec = SessionSpec::new("__Host-cart");
/// #     spec.version = version;
/// #     spec
/// # }
/// impl Session for CartV1 {
///     const SPEC: SessionSpec = spec(1);
///     type Serializer = Bincode;
/// }
///
/// impl Session for Cart {
///     const SPEC: SessionSpec = spec(2);
///     type Serializer = Bincode;
///
///     fn previous() -> Vec<Upgrade<Self>> { Upgrade::chain::<CartV1>() }
/// }
///
/// impl WritePrevious for Cart {
///     fn downgrade() -> Downgrade<Self> { Downgrade::to::<CartV1>() }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no previous version that it could be written as",
    label = "this type names no previous version",
    note = "name it: `#[session(version = 2, previous = {Self}V1)]`; or remove `write_previous`"
)]
pub trait WritePrevious: Session {
    /// How it becomes its previous version.
    fn downgrade() -> Downgrade<Self>;
}

/// A session type that can be made from a reference to the version after it: `From`, in words of its own for whoever has
/// not written it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be written as its previous version: `{Self}` cannot be made from `&{T}`",
    label = "written as `{Self}`",
    note = "write `impl From<&{T}> for {Self}`: what `{Self}` has no field for is lost"
)]
pub trait MadeFrom<'a, T: 'a>: Session + From<&'a T> {}

#[diagnostic::do_not_recommend]
impl<'a, T: 'a, P: Session + From<&'a T>> MadeFrom<'a, T> for P {}
