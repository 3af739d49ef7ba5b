//! A storage that tells what was asked of it, and fails where it is told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use sessions_actix::{
    Record, StorageKey, Timestamp,
    storage::{
        Created, Expected, MemoryStorage, Read, Replaced, SessionStorage, StorageError, StorageFuture, Touch,
        Touched,
    },
};

/// A storage in memory that tells what was asked of it, and fails where it is told to. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Spy {
    inner: MemoryStorage,
    calls: Arc<Mutex<Vec<&'static str>>>,
    failing: Arc<Mutex<Option<&'static str>>>,
    hesitates: Arc<AtomicBool>,
}

impl Spy {
    /// What was asked since the last time, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// Lets this operation fail from now on.
    pub(crate) fn fail(&self, operation: &'static str) {
        *self.failing.lock().unwrap() = Some(operation);
    }

    /// Lets every operation succeed from now on.
    pub(crate) fn mend(&self) {
        *self.failing.lock().unwrap() = None;
    }

    /// Lets every operation give others their turn, before and after it, from now on.
    pub(crate) fn hesitate(&self) {
        self.hesitates.store(true, Ordering::Relaxed);
    }

    fn pass<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        call: impl FnOnce(&'a MemoryStorage) -> StorageFuture<'a, T> + Send + 'a,
    ) -> StorageFuture<'a, T> {
        self.calls.lock().unwrap().push(operation);
        if *self.failing.lock().unwrap() == Some(operation) {
            return StorageFuture::ready(Err(StorageError::unavailable("as it was told")));
        }
        if !self.hesitates.load(Ordering::Relaxed) {
            return call(&self.inner);
        }
        StorageFuture::boxed(async move {
            tokio::task::yield_now().await;
            let answer = call(&self.inner).await;
            tokio::task::yield_now().await;
            answer
        })
    }
}

impl SessionStorage for Spy {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.pass("create", move |inner| inner.create(key, record, now))
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.pass("load", move |inner| inner.load(key, read, now))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.pass("replace", move |inner| inner.replace(key, record, expected, now))
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.pass("touch", move |inner| inner.touch(key, touch, now))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.pass("delete", move |inner| inner.delete(key, now))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.pass("purge_expired", move |inner| inner.purge_expired(limit, now))
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.pass("health", SessionStorage::health)
    }
}
