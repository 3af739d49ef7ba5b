//! One session as one string. `scripts/session.lua` says what is where in it.

use crate::{
    Fingerprint, Record, RecordError, Revision, Schema, StorageError, Times, Timestamp,
    storage::parts::{self, Parts},
};

const LAYOUT: u8 = 1;
/// What comes before the head.
pub(super) const HEADER: usize = 97;
/// The latest of times: the scripts compute with numbers that are exact up to here. It is in the year 287396.
const END_OF_TIME: u64 = (1 << 53) - 1;

/// A kind, as it stands in a header.
pub(super) type Kind = [u8; 16];

pub(super) fn kind(application: &str, name: &str) -> Kind {
    let mut kind = [0; 16];
    kind.copy_from_slice(&parts::kind(application, name)[..16]);
    kind
}

/// The whole of a session.
pub(super) fn whole(record: &Record) -> Result<Vec<u8>, StorageError> {
    Ok(with_head(record, &parts::head(record)?))
}

/// What a write within an epoch needs of one.
pub(super) fn without_head(record: &Record) -> Vec<u8> {
    with_head(record, &[])
}

fn with_head(record: &Record, head: &[u8]) -> Vec<u8> {
    let payload = record.payload.as_bytes();
    let mut bytes = Vec::with_capacity(HEADER + head.len() + payload.len());
    bytes.push(LAYOUT);
    bytes.extend_from_slice(&record.revision.0);
    bytes.extend_from_slice(&record.epoch.to_be_bytes());
    bytes.extend_from_slice(&record.schema.version.to_be_bytes());
    bytes.extend_from_slice(&record.schema.fingerprint.0);
    let Times {
        last_seen,
        idle_deadline,
        absolute_deadline,
        ..
    } = record.times;
    for time in [last_seen, idle_deadline, absolute_deadline, record.times.end()] {
        bytes.extend_from_slice(&self::time(time).to_be_bytes());
    }
    bytes.extend_from_slice(&kind(&record.application, &record.name));
    // A record has 4 MiB at most.
    bytes.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(payload);
    bytes
}

/// The session that a string is, unless it has expired.
pub(super) fn record(bytes: &[u8], now: Timestamp) -> Result<Option<Record>, RecordError> {
    let header = Header::of(bytes)?;
    if !header.is_live(now) {
        return Ok(None);
    }
    let (head, payload) = bytes[HEADER..]
        .split_at_checked(header.head)
        .ok_or(RecordError::Version)?;
    Parts {
        revision: header.revision,
        schema: header.schema,
        last_seen: header.last_seen,
        idle_deadline: header.idle_deadline,
        head,
        payload,
    }
    .joined()
    .map(Some)
}

/// Whether these first bytes of a string are those of a live session of this kind.
pub(super) fn is_live_of(bytes: &[u8], kind: &Kind, now: Timestamp) -> bool {
    Header::of(bytes).is_ok_and(|header| header.kind == *kind && header.is_live(now))
}

struct Header {
    revision: Revision,
    schema: Schema,
    last_seen: Timestamp,
    idle_deadline: Timestamp,
    ends: Timestamp,
    kind: Kind,
    head: usize,
}

impl Header {
    fn of(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.first() != Some(&LAYOUT) || bytes.len() < HEADER {
            return Err(RecordError::Version);
        }
        let time = |at| Timestamp::from_millis(u64::from_be_bytes(array(bytes, at)));
        Ok(Self {
            revision: Revision(array(bytes, 1)),
            schema: Schema {
                version: u32::from_be_bytes(array(bytes, 25)),
                fingerprint: Fingerprint(array(bytes, 29)),
            },
            last_seen: time(45),
            idle_deadline: time(53),
            ends: time(69),
            kind: array(bytes, 77),
            head: usize::try_from(u32::from_be_bytes(array(bytes, 93))).unwrap_or(usize::MAX),
        })
    }

    fn is_live(&self, now: Timestamp) -> bool {
        moment(now) < self.idle_deadline.min(self.ends).as_millis()
    }
}

/// These many bytes from there, all of which are in the header.
fn array<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&header[at..at + N]);
    array
}

/// A time as the scripts take it.
pub(super) fn time(time: Timestamp) -> u64 {
    time.as_millis().min(END_OF_TIME)
}

/// A time to compare others with. It never reaches the last one, so that what never ends does not end.
pub(super) fn moment(now: Timestamp) -> u64 {
    time(now).min(END_OF_TIME - 1)
}

/// For how many milliseconds what ends then is kept: a minute longer, because clocks differ. Here it is only freed.
pub(super) fn kept(ends: Timestamp, now: Timestamp) -> u64 {
    time(ends).saturating_sub(time(now)) + 60_000
}
