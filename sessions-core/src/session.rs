//! The trait that `#[derive(Session)]` implements.

use crate::{Principal, SerializerError, SessionSerializer, SessionSpec, schema::Upgrade};

/// A data class that is kept as a session.
///
/// Derive it; by hand it is
///
/// ```
/// use sessions_core::{Session, SessionSpec, serializer::Bincode};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Cart { items: Vec<u64> }
///
/// impl Session for Cart {
///     const SPEC: SessionSpec = SessionSpec::new("__Host-cart");
///     type Serializer = Bincode;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session type",
    label = "this type does not implement `Session`",
    note = "derive it: `#[derive(Session, Serialize, Deserialize)]`, with `#[session(name = \"...\")]` for the name"
)]
pub trait Session: Sized + Send + Sync + 'static {
    /// Its name, transport and limits.
    const SPEC: SessionSpec;

    /// What turns it into bytes and back.
    type Serializer: SessionSerializer<Self>;

    /// Whose session it is; `#[session(principal)]` on a field answers with that field.
    fn principal(&self) -> Option<Principal> {
        None
    }

    /// The older versions that this one can still read; `#[session(previous = …)]` answers with the chain.
    #[must_use]
    fn previous() -> Vec<Upgrade<Self>> {
        Vec::new()
    }
}

/// Decodes with the type's own serializer.
pub(crate) fn decode<T: Session>(bytes: &[u8]) -> Result<T, SerializerError> {
    <T::Serializer as SessionSerializer<T>>::deserialize(bytes)
}

/// Encodes with the type's own serializer.
pub(crate) fn encode<T: Session>(value: &T) -> Result<Vec<u8>, SerializerError> {
    let mut bytes = Vec::with_capacity(256);
    <T::Serializer as SessionSerializer<T>>::serialize(value, &mut bytes)?;
    // A format that writes what it cannot read back would be a silent logout.
    if cfg!(debug_assertions) {
        decode::<T>(&bytes)?;
    }
    Ok(bytes)
}
