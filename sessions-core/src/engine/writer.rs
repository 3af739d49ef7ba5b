//! In which version's format a value is written.

use std::any::type_name;

use super::{Engine, state::Draft};
use crate::{ConfigError, Payload, Schema, SerializerError, Session, WritePrevious, session::encode};

/// A value in one format.
#[derive(Clone, PartialEq)]
pub(super) struct Written {
    pub(super) schema: Schema,
    pub(super) payload: Payload,
}

/// A value in each format that it may have to be written in. Which one that is, is known only when it is written: another
/// node may have raised the session's version meanwhile.
#[derive(Clone)]
pub(super) struct Encoded {
    own: Written,
    /// Where nodes run that know no other.
    previous: Option<Written>,
}

impl Encoded {
    /// For the node itself, to be read back.
    pub(super) fn own(&self) -> &Payload {
        &self.own.payload
    }

    /// For a session that begins: every node is to know it.
    pub(super) fn begun(&self) -> &Written {
        self.previous.as_ref().unwrap_or(&self.own)
    }

    /// For a session that has this schema: a version goes up and never down, for whoever has raised it has no more older
    /// nodes to think of.
    pub(super) fn over(&self, found: Schema) -> &Written {
        match &self.previous {
            Some(previous) if found.version <= previous.schema.version => previous,
            _ => &self.own,
        }
    }
}

/// A draft for a session that has this schema, or, without one, what the session has: who has not changed the value has not
/// upgraded it, and older nodes still run.
pub(super) fn draft_or<T>(draft: Option<&Draft<T>>, schema: Schema, payload: &Payload) -> Written {
    match draft {
        Some(draft) => draft.encoded.over(schema).clone(),
        None => Written {
            schema,
            payload: payload.clone(),
        },
    }
}

impl<T: Session> Engine<T> {
    pub(super) fn encode(&self, value: &T) -> Result<Encoded, SerializerError> {
        let previous = match &self.1 {
            Some(downgrade) => Some(Written {
                schema: downgrade.schema(),
                payload: downgrade.encode(value)?,
            }),
            None => None,
        };
        let own = Written {
            schema: self.0.schema,
            payload: encode(value)?,
        };
        Ok(Encoded { own, previous })
    }

    /// The same, writing sessions in the format of the version before, for as long as nodes run that know no other. A session
    /// that already has this version keeps it.
    ///
    /// # Errors
    /// Nothing leads back from the version that would be written.
    pub fn write_previous(mut self) -> Result<Self, ConfigError>
    where
        T: WritePrevious,
    {
        let downgrade = T::downgrade();
        let schema = downgrade.schema();
        if self.0.previous.iter().all(|upgrade| upgrade.schema() != schema) {
            return Err(ConfigError::Option {
                type_name: type_name::<T>(),
                message: format!(
                    "it is to be written as version {}, and could not be read back: let its `previous()` lead from there",
                    schema.version
                ),
            });
        }
        self.1 = Some(downgrade);
        Ok(self)
    }
}
