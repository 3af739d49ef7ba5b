//! The trait that `#[derive(Session)]` implements.

use crate::{Payload, Principal, SerializerError, SessionSerializer, SessionSpec, schema::Upgrade, scratch};

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
pub(crate) fn encode<T: Session>(value: &T) -> Result<Payload, SerializerError> {
    scratch::with(256, |bytes| {
        write(value, bytes)?;
        if cfg!(debug_assertions) {
            read_back::<T>(bytes)?;
        }
        Ok(Payload::new(&bytes[..]))
    })
}

fn write<T: Session>(value: &T, bytes: &mut Vec<u8>) -> Result<(), SerializerError> {
    <T::Serializer as SessionSerializer<T>>::serialize(value, bytes)
}

fn written<T: Session>(value: &T) -> Result<Vec<u8>, SerializerError> {
    let mut bytes = Vec::new();
    write(value, &mut bytes)?;
    Ok(bytes)
}

/// A format that writes what it cannot read back would be a silent logout; one that reads something else would be worse:
/// of an enum with a skipped variant, bincode reads the variant after the one that was written.
fn read_back<T: Session>(bytes: &[u8]) -> Result<(), SerializerError> {
    let value = decode::<T>(bytes)?;
    if <T::Serializer as SessionSerializer<T>>::SELF_DESCRIBING {
        return Ok(());
    }
    let again = written(&value)?;
    if again == bytes {
        return Ok(());
    }
    // Reading may put a value in order, trim it or clamp it, but not twice. Neither maps, whose order is another one in each
    // copy, nor a format that never writes the same twice shall be taken for a mistake.
    let sorted = |value: &T| {
        written(value).map(|mut bytes| {
            bytes.sort_unstable();
            bytes
        })
    };
    let first = sorted(&value)?;
    let second = sorted(&decode::<T>(&again)?)?;
    if first != second && first == sorted(&value)? {
        return Err(SerializerError::new("another value is read than was written"));
    }
    Ok(())
}
