//! A database that is down, and back again.

use std::{fs, time::Duration};

use sessions_core::storage::{
    SqliteStorage,
    contract::{Patience, check_outage},
};
use sqlx::{
    SqliteConnection, SqlitePool,
    sqlite::{SqliteJournalMode, SqlitePoolOptions},
};
use tokio::sync::Mutex;

use crate::{folder, options, pool};

const PATIENCE: Patience = Patience::Own(Duration::from_secs(2));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_that_keeps_the_lock_refuses_writers_in_time_and_no_reader() {
    let (_folder, path) = folder();
    SqliteStorage::open(&path).await.unwrap();
    let storage = SqliteStorage::from_pool(pool(&path).await).await.unwrap();
    let other = Mutex::new(
        <SqliteConnection as sqlx::Connection>::connect_with(&options(&path))
            .await
            .unwrap(),
    );
    check_outage(
        storage,
        PATIENCE,
        async || {
            let mut other = other.lock().await;
            sqlx::raw_sql("BEGIN EXCLUSIVE")
                .execute(&mut *other)
                .await
                .unwrap();
        },
        async || {
            let mut other = other.lock().await;
            sqlx::raw_sql("ROLLBACK").execute(&mut *other).await.unwrap();
        },
    )
    .await;
}

/// Where readers do not go on without the lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_write_ahead_log_the_lock_refuses_readers_in_time_as_well() {
    let (_folder, path) = folder();
    let options = options(&path).journal_mode(SqliteJournalMode::Delete);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let other = Mutex::new(pool.acquire().await.unwrap());
    check_outage(
        SqliteStorage::from_pool(pool).await.unwrap(),
        PATIENCE,
        async || {
            let mut other = other.lock().await;
            sqlx::raw_sql("BEGIN EXCLUSIVE")
                .execute(&mut **other)
                .await
                .unwrap();
        },
        async || {
            let mut other = other.lock().await;
            sqlx::raw_sql("ROLLBACK").execute(&mut **other).await.unwrap();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_overwritten_is_no_logout() {
    let (_folder, path) = folder();
    let options = options(&path).journal_mode(SqliteJournalMode::Delete);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let whole = std::sync::Mutex::new(Vec::new());
    check_outage(
        SqliteStorage::from_pool(pool).await.unwrap(),
        PATIENCE,
        async || {
            let mut whole = whole.lock().unwrap();
            *whole = fs::read(&path).unwrap();
            fs::write(&path, vec![b'x'; whole.len()]).unwrap();
        },
        async || fs::write(&path, &*whole.lock().unwrap()).unwrap(),
    )
    .await;
}

/// As by an application that does not give its connections back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_without_a_free_connection_is_no_logout() {
    let (_folder, path) = folder();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(50))
        .connect_with(options(&path))
        .await
        .unwrap();
    let taken = std::sync::Mutex::new(None);
    check_outage(
        SqliteStorage::from_pool(pool.clone()).await.unwrap(),
        PATIENCE,
        async || {
            let connection = pool.acquire().await.unwrap();
            *taken.lock().unwrap() = Some(connection);
        },
        async || drop(taken.lock().unwrap().take()),
    )
    .await;
}
