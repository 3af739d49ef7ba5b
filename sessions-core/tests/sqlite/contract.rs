//! The contract.

use std::sync::Arc;

use sessions_core::storage::{SqliteStorage, contract};
use sqlx::{SqlitePool, sqlite::SqliteJournalMode};
use tempfile::TempDir;

use crate::{around::Around, folder, in_memory, options};

async fn file() -> (SqliteStorage, Arc<TempDir>) {
    let (folder, path) = folder();
    (SqliteStorage::open(path).await.unwrap(), Arc::new(folder))
}

mod a_file {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let (storage, folder) = file().await;
        Around::keeping(storage, folder)
    });
}

mod a_cached_file {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let (storage, folder) = file().await;
        Around::keeping(storage.cached(), folder)
    });
}

mod a_pool_in_memory {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        SqliteStorage::from_pool(in_memory().await).await.unwrap()
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_without_a_write_ahead_log_keeps_the_contract() {
    contract::check(|| async {
        let (folder, path) = folder();
        let options = options(&path)
            .journal_mode(SqliteJournalMode::Delete)
            .busy_timeout(std::time::Duration::from_secs(30));
        let pool = SqlitePool::connect_with(options).await.unwrap();
        Around::keeping(SqliteStorage::from_pool(pool).await.unwrap(), Arc::new(folder))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_opened_twice_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let (one, folder) = file().await;
        let other = SqliteStorage::open(folder.path().join("sessions.db"))
            .await
            .unwrap();
        (
            Around::keeping(one, folder.clone()),
            Around::keeping(other, folder),
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clones_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let (storage, folder) = file().await;
        (
            Around::keeping(storage.clone(), folder.clone()),
            Around::keeping(storage, folder),
        )
    })
    .await;
}
