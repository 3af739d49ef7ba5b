//! What turns a data class into bytes and back.

mod bincode;
mod bounded;
#[cfg(feature = "json")]
mod json;
mod shape;

pub use self::bincode::Bincode;
#[cfg(feature = "json")]
pub use json::Json;
pub use shape::Shape;

/// 4 MiB, for what [`Bincode`] and [`Json`] write and read: far above any session, and small enough that no one
/// value can exhaust a process.
const MAX_PAYLOAD_LEN: usize = 4 * 1024 * 1024;

/// Turns a data class into bytes and back.
///
/// Implement it on a unit struct of one's own for another format, and bind it with
/// `#[session(serializer = MyFormat)]`. It need not know serde.
///
/// ```
/// use sessions_core::{SerializerError, SessionSerializer, serializer::Shape};
///
/// struct Visits(u32);
/// struct Decimal;
///
/// impl SessionSerializer<Visits> for Decimal {
///     const FORMAT: &'static str = "decimal";
///     fn shape() -> Shape { Shape::named("one number") }
///     fn serialize(value: &Visits, out: &mut Vec<u8>) -> Result<(), SerializerError> {
///         out.extend_from_slice(value.0.to_string().as_bytes());
///         Ok(())
///     }
///     fn deserialize(bytes: &[u8]) -> Result<Visits, SerializerError> {
///         let text = std::str::from_utf8(bytes).map_err(SerializerError::new)?;
///         text.parse().map(Visits).map_err(SerializerError::new)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot serialize the session type `{T}`",
    label = "not a serializer for `{T}`",
    note = "`Bincode` and `Json` need `#[derive(Serialize, Deserialize)]` on the session type; another format \
            implements `SessionSerializer<{T}>`"
)]
pub trait SessionSerializer<T>: 'static {
    /// Names the format, and its version if its encoding ever changes; part of the schema's fingerprint.
    const FORMAT: &'static str;

    /// Whether the bytes name their own fields, so that a payload of a changed shape can still be tried.
    const SELF_DESCRIBING: bool = false;

    /// What the bytes of a `T` look like; part of the schema's fingerprint.
    fn shape() -> Shape;

    /// Appends the encoded value to `out`.
    ///
    /// # Errors
    /// The value has no encoding in this format.
    fn serialize(value: &T, out: &mut Vec<u8>) -> Result<(), SerializerError>;

    /// Decodes what [`serialize`](Self::serialize) wrote. Must not panic on any bytes, and must refuse bytes that
    /// are left over.
    ///
    /// # Errors
    /// The bytes are not an encoded `T`.
    fn deserialize(bytes: &[u8]) -> Result<T, SerializerError>;
}

/// A value that could not be encoded, or bytes that could not be decoded.
#[derive(Debug, thiserror::Error)]
#[error("the session's serializer failed")]
pub struct SerializerError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl SerializerError {
    /// Wraps the format's own error, or a text.
    #[must_use]
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

pub(crate) fn check_len(len: usize) -> Result<(), SerializerError> {
    if len <= MAX_PAYLOAD_LEN {
        Ok(())
    } else {
        Err(SerializerError::new("the value takes more than 4 MiB"))
    }
}

/// Lets `write` append a value; a failure leaves `out` as it was.
fn append<E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), SerializerError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let start = out.len();
    let written = write(out)
        .map_err(SerializerError::new)
        .and_then(|()| check_len(out.len() - start));
    if written.is_err() {
        out.truncate(start);
    }
    written
}
