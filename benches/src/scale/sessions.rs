//! Sessions as a server makes them: each has a number here.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use sessions_actix::{
    Payload, Principal, PublicId, Record, Revision, StorageKey, Timestamp,
    storage::{
        Created, IndexKey, Member, MemoryStorage, Reservation, Reserved, SessionIndex, SessionStorage as _,
        StorageFuture,
        contract::{NOW, record},
    },
};
use workloads::Failure;

use super::random::Random;

/// How many end in each second after [`NOW`], in the order of their numbers.
pub(super) const PER_SECOND: u64 = 1000;

/// From here on no session has this number.
pub(super) const UNKNOWN: u64 = 1 << 40;

const APPLICATION: &str = "shop";
const NAME: &str = "__Host-account";
/// As large as a login with a few fields.
const PAYLOAD: [u8; 200] = [7; 200];

/// Whose sessions they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Nobody,
    /// Each is that of a principal who has no other one, and has its place in the index.
    Principals,
}

/// Makes sessions.
pub(super) struct Maker {
    /// What they have in common: the names that all of them share, among other things.
    template: Record,
}

impl Maker {
    pub(super) fn new() -> Self {
        Self {
            template: Record {
                application: APPLICATION.into(),
                name: NAME.into(),
                ..record([])
            },
        }
    }

    pub(super) fn record(&self, number: u64, whose: Whose) -> Result<Arc<Record>, Failure> {
        let mut record = Record {
            public_id: id(number)?,
            revision: revision(number),
            payload: Payload::new(PAYLOAD),
            ..self.template.clone()
        };
        record.times.idle_deadline = end(number);
        if whose == Whose::Principals {
            record.principal = Some(Principal::new(&format!("user{number}@example.com")));
        }
        Ok(Arc::new(record))
    }

    /// Stores sessions with these numbers, in this order, as logins do.
    pub(super) fn fill(
        &self,
        storage: &MemoryStorage,
        numbers: &[u64],
        whose: Whose,
        now: Timestamp,
    ) -> Result<(), Failure> {
        for &number in numbers {
            let (key, record) = (key(number)?, self.record(number, whose)?);
            let place = IndexKey::of(&record);
            if let Some(index) = place {
                let reservation = Reservation {
                    session: Member {
                        key,
                        public_id: record.public_id.clone(),
                        created: now,
                        ends: record.times.absolute_deadline,
                    },
                    began: now,
                    replaces: None,
                    limit: None,
                };
                expect(
                    &at_once(storage.reserve(index, reservation, now))?,
                    &Reserved::Reserved,
                )?;
            }
            expect(&at_once(storage.create(key, record, now))?, &Created::Created)?;
            if let Some(index) = place {
                expect(&at_once(storage.confirm(index, key, now))?, &true)?;
            }
        }
        Ok(())
    }

    /// A storage in memory with so many sessions, which were made in no order.
    pub(super) fn storage(&self, count: u64) -> Result<MemoryStorage, Failure> {
        let storage = MemoryStorage::new();
        self.fill(
            &storage,
            &Random::new(count).shuffled(0..count),
            Whose::Nobody,
            NOW,
        )?;
        Ok(storage)
    }
}

/// The record after a write of the same fields.
pub(super) fn written(record: &Record, revision: Revision) -> Arc<Record> {
    Arc::new(Record {
        revision,
        payload: Payload::new(PAYLOAD),
        ..record.clone()
    })
}

pub(super) fn key(number: u64) -> Result<StorageKey, Failure> {
    Ok(StorageKey::new(APPLICATION, NAME, &id(number)?))
}

/// As many bytes, as evenly distributed, as a random one has.
fn id(number: u64) -> Result<PublicId, Failure> {
    Ok(PublicId::from_bytes(&bytes(number))?)
}

pub(super) fn revision(number: u64) -> Revision {
    Revision(bytes(number))
}

fn bytes(number: u64) -> [u8; 16] {
    let mut random = Random::new(number);
    let (high, low) = (random.next(), random.next());
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

/// When this one ends.
fn end(number: u64) -> Timestamp {
    NOW.after(Duration::from_secs(number / PER_SECOND + 1))
}

/// When so many have ended, a multiple of [`PER_SECOND`].
pub(super) fn ended(count: u64) -> Timestamp {
    NOW.after(Duration::from_secs(count / PER_SECOND))
}

/// The answer of a storage in memory.
pub(super) fn at_once<T>(answer: StorageFuture<'_, T>) -> Result<T, Failure> {
    Ok(answer.now_or_never().ok_or("memory answers at once")??)
}

/// Fails unless a storage has done what is to be measured.
pub(super) fn expect<T: PartialEq + std::fmt::Debug>(answer: &T, expected: &T) -> Result<(), Failure> {
    if answer == expected {
        Ok(())
    } else {
        Err(format!("{answer:?} instead of {expected:?}").into())
    }
}
