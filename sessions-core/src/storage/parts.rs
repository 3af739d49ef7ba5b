//! A record in parts, for a storage that writes some of them without the others: what a touch moves, and what a write
//! within an epoch changes, are apart; the rest of the record is the `head`.

use aws_lc_rs::digest;

use crate::{Record, RecordError, Revision, Schema, StorageError, Timestamp, lp::put};

/// The parts that make a record.
pub(super) struct Parts<'a> {
    pub(super) revision: Revision,
    pub(super) schema: Schema,
    pub(super) last_seen: Timestamp,
    pub(super) idle_deadline: Timestamp,
    pub(super) head: &'a [u8],
    pub(super) payload: &'a [u8],
}

impl Parts<'_> {
    pub(super) fn joined(self) -> Result<Record, RecordError> {
        let mut record = Record::from_bytes_with(self.head, Some(self.payload))?;
        record.revision = self.revision;
        record.schema = self.schema;
        // They only ever move forward; a part may not be able to hold the latest of times, which then are in the head.
        let times = &mut record.times;
        times.last_seen = times.last_seen.max(self.last_seen);
        times.idle_deadline = times.idle_deadline.max(self.idle_deadline);
        Ok(record)
    }
}

/// The record without its payload.
pub(super) fn head(record: &Record) -> Result<Vec<u8>, StorageError> {
    record.bytes_with(&[]).map_err(StorageError::unavailable)
}

/// What sessions of one name in one application have in common, in a length that every index can take.
pub(super) fn kind(application: &str, name: &str) -> [u8; 32] {
    let mut text = Vec::with_capacity(32 + application.len() + name.len());
    put(&mut text, b"sessions of");
    put(&mut text, application.as_bytes());
    put(&mut text, name.as_bytes());
    let mut kind = [0; 32];
    kind.copy_from_slice(digest::digest(&digest::SHA256, &text).as_ref());
    kind
}
