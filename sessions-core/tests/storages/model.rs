//! The five primitives, against a model that is a map and a few comparisons, one operation after the other.

use std::{collections::BTreeMap, time::Duration};

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use sessions_core::{
    Payload, Record, Revision, SecretHash, StorageKey, Timestamp,
    storage::{
        CachedStorage, Created, DirectoryStorage, Expected, MemoryStorage, Read, Replaced, SessionStorage,
        Touch, Touched,
        contract::{NOW, full_record},
    },
};
use tempfile::TempDir;

/// What is written: few values of each, so that they meet. Times are seconds after the present.
#[derive(Clone, Debug)]
struct Written {
    payload: Vec<u8>,
    revision: u8,
    epoch: u64,
    secret: u8,
    last_seen: u64,
    idle: u64,
    absolute: u64,
    not_after: Option<u64>,
}

#[derive(Clone, Debug)]
enum Step {
    Create(u8, Written),
    Load(u8, Read),
    Replace(u8, Expected, Written),
    Touch(u8, u64, u64, u64),
    Delete(u8),
    Purge(usize),
}

const KEYS: u8 = 3;

fn written() -> impl Strategy<Value = Written> {
    (
        vec(any::<u8>(), 0..4),
        0..3_u8,
        0..2_u64,
        0..3_u8,
        0..20_u64,
        0..20_u64,
        0..40_u64,
        proptest::option::weighted(0.2, 0..20_u64),
    )
        .prop_map(
            |(payload, revision, epoch, secret, last_seen, idle, absolute, not_after)| Written {
                payload,
                revision,
                epoch,
                secret,
                last_seen,
                idle,
                absolute,
                not_after,
            },
        )
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let key = 0..KEYS;
    let read = prop_oneof![Just(Read::Any), Just(Read::Latest)];
    let expected = prop_oneof![
        (0..3_u8).prop_map(|number| Expected::Revision(Revision([number; 16]))),
        (0..2_u64).prop_map(Expected::Epoch),
    ];
    let step = prop_oneof![
        4 => (key.clone(), written()).prop_map(|(key, new)| Step::Create(key, new)),
        4 => (key.clone(), read).prop_map(|(key, read)| Step::Load(key, read)),
        5 => (key.clone(), expected, written()).prop_map(|(key, expected, new)| Step::Replace(key, expected, new)),
        3 => (key.clone(), 0..2_u64, 0..20_u64, 0..60_u64)
            .prop_map(|(key, epoch, seen, idle)| Step::Touch(key, epoch, seen, idle)),
        1 => key.prop_map(Step::Delete),
        1 => (0..3_usize).prop_map(Step::Purge),
    ];
    (prop_oneof![3 => Just(0), 2 => 0..10_u64], step)
}

fn key(number: u8) -> StorageKey {
    StorageKey::from_bytes([number; 32])
}

fn at(second: u64) -> Timestamp {
    NOW.after(Duration::from_secs(second))
}

impl Written {
    fn record(&self, template: &Record, now: u64) -> Record {
        let mut record = template.clone();
        record.payload = Payload::new(&*self.payload);
        record.revision = Revision([self.revision; 16]);
        record.epoch = self.epoch;
        record.secrets.current = SecretHash([self.secret; 32]);
        record.times.last_seen = at(now + self.last_seen);
        record.times.idle_deadline = at(now + self.idle);
        record.times.absolute_deadline = at(now + self.absolute);
        record.times.not_after = self.not_after.map(|second| at(now + second));
        record
    }
}

#[derive(Default)]
struct Model(BTreeMap<u8, Record>);

impl Model {
    fn live(&mut self, key: u8, now: u64) -> Option<&mut Record> {
        self.0.get_mut(&key).filter(|record| {
            let times = &record.times;
            at(now) < times.idle_deadline
                && at(now) < times.absolute_deadline
                && times.not_after.is_none_or(|end| at(now) < end)
        })
    }

    fn create(&mut self, key: u8, new: Record, now: u64) -> Created {
        if self.live(key, now).is_some() {
            return Created::Exists;
        }
        self.0.insert(key, new);
        Created::Created
    }

    fn replace(&mut self, key: u8, new: Record, expected: Expected, now: u64) -> Replaced {
        let Some(stored) = self.live(key, now) else {
            return Replaced::NotFound;
        };
        let before = stored.times;
        match expected {
            Expected::Revision(revision) if stored.revision == revision => {
                *stored = new;
                forward(stored, before.last_seen, before.idle_deadline);
            }
            Expected::Epoch(epoch) if stored.epoch == epoch => {
                stored.payload = new.payload;
                stored.schema = new.schema;
                stored.revision = new.revision;
                forward(stored, new.times.last_seen, new.times.idle_deadline);
            }
            _ => return Replaced::Conflict,
        }
        Replaced::Done
    }

    fn touch(&mut self, key: u8, touch: &Touch, now: u64) -> Touched {
        match self.live(key, now) {
            None => Touched::Gone,
            Some(stored) if stored.epoch != touch.epoch => Touched::Superseded,
            Some(stored) => {
                forward(stored, touch.last_seen, touch.idle_deadline);
                Touched::Touched
            }
        }
    }
}

fn forward(record: &mut Record, last_seen: Timestamp, idle_deadline: Timestamp) {
    let times = &mut record.times;
    if last_seen > times.last_seen {
        times.last_seen = last_seen;
    }
    let idle_deadline = idle_deadline.min(times.absolute_deadline);
    if idle_deadline > times.idle_deadline {
        times.idle_deadline = idle_deadline;
    }
}

/// One step on both, and whether they say the same.
async fn same(
    storage: &dyn SessionStorage,
    model: &mut Model,
    template: &Record,
    now: u64,
    step: Step,
) -> Result<(), TestCaseError> {
    match step {
        Step::Create(number, new) => {
            let new = new.record(template, now);
            let created = storage
                .create(key(number), new.clone().into(), at(now))
                .await
                .unwrap();
            prop_assert_eq!(created, model.create(number, new, now));
        }
        Step::Load(number, read) => {
            let loaded = storage.load(key(number), read, at(now)).await.unwrap();
            prop_assert_eq!(loaded.as_deref().cloned(), model.live(number, now).cloned());
        }
        Step::Replace(number, expected, new) => {
            let new = new.record(template, now);
            let replaced = storage
                .replace(key(number), new.clone().into(), expected, at(now))
                .await
                .unwrap();
            prop_assert_eq!(replaced, model.replace(number, new, expected, now));
        }
        Step::Touch(number, epoch, seen, idle) => {
            let touch = Touch {
                epoch,
                last_seen: at(now + seen),
                idle_deadline: at(now + idle),
            };
            let touched = storage.touch(key(number), touch, at(now)).await.unwrap();
            prop_assert_eq!(touched, model.touch(number, &touch, now));
        }
        Step::Delete(number) => {
            let deleted = storage.delete(key(number), at(now)).await.unwrap();
            prop_assert_eq!(deleted, model.live(number, now).is_some());
            model.0.remove(&number);
        }
        Step::Purge(limit) => {
            let freed = storage.purge_expired(limit, at(now)).await.unwrap();
            // A storage may have freed some before.
            let expired =
                (0..KEYS).filter(|number| model.0.contains_key(number) && model.live(*number, now).is_none());
            let expired = expired.collect::<Vec<_>>().len();
            prop_assert!(
                freed <= limit.min(expired),
                "{} freed of {} expired at a limit of {}",
                freed,
                expired,
                limit
            );
        }
    }
    Ok(())
}

/// Any steps at all, on storages that `make` gives with what is to be kept as long.
fn does_as_the_model<S: SessionStorage, K>(cases: u32, make: impl Fn() -> (S, K)) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let template = full_record();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    };
    let result = TestRunner::new(config).run(&vec(step(), 1..40), |steps| {
        runtime.block_on(async {
            let (storage, _kept) = make();
            let (mut model, mut now) = (Model::default(), 0);
            for (passed, step) in steps {
                now += passed;
                same(&storage, &mut model, &template, now, step).await?;
            }
            for number in 0..KEYS {
                same(
                    &storage,
                    &mut model,
                    &template,
                    now,
                    Step::Load(number, Read::Latest),
                )
                .await?;
            }
            Ok(())
        })
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

fn directory() -> (DirectoryStorage, TempDir) {
    let folder = TempDir::new().unwrap();
    (
        DirectoryStorage::open(folder.path().join("sessions")).unwrap(),
        folder,
    )
}

#[test]
fn a_memory_storage_does_as_the_model() {
    does_as_the_model(500, || (MemoryStorage::new(), ()));
}

#[test]
fn a_directory_storage_does_as_the_model() {
    does_as_the_model(50, directory);
}

#[test]
fn a_cached_memory_does_as_the_model() {
    does_as_the_model(500, || (CachedStorage::new(MemoryStorage::new()), ()));
}

#[test]
fn a_cached_directory_does_as_the_model() {
    does_as_the_model(50, || {
        let (storage, folder) = directory();
        (storage.cached(), folder)
    });
}
