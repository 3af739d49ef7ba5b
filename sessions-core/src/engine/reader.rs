//! Which decoder, if any, reads what was stored under a schema.

use std::sync::Arc;

use super::Engine;
use crate::{
    Payload, Schema, SerializerError, Session, SessionSerializer, log, schema::Upgrade, session::decode,
};

/// What reads the payloads of one schema.
pub(super) enum Reader<'a, T> {
    /// The data class itself.
    Own,
    /// The data class itself, by the names of its fields; the shape is another one.
    Attempt,
    /// An older version of it.
    Upgrade(&'a Upgrade<T>),
}

/// Why nothing reads a payload.
pub(super) enum Unread {
    /// A newer version of the application wrote it.
    Foreign,
    /// Another shape of this version, or an older version that nothing leads from.
    Schema,
    /// It is damaged.
    Damaged,
}

impl<T: Session> Engine<T> {
    pub(super) fn reader(&self, schema: Schema) -> Result<Reader<'_, T>, Unread> {
        let own = self.0.schema;
        if schema == own {
            return Ok(Reader::Own);
        }
        if schema.version > own.version {
            return Err(Unread::Foreign);
        }
        if let Some(upgrade) = self.0.previous.iter().find(|upgrade| upgrade.schema() == schema) {
            return Ok(Reader::Upgrade(upgrade));
        }
        if schema.version == own.version && <T::Serializer as SessionSerializer<T>>::SELF_DESCRIBING {
            return Ok(Reader::Attempt);
        }
        log::schema_changed::<T>(self.name(), schema, &self.0.schema_told);
        Err(Unread::Schema)
    }

    /// The value of a payload, shared with whoever has decoded it before.
    pub(super) fn read(&self, schema: Schema, payload: &Payload) -> Result<Arc<T>, Unread> {
        let reader = self.reader(schema)?;
        payload
            .decoded(|bytes| reader.read(bytes))
            .map_err(|_| self.unread(schema, &reader))
    }

    /// A value of one's own: to be changed, or of a payload that nobody else has.
    pub(super) fn read_fresh(&self, schema: Schema, payload: &Payload) -> Result<T, Unread> {
        let reader = self.reader(schema)?;
        reader
            .read(payload.as_bytes())
            .map_err(|_| self.unread(schema, &reader))
    }

    /// Why this reader cannot read a payload; an attempt that has failed is told to the log.
    fn unread(&self, schema: Schema, reader: &Reader<'_, T>) -> Unread {
        // The shape says nothing of what another release leaves out when it writes fields by their names.
        let may_lack_a_field = match reader {
            Reader::Attempt => {
                log::schema_changed::<T>(self.name(), schema, &self.0.schema_told);
                return Unread::Schema;
            }
            Reader::Upgrade(upgrade) => upgrade.is_self_describing(),
            Reader::Own => <T::Serializer as SessionSerializer<T>>::SELF_DESCRIBING,
        };
        if may_lack_a_field {
            Unread::Schema
        } else {
            Unread::Damaged
        }
    }
}

impl<T: Session> Reader<'_, T> {
    fn read(&self, bytes: &[u8]) -> Result<T, SerializerError> {
        match self {
            Self::Own | Self::Attempt => decode(bytes),
            Self::Upgrade(upgrade) => upgrade.decode(bytes),
        }
    }
}
