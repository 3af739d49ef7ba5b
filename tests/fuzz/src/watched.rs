//! Sessions in memory that count what is asked of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sessions_core::{
    Record, StorageKey, Timestamp,
    storage::{
        Created, Expected, MemoryStorage, Read, Replaced, SessionStorage, StorageFuture, Touch, Touched,
    },
};

#[derive(Default)]
pub(crate) struct Watched {
    inner: MemoryStorage,
    loads: AtomicUsize,
    writes: AtomicUsize,
}

impl Watched {
    /// How many loads and writes there were since this was last asked.
    pub(crate) fn asked(&self) -> (usize, usize) {
        (
            self.loads.swap(0, Ordering::Relaxed),
            self.writes.swap(0, Ordering::Relaxed),
        )
    }

    fn written(&self) -> &MemoryStorage {
        self.writes.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }
}

impl SessionStorage for Watched {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.written().create(key, record, now)
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.inner.load(key, read, now)
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.written().replace(key, record, expected, now)
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.written().touch(key, touch, now)
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.written().delete(key, now)
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.written().purge_expired(limit, now)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.inner.health()
    }
}
