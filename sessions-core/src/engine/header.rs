//! What stands before the payload in the token of a session that the client keeps.
//!
//! It is written as the serializer `Bincode` would, and by hand, as it comes with every request: `docs/tokens.md` has it to the
//! byte.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use crate::{
    Fingerprint, PublicId, Schema, Times, Timestamp,
    serializer::number::{Reader, put_number, put_optional},
};

#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug, serde::Serialize, serde::Deserialize))]
pub(super) struct Header {
    pub(super) schema: Schema,
    pub(super) id: PublicId,
    pub(super) issued: Timestamp,
    pub(super) times: Times,
    /// What a revocation compares with.
    pub(super) mark: Timestamp,
    /// What was known of the client that has started it; follows all else, where it is.
    #[cfg_attr(test, serde(skip))]
    pub(super) context: Option<Arc<[u8]>>,
}

/// The kinds of ids, as numbers.
const RANDOM: u64 = 0;
const CUSTOM: u64 = 1;

impl Header {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_number(out, self.schema.version.into());
        out.extend_from_slice(&self.schema.fingerprint.0);
        let id = self.id.as_bytes();
        if id.len() == PublicId::MIN_LEN {
            put_number(out, RANDOM);
        } else {
            put_number(out, CUSTOM);
            put_number(out, id.len() as u64);
        }
        out.extend_from_slice(id);
        put_time(out, self.issued);
        let Times {
            created,
            authenticated,
            last_seen,
            idle_deadline,
            absolute_deadline,
            not_after,
            remembered,
        } = self.times;
        put_time(out, created);
        put_optional(out, authenticated, put_time);
        put_time(out, last_seen);
        put_time(out, idle_deadline);
        put_time(out, absolute_deadline);
        put_optional(out, not_after, put_time);
        put_optional(out, remembered, |out, time| {
            put_number(out, time.as_secs());
            put_number(out, time.subsec_nanos().into());
        });
        put_time(out, self.mark);
        if let Some(context) = &self.context {
            put_number(out, context.len() as u64);
            out.extend_from_slice(context);
        }
    }

    /// What [`write`](Self::write) wrote, and nothing else. Any bytes at all, where nothing protects the token.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let reader = &mut Reader(bytes);
        let header = Self {
            schema: Schema {
                version: reader.number()?.try_into().ok()?,
                fingerprint: Fingerprint(reader.array()?),
            },
            id: match reader.number()? {
                RANDOM => PublicId::from_bytes(&reader.array::<{ PublicId::MIN_LEN }>()?).ok()?,
                CUSTOM => PublicId::from_bytes(reader.bytes()?).ok()?,
                _ => return None,
            },
            issued: time(reader)?,
            times: Times {
                created: time(reader)?,
                authenticated: reader.optional(time)?,
                last_seen: time(reader)?,
                idle_deadline: time(reader)?,
                absolute_deadline: time(reader)?,
                not_after: reader.optional(time)?,
                remembered: reader.optional(|reader| {
                    let seconds = Duration::from_secs(reader.number()?);
                    seconds.checked_add(Duration::from_nanos(reader.number()?))
                })?,
            },
            mark: time(reader)?,
            context: match reader.0 {
                [] => None,
                _ => Some(reader.bytes()?.into()),
            },
        };
        reader.0.is_empty().then_some(header)
    }
}

fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    put_number(out, time.as_millis());
}

fn time(reader: &mut Reader<'_>) -> Option<Timestamp> {
    reader.number().map(Timestamp::from_millis)
}
