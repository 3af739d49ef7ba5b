//! What a storage keeps of one session.

mod bytes;

use std::{any::Any, fmt, sync::Arc};

use once_cell::race::OnceBox;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use triomphe::ThinArc;

use crate::{
    Principal, PublicId, RandomError, Schema, Secrets, SerializerError, Times, secret::differing,
    serializer::check_len,
};

/// One session as a storage keeps it. It holds hashes of secrets, never secrets: who reads a storage can impersonate
/// nobody.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The session's handle.
    pub public_id: PublicId,
    /// The application's name.
    pub application: Arc<str>,
    /// The session's name. Both are checked on load: under one shared storage no session poses as another.
    pub name: Arc<str>,
    /// The data class that wrote the payload.
    pub schema: Schema,
    /// Chosen by each writer, so that a writer whose reply was lost knows its own write.
    pub revision: Revision,
    /// Rises with each `rotate_id`; a write of an earlier epoch is refused.
    pub epoch: u64,
    /// The secrets that open it.
    pub secrets: Secrets,
    /// When it began, and when it ends.
    pub times: Times,
    /// Whose it is. Never changes.
    pub principal: Option<Principal>,
    /// Its device label.
    pub label: Option<Arc<str>>,
    /// What was known of the client when it was started.
    pub client_context: Option<Arc<[u8]>>,
    /// The encoded data class.
    pub payload: Payload,
}

/// What is known of the client is personal, as whose the session is: not for logs.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("public_id", &self.public_id)
            .field("application", &self.application)
            .field("name", &self.name)
            .field("schema", &self.schema)
            .field("revision", &self.revision)
            .field("epoch", &self.epoch)
            .field("secrets", &self.secrets)
            .field("times", &self.times)
            .field("payload", &self.payload)
            .finish_non_exhaustive()
    }
}

/// 128 random bits that name one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision(pub [u8; 16]);

impl Revision {
    pub(crate) fn random() -> Result<Self, RandomError> {
        Ok(Self(differing()?))
    }
}

/// An encoded data class, and, beside it, the decoded value that it was read as. Clones share both.
#[derive(Clone)]
pub struct Payload(ThinArc<Decoded, u8>);

/// A cell of one word: sessions whose values nobody has read are to be small.
type Decoded = OnceBox<Arc<dyn Any + Send + Sync>>;

impl Payload {
    /// These bytes, not decoded yet.
    #[must_use]
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(ThinArc::from_header_and_slice(Decoded::new(), bytes.as_ref()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.slice
    }

    /// The value, decoded now if nobody has before. What is kept always came out of a decode, so that every reader
    /// sees the same, fields that a serializer skips included.
    pub(crate) fn decoded<T: Send + Sync + 'static>(
        &self,
        decode: impl FnOnce(&[u8]) -> Result<T, SerializerError>,
    ) -> Result<Arc<T>, SerializerError> {
        let decoded = &self.0.header.header;
        if let Some(value) = decoded.get().and_then(|value| Arc::clone(value).downcast().ok()) {
            return Ok(value);
        }
        let value = Arc::new(decode(self.as_bytes())?);
        // Lost to another reader: both decoded the same bytes.
        let _ = decoded.set(Box::new(value.clone()));
        Ok(value)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.as_bytes().len())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Payload, E> {
                Ok(Payload::new(bytes))
            }

            fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Payload, E> {
                Ok(Payload::new(bytes))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Bytes that are not a record that this version of the library can read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Written in another form, by a newer version perhaps.
    #[error("the stored session has a form that this version does not know")]
    Version,
    /// Damaged.
    #[error("the stored session is damaged")]
    Damaged(#[source] SerializerError),
}

impl Record {
    /// The form that [`to_bytes`](Self::to_bytes) writes.
    pub(crate) const FORM: u8 = 1;

    /// Whether it is a later state of this session, and no other one that has come under its key.
    pub(crate) fn is_same_session(&self, earlier: &Self) -> bool {
        self.public_id == earlier.public_id
            && self.name == earlier.name
            && self.application == earlier.application
            && self.times.created == earlier.times.created
    }

    /// The record as bytes, for a storage that keeps it in one piece.
    ///
    /// # Errors
    /// The record is beyond the 4 MiB that can be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SerializerError> {
        self.bytes_with(self.payload.as_bytes())
    }

    /// As [`to_bytes`](Self::to_bytes), with another payload.
    pub(crate) fn bytes_with(&self, payload: &[u8]) -> Result<Vec<u8>, SerializerError> {
        let mut bytes = Vec::with_capacity(256 + payload.len());
        bytes.push(Self::FORM);
        self.put(payload, &mut bytes);
        check_len(bytes.len() - 1)?;
        Ok(bytes)
    }

    /// What [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// The bytes are not a record.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        Self::from_bytes_with(bytes, None)
    }

    /// As [`from_bytes`](Self::from_bytes), with this payload, if any, in place of the one in the bytes.
    pub(crate) fn from_bytes_with(bytes: &[u8], payload: Option<&[u8]>) -> Result<Self, RecordError> {
        let Some((&Self::FORM, record)) = bytes.split_first() else {
            return Err(RecordError::Version);
        };
        check_len(record.len())
            .and_then(|()| {
                Self::read(record, payload).ok_or_else(|| SerializerError::new("it is not what was written"))
            })
            .map_err(RecordError::Damaged)
    }
}
