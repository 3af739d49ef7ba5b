//! The contract, on each storage of this crate.

mod memory {
    use sessions_core::storage::MemoryStorage;

    sessions_core::storage_contract_tests!(async { MemoryStorage::new() });
}

mod a_pointer_to_memory {
    use std::sync::Arc;

    use sessions_core::storage::{MemoryStorage, SessionStorage};

    sessions_core::storage_contract_tests!(async {
        Arc::new(MemoryStorage::new()) as Arc<dyn SessionStorage>
    });
}
