//! Sessions that show whether they are whole, for a process that writes them and a test that kills it.

use std::time::Duration;

use sessions_actix::{
    Fingerprint, IdError, Payload, Principal, PublicId, Record, Revision, Schema, SecretHash, Secrets,
    StorageKey, Times, Timestamp,
    storage::{IndexKey, Member},
};

/// How many principals there are whose sessions these are.
pub const PRINCIPALS: u64 = 3;

/// The key of a session.
pub fn key(number: u64) -> StorageKey {
    let mut key = [7; 32];
    // The low bytes first: locks go by the first one.
    key[..8].copy_from_slice(&number.to_le_bytes());
    StorageKey::from_bytes(key)
}

/// The sessions of the principal that a session belongs to.
pub fn index(number: u64) -> IndexKey {
    IndexKey::new("", "numbered", &principal(number))
}

fn principal(number: u64) -> Principal {
    Principal::new(&(number % PRINCIPALS).to_string())
}

/// A session of this number that lasts for a day, with 64 KiB that are all of it.
///
/// # Errors
/// None, for every number makes an id.
pub fn record(number: u64, now: Timestamp) -> Result<Record, IdError> {
    let end = now.after(Duration::from_secs(24 * 60 * 60));
    Ok(Record {
        public_id: PublicId::from_bytes(&u128::from(number).to_be_bytes())?,
        application: "".into(),
        name: "numbered".into(),
        schema: Schema {
            version: 1,
            fingerprint: Fingerprint([0; 16]),
        },
        revision: Revision(u128::from(number).to_be_bytes()),
        epoch: 0,
        secrets: Secrets {
            current: SecretHash([0; 32]),
            since: now,
            next: None,
            previous: None,
            past: Vec::new(),
        },
        times: Times {
            created: now,
            authenticated: None,
            last_seen: now,
            idle_deadline: end,
            absolute_deadline: end,
            not_after: None,
            remembered: None,
        },
        principal: Some(principal(number)),
        label: None,
        client_context: None,
        payload: payload(number),
    })
}

fn payload(number: u64) -> Payload {
    Payload::new(number.to_be_bytes().repeat(8 * 1024))
}

/// The number of a session, if that is whole.
pub fn number(record: &Record) -> Option<u64> {
    let number = u64::from_be_bytes(*record.payload.as_bytes().first_chunk()?);
    (record.payload.as_bytes() == payload(number).as_bytes()).then_some(number)
}

/// A session's place in the index.
pub fn member(record: &Record, number: u64) -> Member {
    Member {
        key: key(number),
        public_id: record.public_id.clone(),
        created: record.times.created,
        ends: record.times.absolute_deadline,
    }
}

/// The number of the session that has a place.
pub fn member_number(member: &Member) -> Option<u64> {
    Some(u64::from_le_bytes(*member.key.as_bytes().first_chunk()?))
}
