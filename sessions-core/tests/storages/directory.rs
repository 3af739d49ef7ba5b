//! What a directory storage does beyond the contract.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use sessions_core::{
    Record, StorageError, StorageKey,
    storage::{
        Created, DirectoryStorage, Expected, Read, Replaced, SessionStorage, Touch,
        contract::{NOW, full_record, record},
    },
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinHandle};

const KEY: StorageKey = StorageKey::from_bytes([0xAB; 32]);

fn folder() -> (TempDir, PathBuf) {
    let around = TempDir::new().unwrap();
    let path = around.path().join("sessions");
    (around, path)
}

fn file(path: &Path) -> PathBuf {
    path.join("ab".repeat(32))
}

/// The names of the files in a folder, but for the locks and the index.
fn names(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name != ".locks" && name != "by");
    names.sort();
    names
}

async fn load(storage: &DirectoryStorage) -> Result<Option<Arc<Record>>, StorageError> {
    storage.load(KEY, Read::Latest, NOW).await
}

#[tokio::test]
async fn sessions_outlast_the_storage() {
    let (_around, path) = folder();
    let stored = full_record();
    let storage = DirectoryStorage::open(&path).unwrap();
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    drop(storage);
    let storage = DirectoryStorage::open(&path).unwrap();
    assert_eq!(*load(&storage).await.unwrap().unwrap(), stored);
}

#[tokio::test]
async fn a_file_is_named_by_the_key_and_nothing_else_is_left() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    storage.create(KEY, record([]).into(), NOW).await.unwrap();
    storage.health().await.unwrap();
    assert_eq!(names(&path), ["ab".repeat(32)]);
    storage.delete(KEY, NOW).await.unwrap();
    assert_eq!(names(&path), [""; 0]);
}

#[tokio::test]
async fn unknown_keys_create_no_file() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    let touch = Touch {
        epoch: 0,
        last_seen: NOW,
        idle_deadline: NOW,
    };
    for number in 0..100 {
        let key = StorageKey::from_bytes([number; 32]);
        storage.load(key, Read::Any, NOW).await.unwrap();
        storage.touch(key, touch, NOW).await.unwrap();
        storage
            .replace(key, record([]).into(), Expected::Epoch(0), NOW)
            .await
            .unwrap();
        storage.delete(key, NOW).await.unwrap();
    }
    assert_eq!(names(&path), [""; 0]);
    // Nor do the locks grow with the keys.
    assert!(fs::read_dir(path.join(".locks")).unwrap().count() <= 64);
}

#[cfg(unix)]
#[tokio::test]
async fn files_and_folders_are_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    storage.create(KEY, record([]).into(), NOW).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&file(&path)), 0o600);
    assert_eq!(mode(&path.join(".locks")), 0o700);
    for lock in fs::read_dir(path.join(".locks")).unwrap() {
        assert_eq!(mode(&lock.unwrap().path()), 0o600);
    }
}

#[test]
fn what_is_not_a_folder_is_refused() {
    let (_around, path) = folder();
    fs::write(&path, "").unwrap();
    let error = DirectoryStorage::open(&path).unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    let error = DirectoryStorage::open(path.join("below")).unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_is_refused() {
    let (around, path) = folder();
    std::os::unix::fs::symlink(around.path(), &path).unwrap();
    for path in [path.clone(), path.join("")] {
        let error = DirectoryStorage::open(path).unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_place_of_a_session_is_not_followed() {
    let (around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    let elsewhere = around.path().join("elsewhere");
    fs::write(&elsewhere, record([]).to_bytes().unwrap()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, file(&path)).unwrap();
    let error = load(&storage).await.unwrap_err();
    assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
    assert!(storage.delete(KEY, NOW).await.unwrap());
    assert!(elsewhere.exists() && !file(&path).exists());
}

#[tokio::test]
async fn an_unreadable_file_is_said_to_be_and_only_deleted_on_demand() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    let whole = record(*b"value").to_bytes().unwrap();
    let far = NOW.after(Duration::from_secs(1 << 40));
    for garbage in [&b""[..], b"garbage", &whole[..whole.len() - 1], &vec![1; 9 << 20]] {
        fs::write(file(&path), garbage).unwrap();
        let error = load(&storage).await.unwrap_err();
        assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
        let created = storage.create(KEY, record([]).into(), NOW).await.unwrap();
        assert_eq!(created, Created::Exists);
        let error = storage
            .replace(KEY, record([]).into(), Expected::Epoch(0), NOW)
            .await
            .unwrap_err();
        assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
        assert_eq!(storage.purge_expired(10, far).await.unwrap(), 0);
        assert_eq!(fs::read(file(&path)).unwrap(), garbage);
        assert!(storage.delete(KEY, NOW).await.unwrap());
        assert!(!storage.delete(KEY, NOW).await.unwrap());
        assert_eq!(load(&storage).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_a_crash_or_somebody_else_left_is_no_session() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    storage.health().await.unwrap();
    let foreign = [
        "README",
        ".hidden",
        &"AB".repeat(32),
        &"a".repeat(63),
        &"g".repeat(64),
        &"+a".repeat(32),
    ];
    for name in foreign {
        fs::write(path.join(name), "garbage").unwrap();
    }
    for number in 0..64 {
        fs::write(path.join(format!(".locks/{number:02x}.draft")), "half a rec").unwrap();
    }
    let stored = record([]);
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    storage.health().await.unwrap();
    assert_eq!(*load(&storage).await.unwrap().unwrap(), stored);
    assert_eq!(
        storage.purge_expired(10, stored.times.deadline()).await.unwrap(),
        1
    );
    assert_eq!(names(&path).len(), foreign.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_never_sees_a_torn_file() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    let of = |number: u8, len: usize| record(vec![number; len]);
    storage.create(KEY, of(0, 10).into(), NOW).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let done = done.clone();
        let file = file(&path);
        move || {
            let mut seen = 0;
            while !done.load(Ordering::SeqCst) {
                let record = Record::from_bytes(&fs::read(&file).unwrap()).unwrap();
                let payload = record.payload.as_bytes();
                assert!(payload.iter().all(|byte| *byte == payload[0]));
                seen += 1;
            }
            seen
        }
    });
    for round in 0..100_u8 {
        // Longer and shorter by turns.
        let new = of(round, if round % 2 == 0 { 100_000 } else { 10 });
        let replaced = storage
            .replace(KEY, new.into(), Expected::Epoch(0), NOW)
            .await
            .unwrap();
        assert_eq!(replaced, Replaced::Done);
    }
    done.store(true, Ordering::SeqCst);
    assert!(reader.join().unwrap() > 0);
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_is_done_as_a_whole_or_not_at_all() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    for number in 0..50_u8 {
        let key = StorageKey::from_bytes([number; 32]);
        let stored = record(vec![number; 50_000]);
        {
            // Polled once, so that it begins, and dropped.
            let write = storage.create(key, stored.clone().into(), NOW);
            tokio::select! {
                biased;
                _ = write => {}
                () = std::future::ready(()) => {}
            }
        }
        // The next writer of the key waits for it.
        let created = storage.create(key, stored.clone().into(), NOW).await.unwrap();
        let loaded = storage.load(key, Read::Latest, NOW).await.unwrap();
        assert_eq!(loaded.as_deref(), Some(&stored), "{created:?}");
    }
}

/// Falls under the lock of `KEY`, and the other under another.
const SAME_LOCK: StorageKey = StorageKey::from_bytes([0xAB - 64; 32]);
const OTHER: StorageKey = StorageKey::from_bytes([0xAC; 32]);

/// A runtime with so many threads for what blocks.
fn runtime(threads: usize) -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(threads)
        .enable_time()
        .build()
        .unwrap()
}

/// Holds the lock of `KEY`, as a writer in another process does.
fn other_process(path: &Path) -> File {
    let file = File::open(path.join(".locks").join(format!("{:02x}", 0xAB % 64))).unwrap();
    file.lock().unwrap();
    file
}

/// Begins as many writes, each of which waits for something when this returns.
async fn begin<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    write: impl Fn() -> F,
) -> Vec<JoinHandle<T>> {
    let begun = Arc::new(AtomicUsize::new(0));
    let tasks = (0..count).map(|_| {
        let (begun, write) = (begun.clone(), write());
        tokio::spawn(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            write.await
        })
    });
    let tasks = tasks.collect();
    while begun.load(Ordering::SeqCst) < count {
        tokio::task::yield_now().await;
    }
    tasks
}

#[test]
fn many_writers_of_one_session_hold_one_thread() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    runtime(2).block_on(async {
        for key in [KEY, OTHER] {
            storage.create(key, record([]).into(), NOW).await.unwrap();
        }
        let held = other_process(&path);
        let writers = begin(2000, || {
            let storage = storage.clone();
            async move { storage.delete(KEY, NOW).await }
        })
        .await;
        let others = tokio::time::timeout(Duration::from_secs(60), async {
            let loaded = load(&storage).await.unwrap();
            let written = storage
                .replace(OTHER, record([]).into(), Expected::Epoch(0), NOW)
                .await
                .unwrap();
            (loaded.is_some(), written)
        })
        .await;
        // Let go before anything fails: the runtime waits for its threads.
        held.unlock().unwrap();
        assert_eq!(others, Ok((true, Replaced::Done)));
        let mut deleted = 0;
        for writer in writers {
            deleted += usize::from(writer.await.unwrap().unwrap());
        }
        assert_eq!(deleted, 1);
    });
}

#[test]
fn a_write_that_is_given_up_while_it_waits_is_never_done() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    let stored = record(*b"before");
    let threads = runtime(4);
    threads.block_on(async {
        storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
        let held = other_process(&path);
        // One has its turn and waits for the other process, the others wait in line.
        let writers = begin(3, || {
            let storage = storage.clone();
            async move {
                let new = record(*b"after").into();
                storage.replace(KEY, new, Expected::Epoch(0), NOW).await
            }
        })
        .await;
        for writer in writers {
            writer.abort();
            assert!(writer.await.unwrap_err().is_cancelled());
        }
        held.unlock().unwrap();
        // The line goes on behind them.
        assert!(!storage.delete(SAME_LOCK, NOW).await.unwrap());
    });
    // Waits for all that has begun.
    drop(threads);
    assert_eq!(fs::read(file(&path)).unwrap(), stored.to_bytes().unwrap());
}

#[test]
fn without_a_runtime_it_is_unavailable() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    let mut load = std::pin::pin!(storage.load(KEY, Read::Latest, NOW));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match load.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Err(StorageError::Unavailable(_))) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_folder_that_went_away_is_unavailable() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    fs::remove_dir_all(&path).unwrap();
    let error = storage.create(KEY, record([]).into(), NOW).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    let error = storage.health().await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
}

#[test]
fn a_folder_that_anybody_may_write_into_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_around, path) = folder();
    DirectoryStorage::open(&path).unwrap();
    for open in [path.clone(), path.join(".locks"), path.join("by")] {
        let before = fs::metadata(&open).unwrap().permissions();
        // Whoever may make files there makes sessions, though a sticky folder keeps the others' from being removed.
        for mode in [0o777, 0o1777, 0o702] {
            fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
            let refused = DirectoryStorage::open(&path).unwrap_err();
            let why = std::error::Error::source(&refused).unwrap().to_string();
            assert!(why.contains("chmod o-w"), "{why}");
        }
        fs::set_permissions(&open, before).unwrap();
    }
    DirectoryStorage::open(&path).unwrap();
}

#[tokio::test]
async fn a_pipe_in_the_place_of_a_session_holds_nobody_up() {
    let (_around, path) = folder();
    let storage = DirectoryStorage::open(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(file(&path)).status();
    assert!(made.unwrap().success());
    let loaded = load(&storage).await;
    assert!(matches!(loaded, Err(StorageError::Unreadable(_))), "{loaded:?}");
    let created = storage.create(KEY, full_record().into(), NOW).await;
    assert_eq!(created.unwrap(), Created::Exists, "it is taken");
    assert!(storage.delete(KEY, NOW).await.unwrap());
    assert!(load(&storage).await.unwrap().is_none());
}
