//! The contract, with what is stored sealed.

use std::sync::Arc;

use sessions_core::{
    KeyRing,
    storage::{CachedStorage, DirectoryStorage, EncryptedStorage, MemoryStorage, contract},
};
use tempfile::TempDir;

use super::{encrypted, key};
use crate::around::Around;

mod memory {
    use super::*;

    sessions_core::storage_contract_tests!(async { encrypted(MemoryStorage::new()) });
}

mod directory {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let folder = TempDir::new().unwrap();
        let storage = DirectoryStorage::open(folder.path().join("sessions")).unwrap();
        Around::keeping(encrypted(storage), Arc::new(folder))
    });
}

mod cached {
    use super::*;

    sessions_core::storage_contract_tests!(async { encrypted(MemoryStorage::new()).cached() });
}

mod around_another {
    use super::*;

    sessions_core::wrapper_contract_tests!(encrypted);
}

mod around_another_and_cached {
    use super::*;

    sessions_core::wrapper_contract_tests!(|behind| encrypted(behind).cached());
}

mod around_a_cache {
    use super::*;

    sessions_core::wrapper_contract_tests!(|behind| encrypted(CachedStorage::new(behind)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_in_the_middle_of_a_rotation_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let storage = MemoryStorage::new();
        let before = KeyRing::new(key(1)).with_upcoming(key(2));
        let after = KeyRing::new(key(1)).rotate(key(2));
        (
            EncryptedStorage::new(storage.clone(), &before).unwrap(),
            EncryptedStorage::new(storage, &after).unwrap(),
        )
    })
    .await;
}
