//! Backends that are down, and back again.

use std::{
    fs::{self, File},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use sessions_core::{
    Record, StorageKey, Timestamp,
    storage::{
        CachedStorage, Created, DirectoryStorage, Expected, Read, Replaced, SessionStorage, StorageFuture,
        Touch, Touched,
        contract::{Failure, Gated, Patience, check_outage},
    },
};
use tempfile::TempDir;

const SECOND: Duration = Duration::from_secs(1);
/// Long enough for whoever has anything to say.
const SHORT: Duration = Duration::from_millis(200);

fn folder() -> (TempDir, PathBuf, DirectoryStorage) {
    let around = TempDir::new().unwrap();
    let path = around.path().join("sessions");
    let storage = DirectoryStorage::open(&path).unwrap();
    (around, path, storage)
}

#[tokio::test]
async fn a_folder_that_is_moved_away_is_no_logout() {
    let (around, path, storage) = folder();
    let aside = around.path().join("aside");
    check_outage(
        storage,
        Patience::Own(SECOND),
        async || fs::rename(&path, &aside).unwrap(),
        async || fs::rename(&aside, &path).unwrap(),
    )
    .await;
}

/// As where a volume is not mounted.
#[tokio::test]
async fn an_empty_folder_in_the_place_of_the_right_one_is_no_logout() {
    let (around, path, storage) = folder();
    let aside = around.path().join("aside");
    check_outage(
        storage,
        Patience::Own(SECOND),
        async || {
            fs::rename(&path, &aside).unwrap();
            fs::create_dir(&path).unwrap();
        },
        async || {
            fs::remove_dir(&path).unwrap();
            fs::rename(&aside, &path).unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn a_file_in_the_place_of_the_folder_is_no_logout() {
    let (around, path, storage) = folder();
    let aside = around.path().join("aside");
    check_outage(
        storage,
        Patience::Own(SECOND),
        async || {
            fs::rename(&path, &aside).unwrap();
            fs::write(&path, "no folder").unwrap();
        },
        async || {
            fs::remove_file(&path).unwrap();
            fs::rename(&aside, &path).unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn another_process_that_keeps_all_locks_holds_up_writers_and_no_reader() {
    let (_around, path, storage) = folder();
    let locks = (0..64).flat_map(|number| [format!("{number:02x}"), format!("by-{number:02x}")]);
    let locks: Vec<_> = locks.map(|name| path.join(".locks").join(name)).collect();
    let held = Mutex::new(Vec::new());
    check_outage(
        storage,
        Patience::Callers(SHORT),
        async || {
            for lock in &locks {
                let options = &mut File::options();
                let file = options.create(true).append(true).open(lock).unwrap();
                file.lock().unwrap();
                held.lock().unwrap().push(file);
            }
        },
        async || held.lock().unwrap().clear(),
    )
    .await;
}

#[tokio::test]
async fn a_storage_that_refuses_everything_is_an_error_through_a_cache() {
    for failure in [Failure::Refuses, Failure::LosesTheRequest, Failure::LosesTheReply] {
        let behind = Gated::new();
        check_outage(
            CachedStorage::new(behind.clone()),
            Patience::Own(SECOND),
            async || behind.break_down(failure),
            async || behind.mend(),
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_hangs_is_left_waiting_through_a_cache() {
    let behind = Gated::new();
    check_outage(
        CachedStorage::new(behind.clone()),
        Patience::Callers(2 * SECOND),
        async || behind.break_down(Failure::Hangs),
        async || behind.mend(),
    )
    .await;
}

/// Says that there is no session when it cannot look.
struct Optimist(Gated);

impl SessionStorage for Optimist {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.0.create(key, record, now)
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::boxed(async move { Ok(self.0.load(key, read, now).await.unwrap_or_default()) })
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.0.replace(key, record, expected, now)
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.0.touch(key, touch, now)
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.0.delete(key, now)
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.0.purge_expired(limit, now)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.0.health()
    }
}

#[tokio::test]
#[should_panic(expected = "load gave Ok(Loaded(None)) when the backend was broken")]
async fn one_that_says_no_session_when_it_cannot_look_is_found_out() {
    let behind = Gated::new();
    check_outage(
        Optimist(behind.clone()),
        Patience::Own(SECOND),
        async || behind.break_down(Failure::Refuses),
        async || behind.mend(),
    )
    .await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "did not answer within 1s when the backend was broken")]
async fn one_that_never_answers_is_found_out() {
    let behind = Gated::new();
    check_outage(
        behind.clone(),
        Patience::Own(SECOND),
        async || behind.break_down(Failure::Hangs),
        async || behind.mend(),
    )
    .await;
}

#[tokio::test]
#[should_panic(expected = "health gave Ok(()) when the backend was broken")]
async fn an_outage_that_is_none_is_found_out() {
    check_outage(Gated::new(), Patience::Own(SECOND), async || {}, async || {}).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "was not healthy 10s after its backend was mended")]
async fn one_that_does_not_recover_is_found_out() {
    let behind = Gated::new();
    check_outage(
        behind.clone(),
        Patience::Own(SECOND),
        async || behind.break_down(Failure::Refuses),
        async || {},
    )
    .await;
}

#[tokio::test]
#[should_panic(expected = "after an outage in which it was asked for a load")]
async fn one_that_comes_back_without_its_sessions_is_found_out() {
    let behind = Gated::new();
    check_outage(
        behind.clone(),
        Patience::Own(SECOND),
        async || behind.break_down(Failure::Refuses),
        async || {
            behind.mend();
            let index = behind.index().unwrap();
            index
                .delete_some("", "contract", 100, sessions_core::storage::contract::NOW)
                .await
                .unwrap();
        },
    )
    .await;
}
