//! The contract, on each storage of this crate.

use std::sync::Arc;

use sessions_core::storage::{CachedStorage, DirectoryStorage, MemoryStorage, SessionStorage, contract};
use tempfile::TempDir;

use crate::around::Around;

fn directory() -> (DirectoryStorage, Arc<TempDir>) {
    let folder = TempDir::new().unwrap();
    let storage = DirectoryStorage::open(folder.path().join("sessions")).unwrap();
    (storage, Arc::new(folder))
}

mod memory {
    use super::*;

    sessions_core::storage_contract_tests!(async { MemoryStorage::new() });
}

mod directory {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let (storage, folder) = directory();
        Around::keeping(storage, folder)
    });
}

mod directory_without_fsync {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let (storage, folder) = directory();
        Around::keeping(storage.without_fsync(), folder)
    });
}

mod cached_memory {
    use super::*;

    sessions_core::storage_contract_tests!(async { CachedStorage::new(MemoryStorage::new()) });
}

mod cached_directory {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let (storage, folder) = directory();
        Around::keeping(storage.cached(), folder)
    });
}

mod a_pointer {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        Arc::new(MemoryStorage::new()) as Arc<dyn SessionStorage>
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clones_of_a_memory_storage_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let storage = MemoryStorage::new();
        (storage.clone(), storage)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn directories_opened_twice_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let (one, folder) = directory();
        // Who waits for the disk and who does not share one folder all the same.
        let other = DirectoryStorage::open(folder.path().join("sessions"))
            .unwrap()
            .without_fsync();
        (
            Around::keeping(one, folder.clone()),
            Around::keeping(other, folder),
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn caches_of_one_storage_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let storage = MemoryStorage::new();
        (CachedStorage::new(storage.clone()), CachedStorage::new(storage))
    })
    .await;
}
