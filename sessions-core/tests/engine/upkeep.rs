//! Expired sessions, freed in the background.

use std::{
    collections::VecDeque,
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sessions_core::{
    Clock as _, Record, SessionStorage, StorageError, StorageKey, Timestamp,
    engine::keep_up,
    storage::{
        Created, DirectoryStorage, Expected, MemoryStorage, Read, Replaced, StorageFuture, Touch, Touched,
        contract::record,
    },
};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Login, World, hours, mins, secs};

/// What becomes of a purge.
#[derive(Clone, Copy)]
enum Mood {
    Fail,
    Panic,
    Hang,
}

/// Passes everything on, except for the purges for which there is a mood.
struct Moody<S> {
    inner: S,
    moods: Mutex<VecDeque<Mood>>,
    batches: Mutex<Vec<usize>>,
    purges: AtomicUsize,
}

impl<S> Moody<S> {
    fn new(inner: S, moods: impl IntoIterator<Item = Mood>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            moods: Mutex::new(moods.into_iter().collect()),
            batches: Mutex::default(),
            purges: AtomicUsize::default(),
        })
    }

    fn purges(&self) -> usize {
        self.purges.load(Ordering::SeqCst)
    }

    /// How many sessions each purge has freed.
    fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }
}

impl<S: SessionStorage> SessionStorage for Moody<S> {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.inner.create(key, record, now)
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.inner.load(key, read, now)
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.inner.replace(key, record, expected, now)
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.inner.touch(key, touch, now)
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.inner.delete(key, now)
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.purges.fetch_add(1, Ordering::SeqCst);
        let mood = self.moods.lock().unwrap().pop_front();
        StorageFuture::boxed(async move {
            match mood {
                Some(Mood::Fail) => return Err(StorageError::unavailable("down")),
                Some(Mood::Panic) => panic!("as it was told"),
                Some(Mood::Hang) => future::pending().await,
                None => {}
            }
            let freed = self.inner.purge_expired(limit, now).await?;
            self.batches.lock().unwrap().push(freed);
            Ok(freed)
        })
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.inner.health()
    }
}

/// So many sessions that have expired when an hour has passed, and one that lives for eight.
async fn fill(world: &World, storage: &impl SessionStorage, expiring: u16) {
    let now = world.clock.now();
    for number in 0..=expiring {
        let mut key = [7; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        let mut record = record([]);
        if number == 0 {
            record.times.idle_deadline = now.after(hours(8));
        }
        let key = StorageKey::from_bytes(key);
        assert_eq!(
            storage.create(key, record.into(), now).await.unwrap(),
            Created::Created
        );
    }
    world.pass(hours(1));
}

/// Every ten minutes, in the background, for as long as the storages are there.
fn upkeep(world: &World, storages: impl IntoIterator<Item = Arc<dyn SessionStorage>>) {
    let engines = storages
        .into_iter()
        .map(|storage| world.server_on::<Login>(storage));
    let purgers: Vec<_> = engines.map(|engine| engine.purger().unwrap()).collect();
    tokio::spawn(keep_up(mins(10), move || Some(purgers.clone())));
}

#[tokio::test(start_paused = true)]
async fn all_that_has_expired_is_freed_in_the_first_round_in_batches() {
    let world = World::new();
    let storage = Moody::new(MemoryStorage::new(), []);
    fill(&world, &storage, 25_000).await;
    upkeep(&world, [storage.clone() as Arc<dyn SessionStorage>]);
    sleep(mins(10)).await;
    assert_eq!(storage.batches(), [10_000, 10_000, 5000]);
    assert_eq!(
        format!("{:?}", storage.inner),
        "MemoryStorage { sessions: 1, principals: 0 }"
    );
    sleep(mins(10)).await;
    assert_eq!(
        storage.batches(),
        [10_000, 10_000, 5000, 0],
        "one round in ten minutes"
    );
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_panics_or_hangs_is_asked_again_in_the_next_round() {
    for mood in [Mood::Fail, Mood::Panic, Mood::Hang] {
        let world = World::new();
        let storage = Moody::new(MemoryStorage::new(), [mood; 2]);
        fill(&world, &storage, 10).await;
        upkeep(&world, [storage.clone() as Arc<dyn SessionStorage>]);
        // A hang takes as long as the time between two rounds.
        sleep(mins(50)).await;
        assert_eq!(storage.batches().first(), Some(&10));
        assert!(storage.purges() >= 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_does_not_keep_another_from_its_upkeep() {
    let world = World::new();
    let broken = Moody::new(MemoryStorage::new(), [Mood::Panic, Mood::Fail, Mood::Fail]);
    let storage = Moody::new(MemoryStorage::new(), []);
    fill(&world, &storage, 10).await;
    upkeep(
        &world,
        [
            broken.clone() as Arc<dyn SessionStorage>,
            storage.clone() as Arc<dyn SessionStorage>,
        ],
    );
    sleep(mins(10)).await;
    assert_eq!(storage.batches(), [10]);
    assert_eq!(broken.purges(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_there_is_nothing_to_look_after_any_more() {
    let begun = Instant::now();
    keep_up(mins(10), || None).await;
    assert!(begun.elapsed() <= mins(10));
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_nothing_is_a_second() {
    let world = World::new();
    let storage = Moody::new(MemoryStorage::new(), []);
    let engine = world.server_on::<Login>(storage.clone());
    tokio::spawn(keep_up(secs(0), move || Some(vec![engine.purger().unwrap()])));
    sleep(secs(10)).await;
    assert!((9..=11).contains(&storage.purges()), "{}", storage.purges());
}

#[tokio::test(start_paused = true)]
async fn an_interval_without_end_is_waited_for() {
    let upkeep = keep_up(Duration::MAX, || panic!("before its time"));
    assert!(timeout(hours(24 * 365), upkeep).await.is_err());
}

/// Of so many sessions all but one have expired; four purge them at once, each through a storage of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_at_once_free_each_session_once() {
    const EXPIRED: u16 = 1000;
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(DirectoryStorage::open(folder.path()).unwrap().without_fsync());
    let nodes = [open(), open(), open(), open()];
    let start = Arc::new(tokio::sync::Barrier::new(nodes.len()));
    fill(&world, &*nodes[0], EXPIRED).await;
    let now = world.clock.now();
    let purges = nodes.clone().map(|node| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            let mut freed = 0;
            loop {
                match node.purge_expired(100, now).await.unwrap() {
                    0 => return freed,
                    some => freed += some,
                }
            }
        })
    });
    let mut freed = Vec::new();
    for purge in purges {
        freed.push(purge.await.unwrap());
    }
    assert_eq!(freed.iter().sum::<usize>(), usize::from(EXPIRED), "{freed:?}");
    assert!(freed.iter().filter(|&&freed| freed > 0).count() > 1, "{freed:?}");
    let mut key = [7; 32];
    key[..2].fill(0);
    let live = nodes[0].load(StorageKey::from_bytes(key), Read::Latest, now);
    assert!(live.await.unwrap().is_some());
}
