//! What the orders of one exploration have in common, whatever random bytes each of them has drawn: a value is named
//! after the call that first had it, so that two orders in which every request has been answered the same are the same.

use std::collections::HashMap;

use sessions_core::{Record, StorageKey, Timestamp};

use crate::stepped::{Answer, Done, Operation, Records};
use crate::support::{Client, Login, decode};

/// Who had it first, in which of its calls, and as what.
pub(crate) type Name = [u8; 3];

/// Whoever had it before the exploration began.
const BEFORE: u8 = u8::MAX;

#[derive(Default)]
pub(crate) struct Names {
    names: HashMap<Box<[u8]>, Name>,
    calls: HashMap<u8, u8>,
}

impl Names {
    /// What there is when an exploration begins.
    pub(crate) fn of(records: &Records) -> Self {
        let mut names = Self::default();
        for (key, record) in records {
            names.give(BEFORE, 0, key, Some(record));
        }
        names
    }

    /// Names what is new in a call.
    pub(crate) fn called(&mut self, by: usize, operation: &Operation) {
        let by = u8::try_from(by).unwrap();
        let call = self.calls.entry(by).or_default();
        *call += 1;
        let call = *call;
        match operation {
            Operation::Create(key, record) | Operation::Replace(key, record, _) => {
                self.give(by, call, key, Some(record));
            }
            Operation::Load(key) | Operation::Touch(key, _) | Operation::Delete(key) => {
                self.give(by, call, key, None);
            }
            Operation::Wait => {}
        }
    }

    fn give(&mut self, by: u8, call: u8, key: &StorageKey, record: Option<&Record>) {
        let mut give = |part: u8, bytes: &[u8]| {
            if !self.names.contains_key(bytes) {
                self.names.insert(bytes.into(), [by, call, part]);
            }
        };
        give(0, key.as_bytes());
        let Some(record) = record else {
            return;
        };
        give(1, &record.revision.0);
        let secrets = &record.secrets;
        give(2, &secrets.current.0);
        if let Some(next) = &secrets.next {
            give(3, &next.hash.0);
        }
        if let Some(previous) = &secrets.previous {
            give(4, &previous.hash.0);
        }
        for (index, past) in (5..).zip(&secrets.past) {
            give(index, &past.0);
        }
    }

    fn put(&self, text: &mut Vec<u8>, bytes: &[u8]) {
        // Nobody has written what has no name.
        text.extend_from_slice(self.names.get(bytes).unwrap_or(&[0; 3]));
    }

    pub(crate) fn put_record(&self, text: &mut Vec<u8>, record: Option<&Record>) {
        let Some(record) = record else {
            text.push(0);
            return;
        };
        text.push(1);
        self.put(text, &record.revision.0);
        text.extend_from_slice(&record.epoch.to_be_bytes());
        let secrets = &record.secrets;
        self.put(text, &secrets.current.0);
        put_time(text, secrets.since);
        text.push(u8::from(secrets.next.is_some()) + 2 * u8::from(secrets.previous.is_some()));
        if let Some(next) = &secrets.next {
            self.put(text, &next.hash.0);
        }
        if let Some(previous) = &secrets.previous {
            self.put(text, &previous.hash.0);
            put_time(text, previous.until);
        }
        text.push(u8::try_from(secrets.past.len()).unwrap());
        for past in &secrets.past {
            self.put(text, &past.0);
        }
        let times = &record.times;
        put_time(text, times.created);
        put_time(text, times.last_seen);
        put_time(text, times.idle_deadline);
        text.push(u8::try_from(record.payload.as_bytes().len()).unwrap());
        text.extend_from_slice(record.payload.as_bytes());
    }

    /// Everything that is stored.
    pub(crate) fn put_records(&self, text: &mut Vec<u8>, records: &Records) {
        let mut sorted: Vec<_> = records
            .iter()
            .map(|(key, record)| (self.names.get(&key.as_bytes()[..]), record))
            .collect();
        sorted.sort_unstable_by_key(|(name, _)| *name);
        for (name, record) in sorted {
            text.extend_from_slice(name.unwrap_or(&[0; 3]));
            self.put_record(text, Some(record));
        }
        text.push(u8::MAX);
    }

    /// A call as the request has asked it.
    pub(crate) fn put_call(&self, text: &mut Vec<u8>, operation: &Operation) {
        text.push(match operation {
            Operation::Wait => 0,
            Operation::Create(..) => 1,
            Operation::Load(..) => 2,
            Operation::Replace(..) => 3,
            Operation::Touch(..) => 4,
            Operation::Delete(..) => 5,
        });
        if let Some(key) = operation.key() {
            self.put(text, key.as_bytes());
        }
        if let Operation::Create(_, record) | Operation::Replace(_, record, _) = operation {
            self.put_record(text, Some(record));
        }
    }

    /// An answer as the request has heard it.
    pub(crate) fn put_answer(&self, text: &mut Vec<u8>, done: &Done) {
        put_time(text, done.call.now);
        match &done.answer {
            Answer::Waited => text.push(0),
            Answer::Created(created) => text.extend([1, *created as u8]),
            Answer::Loaded(record) => {
                text.push(2);
                self.put_record(text, record.as_deref());
            }
            Answer::Replaced(replaced) => text.extend([3, *replaced as u8]),
            Answer::Touched(touched) => text.extend([4, *touched as u8]),
            Answer::Deleted(deleted) => text.extend([5, u8::from(*deleted)]),
        }
    }

    /// The token that a client has.
    pub(crate) fn put_client(&self, text: &mut Vec<u8>, client: &Client<Login>) {
        text.push(u8::from(client.has_token()));
        if client.has_token() {
            self.put(text, key_and_hash(client).0.as_bytes());
            self.put(text, &key_and_hash(client).1);
        }
    }
}

pub(crate) fn put_time(text: &mut Vec<u8>, time: Timestamp) {
    text.extend_from_slice(&time.as_millis().to_be_bytes());
}

/// The session that a client's token names, and the hash of the secret in it.
pub(crate) fn key_and_hash(client: &Client<Login>) -> (StorageKey, [u8; 32]) {
    use aws_lc_rs::digest::{SHA256, digest};
    let token = decode(client.token());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &token[16..]).as_ref());
    (crate::support::key_of(client), hash)
}
