//! A storage that takes its time: each call waits to be woken once before it does its work, so that a test decides in
//! which order the calls of several requests happen.

use std::{
    future::poll_fn,
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use sessions_core::{
    Record, SessionStorage, StorageKey, Timestamp,
    storage::{self, Created, Expected, MemoryStorage, Read, Replaced, StorageFuture, Touched},
};

#[derive(Default)]
pub(crate) struct Stepped {
    inner: MemoryStorage,
    created: Mutex<Vec<StorageKey>>,
    stepping: AtomicBool,
}

impl Stepped {
    async fn step(&self) {
        let mut waited = !self.stepping.load(Ordering::SeqCst);
        poll_fn(|_| {
            if mem::replace(&mut waited, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Whether calls wait.
    pub(crate) fn stepping(&self, stepping: bool) {
        self.stepping.store(stepping, Ordering::SeqCst);
    }

    /// Every key that a session was created under.
    pub(crate) fn created(&self) -> Vec<StorageKey> {
        self.created.lock().unwrap().clone()
    }
}

impl SessionStorage for Stepped {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        StorageFuture::boxed(async move {
            self.step().await;
            self.created.lock().unwrap().push(key);
            self.inner.create(key, record, now).await
        })
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::boxed(async move {
            self.step().await;
            self.inner.load(key, read, now).await
        })
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        StorageFuture::boxed(async move {
            self.step().await;
            self.inner.replace(key, record, expected, now).await
        })
    }

    fn touch(&self, key: StorageKey, touch: storage::Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        StorageFuture::boxed(async move {
            self.step().await;
            self.inner.touch(key, touch, now).await
        })
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(async move {
            self.step().await;
            self.inner.delete(key, now).await
        })
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::boxed(async move { self.inner.purge_expired(limit, now).await })
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Ok(()))
    }
}
