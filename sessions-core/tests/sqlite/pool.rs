//! The application's own database.

use std::{sync::Arc, time::Duration};

use sessions_core::{
    StorageKey, Timestamp,
    storage::{
        Read, SessionIndex as _, SessionStorage, SqliteStorage,
        contract::{NOW, full_record, record},
    },
};
use sqlx::SqlitePool;
use tokio::sync::Barrier;

use crate::{KEY, assert_unavailable, folder, in_memory, load, options, pool, run};

#[tokio::test]
async fn the_tables_stand_beside_those_of_the_application() {
    let pool = in_memory().await;
    run(
        &pool,
        "CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('anna')",
    )
    .await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    let stored = full_record();
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    assert_eq!(*load(&storage).await.unwrap().unwrap(), stored);
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(users, 1);
}

#[tokio::test]
async fn migrations_can_be_run_again_and_keep_the_sessions() {
    let pool = in_memory().await;
    let stored = full_record();
    for round in 0..3 {
        let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
        if round == 0 {
            storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
        }
        run(&pool, SqliteStorage::MIGRATIONS).await;
        assert_eq!(*load(&storage).await.unwrap().unwrap(), stored);
    }
}

#[tokio::test]
async fn migrations_can_be_run_by_hand() {
    let pool = in_memory().await;
    assert_unavailable(SqliteStorage::from_migrated_pool(pool.clone()).await);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let made: i64 = sqlx::query_scalar(tables).fetch_one(&pool).await.unwrap();
    assert_eq!(made, 0);
    run(&pool, SqliteStorage::MIGRATIONS).await;
    let storage = SqliteStorage::from_migrated_pool(pool).await.unwrap();
    storage.create(KEY, record([]).into(), NOW).await.unwrap();
    storage.health().await.unwrap();
}

#[tokio::test]
async fn a_table_of_the_same_name_is_refused_and_left_alone() {
    let pool = in_memory().await;
    run(
        &pool,
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, deadline, application, name, data BLOB)",
    )
    .await;
    assert_unavailable(SqliteStorage::from_pool(pool.clone()).await);
    assert_unavailable(SqliteStorage::from_migrated_pool(pool.clone()).await);
    run(&pool, "INSERT INTO sessions (id, data) VALUES ('a', x'00')").await;
}

#[tokio::test]
async fn sessions_can_be_asked_for_in_sql() {
    let pool = in_memory().await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    let stored = full_record();
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    let sql = "SELECT key, application, name, revision, last_seen, idle_deadline, deadline FROM sessions";
    type Row = (Vec<u8>, String, String, Vec<u8>, i64, i64, i64);
    let row: Row = sqlx::query_as(sql).fetch_one(&pool).await.unwrap();
    let millis = |time: Timestamp| i64::try_from(time.as_millis()).unwrap();
    let expected = (
        KEY.as_bytes().to_vec(),
        stored.application.to_string(),
        stored.name.to_string(),
        stored.revision.0.to_vec(),
        millis(stored.times.last_seen),
        millis(stored.times.idle_deadline),
        millis(stored.times.deadline()),
    );
    assert_eq!(row, expected);
}

#[tokio::test]
async fn a_purge_frees_more_than_one_batch() {
    let (_folder, path) = folder();
    let pool = pool(&path).await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    let stored = Arc::new(record([]));
    for number in 0..2_500_u16 {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        storage
            .create(StorageKey::from_bytes(key), stored.clone(), NOW)
            .await
            .unwrap();
    }
    let end = stored.times.deadline();
    assert_eq!(storage.purge_expired(1_001, end).await.unwrap(), 1_001);
    assert_eq!(storage.purge_expired(usize::MAX, end).await.unwrap(), 1_499);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

/// Four purge at once what has expired, each through a storage of its own on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_purges_at_once_free_each_session_once() {
    const EXPIRED: u16 = 2000;
    let (_folder, path) = folder();
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let options = options(&path).busy_timeout(Duration::from_secs(30));
        let pool = SqlitePool::connect_with(options).await.unwrap();
        nodes.push(SqliteStorage::from_pool(pool).await.unwrap());
    }
    let stored = Arc::new(record([]));
    for number in 0..EXPIRED {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        let key = StorageKey::from_bytes(key);
        nodes[0].create(key, stored.clone(), NOW).await.unwrap();
    }
    let end = stored.times.deadline();
    let mut live = record([]);
    live.times.idle_deadline = end.after(Duration::from_secs(60));
    nodes[0].create(KEY, live.into(), NOW).await.unwrap();
    let start = Arc::new(Barrier::new(nodes.len()));
    let purges: Vec<_> = nodes
        .iter()
        .map(|node| {
            let (node, start) = (node.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                let mut freed = 0;
                loop {
                    match node.purge_expired(100, end).await.unwrap() {
                        0 => return freed,
                        some => freed += some,
                    }
                }
            })
        })
        .collect();
    let mut freed = Vec::new();
    for purge in purges {
        freed.push(purge.await.unwrap());
    }
    assert_eq!(freed.iter().sum::<usize>(), usize::from(EXPIRED), "{freed:?}");
    assert!(freed.iter().filter(|&&freed| freed > 0).count() > 1, "{freed:?}");
    let left = nodes[0].load(KEY, Read::Latest, end);
    assert!(left.await.unwrap().is_some());
}

#[tokio::test]
async fn to_load_to_purge_and_to_count_read_no_whole_table() {
    let pool = in_memory().await;
    run(&pool, SqliteStorage::MIGRATIONS).await;
    for query in [
        "EXPLAIN QUERY PLAN SELECT record FROM sessions WHERE key = x''",
        "EXPLAIN QUERY PLAN SELECT rowid FROM sessions WHERE deadline <= 0 ORDER BY deadline LIMIT 1",
        "EXPLAIN QUERY PLAN SELECT count(*) FROM sessions WHERE application = '' AND name = '' AND deadline > 0",
    ] {
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(query).fetch_all(&pool).await.unwrap();
        let steps: Vec<_> = plan.into_iter().map(|step| step.3).collect();
        assert!(
            steps.iter().all(|step| step.starts_with("SEARCH")),
            "{query}: {steps:?}"
        );
    }
}

#[tokio::test]
async fn a_session_without_an_end_is_there_until_the_last_moment() {
    let storage = SqliteStorage::from_pool(in_memory().await).await.unwrap();
    let mut stored = record([]);
    stored.times.idle_deadline = Timestamp::MAX;
    stored.times.absolute_deadline = Timestamp::MAX;
    storage.create(KEY, stored.into(), NOW).await.unwrap();
    let last = Timestamp::from_millis(u64::MAX - 1);
    assert_eq!(storage.purge_expired(10, last).await.unwrap(), 0);
    assert_eq!(storage.count("", "contract", last).await.unwrap(), 1);
    assert!(storage.delete(KEY, last).await.unwrap());
}
