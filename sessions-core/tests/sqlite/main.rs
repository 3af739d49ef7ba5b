//! `SqliteStorage`, against the contract and beyond it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../storages/around.rs"]
#[allow(dead_code, reason = "the tests of the other storages use more of it")]
mod around;
mod contract;
mod failures;
mod file;
mod index;
mod outage;
mod pool;
mod processes;

use std::{path::PathBuf, sync::Arc, time::Duration};

use sessions_core::{
    Record, StorageError, StorageKey,
    storage::{Read, SessionStorage, SqliteStorage, contract::NOW},
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;

const KEY: StorageKey = StorageKey::from_bytes([0xAB; 32]);

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sessions.db");
    (folder, path)
}

/// Connections that wait for nobody for long, nor for the disk.
fn options(path: &PathBuf) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(Duration::from_millis(50))
        .synchronous(SqliteSynchronous::Off)
}

async fn pool(path: &PathBuf) -> SqlitePool {
    SqlitePool::connect_with(options(path)).await.unwrap()
}

/// A database of one connection that lasts.
async fn in_memory() -> SqlitePool {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    pool.connect("sqlite::memory:").await.unwrap()
}

/// Executes statements.
async fn run(pool: &SqlitePool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

async fn load(storage: &SqliteStorage) -> Result<Option<Arc<Record>>, StorageError> {
    storage.load(KEY, Read::Latest, NOW).await
}

fn assert_unavailable<T: std::fmt::Debug>(answer: Result<T, StorageError>) {
    match answer {
        Err(StorageError::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
}
