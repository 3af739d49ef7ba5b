//! One session as a row. What a touch moves, and what a write within an epoch changes, are columns of their own, so that
//! each is one statement; the rest of the record is the `head`.

use crate::{Fingerprint, Record, RecordError, Revision, Schema, Times, Timestamp, storage::parts::Parts};

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

/// The record of a row.
pub(super) fn stored(columns: Stored) -> Result<Record, RecordError> {
    let (Ok(revision), Ok(fingerprint), Ok(version)) = (
        columns.revision.try_into(),
        columns.fingerprint.try_into(),
        columns.version.try_into(),
    ) else {
        return Err(RecordError::Version);
    };
    Parts {
        revision: Revision(revision),
        schema: Schema {
            version,
            fingerprint: Fingerprint(fingerprint),
        },
        last_seen: timestamp(columns.last_seen),
        idle_deadline: timestamp(columns.idle_deadline),
        head: &columns.head,
        payload: &columns.payload,
    }
    .joined()
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
