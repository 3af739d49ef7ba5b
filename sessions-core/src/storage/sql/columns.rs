//! One session as a row. What a touch moves, and what a write within an epoch changes, are columns of their own, so that
//! each is one statement; the rest of the record is the `head`.

use aws_lc_rs::digest;

use crate::{
    Fingerprint, Payload, Record, RecordError, Revision, Schema, StorageError, Times, Timestamp, lp::put,
};

/// The columns that make a record.
pub(super) struct Stored {
    pub(super) revision: Vec<u8>,
    pub(super) version: i64,
    pub(super) fingerprint: Vec<u8>,
    pub(super) last_seen: i64,
    pub(super) idle_deadline: i64,
    pub(super) head: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

/// What sessions of one name in one application have in common: names may be longer than a server's index can take.
pub(super) fn kind(application: &str, name: &str) -> [u8; 32] {
    let mut text = Vec::with_capacity(32 + application.len() + name.len());
    put(&mut text, b"sessions of");
    put(&mut text, application.as_bytes());
    put(&mut text, name.as_bytes());
    let mut kind = [0; 32];
    kind.copy_from_slice(digest::digest(&digest::SHA256, &text).as_ref());
    kind
}

/// The record without its payload.
pub(super) fn head(record: &Record) -> Result<Vec<u8>, StorageError> {
    let head = Record {
        payload: Payload::new([]),
        ..record.clone()
    };
    head.to_bytes().map_err(StorageError::unavailable)
}

/// The record of a row.
pub(super) fn stored(columns: Stored) -> Result<Record, RecordError> {
    let mut record = Record::from_bytes(&columns.head)?;
    let (Ok(revision), Ok(fingerprint), Ok(version)) = (
        columns.revision.try_into(),
        columns.fingerprint.try_into(),
        columns.version.try_into(),
    ) else {
        return Err(RecordError::Version);
    };
    record.revision = Revision(revision);
    record.schema = Schema {
        version,
        fingerprint: Fingerprint(fingerprint),
    };
    // They only ever move forward; a column cannot hold the latest of times, which then are in the head.
    let times = &mut record.times;
    times.last_seen = times.last_seen.max(timestamp(columns.last_seen));
    times.idle_deadline = times.idle_deadline.max(timestamp(columns.idle_deadline));
    record.payload = Payload::new(columns.payload);
    Ok(record)
}

/// When it was last seen, its idle and its absolute deadline, the end that no use moves, and the first of its deadlines.
pub(super) fn times(times: &Times) -> [i64; 5] {
    [
        times.last_seen,
        times.idle_deadline,
        times.absolute_deadline,
        times.end(),
        times.deadline(),
    ]
    .map(time)
}

/// A time for a column, whose integers have a sign; the rest of time is one point.
pub(super) fn time(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A time to compare columns with. It never reaches that point, so that what never ends does not end.
pub(super) fn moment(now: Timestamp) -> i64 {
    time(now).min(i64::MAX - 1)
}

fn timestamp(time: i64) -> Timestamp {
    Timestamp::from_millis(time.try_into().unwrap_or_default())
}

/// Rises by one with each rotation: what does not fit is never reached.
pub(super) fn epoch(epoch: u64) -> i64 {
    i64::try_from(epoch).unwrap_or(i64::MAX)
}
