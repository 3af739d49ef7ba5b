//! What stands before the payload in the token of a session that the client keeps.
//!
//! It is written as the serializer `Bincode` would, and by hand, as it comes with every request: `docs/tokens.md` has it to the
//! byte.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{
    Fingerprint, PublicId, Schema, Times, Timestamp,
    by_hand::{Reader, put_bytes, put_id, put_number, put_time, put_times},
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

impl Header {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_number(out, self.schema.version.into());
        out.extend_from_slice(&self.schema.fingerprint.0);
        put_id(out, &self.id);
        put_time(out, self.issued);
        put_times(out, &self.times);
        put_time(out, self.mark);
        if let Some(context) = &self.context {
            put_bytes(out, context);
        }
    }

    /// What [`write`](Self::write) wrote, and nothing else. Any bytes at all, where nothing protects the token.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let reader = &mut Reader(bytes);
        let header = Self {
            schema: Schema {
                version: reader.number_32()?,
                fingerprint: Fingerprint(reader.array()?),
            },
            id: reader.id()?,
            issued: reader.time()?,
            times: reader.times()?,
            mark: reader.time()?,
            context: match reader.0 {
                [] => None,
                _ => Some(reader.bytes()?.into()),
            },
        };
        reader.0.is_empty().then_some(header)
    }
}
