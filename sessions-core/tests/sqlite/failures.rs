//! What goes wrong, and what is said then.

use std::sync::Arc;

use sessions_core::{
    RecordError, StorageError, StorageKey, Timestamp,
    storage::{
        Created, Expected, Read, Replaced, SessionStorage, SqliteStorage, Touch, Touched,
        contract::{NOW, record},
    },
};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqlitePoolOptions};

use crate::{KEY, assert_unavailable, folder, in_memory, load, options, pool, run};

fn touch(millis: u64) -> Touch {
    Touch {
        epoch: 0,
        last_seen: Timestamp::from_millis(NOW.as_millis() + millis),
        idle_deadline: Timestamp::MAX,
    }
}

#[tokio::test]
async fn what_somebody_else_has_locked_is_unavailable_to_writers_and_there_for_readers() {
    let (_folder, path) = folder();
    SqliteStorage::open(&path).await.unwrap();
    let storage = SqliteStorage::from_pool(pool(&path).await).await.unwrap();
    let stored = record([]);
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    let mut other = SqliteConnection::connect_with(&options(&path)).await.unwrap();
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_unavailable(
        storage
            .create(StorageKey::from_bytes([1; 32]), record([]).into(), NOW)
            .await,
    );
    for expected in [Expected::Epoch(0), Expected::Revision(stored.revision)] {
        assert_unavailable(storage.replace(KEY, record([]).into(), expected, NOW).await);
    }
    assert_unavailable(storage.touch(KEY, touch(1), NOW).await);
    assert_unavailable(storage.delete(KEY, NOW).await);
    assert_unavailable(storage.health().await);
    assert_eq!(*load(&storage).await.unwrap().unwrap(), stored);
    writing.rollback().await.unwrap();
    storage.health().await.unwrap();
    assert_eq!(storage.touch(KEY, touch(1), NOW).await.unwrap(), Touched::Touched);
    assert!(storage.delete(KEY, NOW).await.unwrap());
}

#[tokio::test]
async fn a_full_database_says_so_and_works_again_when_there_is_room() {
    let (_folder, path) = folder();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options(&path).pragma("max_page_count", "30"))
        .await
        .unwrap();
    let storage = SqliteStorage::from_pool(pool).await.unwrap();
    let mut created = 0_u8;
    let error = loop {
        let key = StorageKey::from_bytes([created; 32]);
        match storage.create(key, record([7; 3_000]).into(), NOW).await {
            Ok(_) => created += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StorageError::Full), "{error:?}");
    assert!(created > 5, "{created}");
    let key = StorageKey::from_bytes([0; 32]);
    let larger = || Arc::new(record([7; 100_000]));
    for _ in 0..3 {
        let error = storage
            .replace(key, larger(), Expected::Epoch(0), NOW)
            .await
            .unwrap_err();
        assert!(matches!(error, StorageError::Full), "{error:?}");
    }
    assert_eq!(storage.touch(key, touch(1), NOW).await.unwrap(), Touched::Touched);
    for number in 1..created {
        assert!(
            storage
                .delete(StorageKey::from_bytes([number; 32]), NOW)
                .await
                .unwrap()
        );
    }
    let smaller = Arc::new(record([7; 50_000]));
    let replaced = storage.replace(key, smaller, Expected::Epoch(0), NOW).await;
    assert_eq!(replaced.unwrap(), Replaced::Done);
}

#[tokio::test]
async fn a_commit_that_fails_leaves_the_outcome_unknown() {
    let (_folder, path) = folder();
    let pool = pool(&path).await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    storage.create(KEY, record([]).into(), NOW).await.unwrap();
    // A foreign key that is checked in the commit.
    run(
        &pool,
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER updated AFTER UPDATE ON sessions BEGIN INSERT INTO child VALUES (1); END;
         CREATE TRIGGER deleted AFTER DELETE ON sessions BEGIN INSERT INTO child VALUES (1); END;",
    )
    .await;
    let stored = load(&storage).await.unwrap().unwrap();
    let answers = [
        storage.touch(KEY, touch(1), NOW).await.map(drop),
        storage
            .replace(KEY, record([]).into(), Expected::Epoch(0), NOW)
            .await
            .map(drop),
        storage
            .replace(KEY, record([]).into(), Expected::Revision(stored.revision), NOW)
            .await
            .map(drop),
        storage.delete(KEY, NOW).await.map(drop),
    ];
    for answer in answers {
        assert!(
            matches!(answer, Err(StorageError::OutcomeUnknown(_))),
            "{answer:?}"
        );
    }
    run(&pool, "DROP TRIGGER updated; DROP TRIGGER deleted").await;
    assert_eq!(load(&storage).await.unwrap().unwrap(), stored);
    for millis in 1..10 {
        assert_eq!(
            storage.touch(KEY, touch(millis), NOW).await.unwrap(),
            Touched::Touched
        );
    }
    assert!(storage.delete(KEY, NOW).await.unwrap());
}

#[tokio::test]
async fn an_unreadable_row_is_said_to_be_and_goes_with_a_delete_or_at_its_deadline() {
    let pool = in_memory().await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    for garbage in [
        "UPDATE sessions SET record = x''",
        "UPDATE sessions SET record = x'0102'",
    ] {
        let stored = record([]);
        for purge in [false, true] {
            storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
            run(&pool, garbage).await;
            let unreadable = [
                load(&storage).await.map(drop),
                storage
                    .replace(KEY, record([]).into(), Expected::Epoch(0), NOW)
                    .await
                    .map(drop),
                storage.touch(KEY, touch(1), NOW).await.map(drop),
            ];
            for answer in unreadable {
                assert!(matches!(answer, Err(StorageError::Unreadable(_))), "{answer:?}");
            }
            assert_eq!(
                storage.create(KEY, record([]).into(), NOW).await.unwrap(),
                Created::Exists
            );
            if purge {
                assert_eq!(storage.purge_expired(10, NOW).await.unwrap(), 0);
                assert_eq!(
                    storage.purge_expired(10, stored.times.deadline()).await.unwrap(),
                    1
                );
            } else {
                assert!(storage.delete(KEY, NOW).await.unwrap());
            }
            assert_eq!(load(&storage).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn a_record_of_a_newer_form_is_unreadable_for_its_version() {
    let pool = in_memory().await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    storage.create(KEY, record([]).into(), NOW).await.unwrap();
    run(&pool, "UPDATE sessions SET record = x'FF00'").await;
    let error = load(&storage).await.unwrap_err();
    assert!(
        matches!(error, StorageError::Unreadable(RecordError::Version)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_closed_pool_is_unavailable() {
    let pool = in_memory().await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    pool.close().await;
    assert_unavailable(load(&storage).await);
    assert_unavailable(storage.create(KEY, record([]).into(), NOW).await);
    assert_unavailable(storage.touch(KEY, touch(1), NOW).await);
    assert_unavailable(storage.health().await);
}

#[test]
fn without_a_runtime_it_is_unavailable() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let storage = runtime.block_on(async { SqliteStorage::from_pool(in_memory().await).await.unwrap() });
    let mut load = std::pin::pin!(storage.load(KEY, Read::Latest, NOW));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match load.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Err(StorageError::Unavailable(_))) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_nobody_waits_for_is_done_as_a_whole_or_not_at_all_and_holds_up_no_other() {
    let (_folder, path) = folder();
    let storage = SqliteStorage::open(&path).await.unwrap();
    storage.create(KEY, record([]).into(), NOW).await.unwrap();
    let index = storage.index().unwrap();
    let key = crate::index::key("anna");
    for round in 0..60_u64 {
        let payload = vec![u8::try_from(round).unwrap(); 20_000];
        let write = storage.replace(KEY, record(payload).into(), Expected::Epoch(0), NOW);
        let login = index.reserve(key, crate::index::place(1, None), NOW);
        // So many steps, and then dropped.
        for write in [write_off(write), write_off(login)] {
            stop_after(round % 12, write).await;
        }
        let stored = load(&storage).await.unwrap().unwrap();
        let payload = stored.payload.as_bytes();
        assert!(payload.iter().all(|byte| *byte == payload[0]));
        storage.health().await.unwrap();
    }
}

type Write<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

fn write_off<'a, T: 'a>(write: sessions_core::storage::StorageFuture<'a, T>) -> Write<'a> {
    Box::pin(async move {
        let _ = write.await;
    })
}

/// Polls a future so many times, each time when it has something to do, and drops it.
async fn stop_after(polls: u64, mut write: Write<'_>) {
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(());
        }
        left -= 1;
        write.as_mut().poll(context)
    })
    .await;
}
