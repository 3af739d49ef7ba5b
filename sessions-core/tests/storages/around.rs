//! A storage that keeps count of what goes through it, and can hold it up. Nothing of a record that goes through it may
//! stand in the log or in an error.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sessions_core::{
    Record, StorageKey, Timestamp,
    storage::{
        Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageFuture, Touch, Touched,
    },
};

/// A storage and what belongs to it. Clones are one.
#[derive(Clone)]
pub(crate) struct Around<S> {
    pub(crate) inner: S,
    pub(crate) calls: Arc<AtomicUsize>,
    /// Every call is pending once before it does its work, and once after it.
    pub(crate) slow: bool,
    /// The folder that is removed with it.
    _kept: Arc<dyn Any + Send + Sync>,
}

impl<S> Around<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self::keeping(inner, Arc::new(()))
    }

    pub(crate) fn keeping(inner: S, kept: Arc<dyn Any + Send + Sync>) -> Self {
        leaks::watch();
        Self {
            inner,
            calls: Arc::default(),
            slow: false,
            _kept: kept,
        }
    }

    /// How often it was called since it was last asked.
    pub(crate) fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::SeqCst)
    }

    fn through<'a, T: Send + 'a>(
        &'a self,
        inner: impl FnOnce(&'a S) -> StorageFuture<'a, T> + Send + 'a,
    ) -> StorageFuture<'a, T>
    where
        S: Sync,
    {
        self.calls.fetch_add(1, Ordering::SeqCst);
        StorageFuture::boxed(async move {
            self.pause().await;
            let answer = inner(&self.inner).await;
            if let Err(error) = &answer {
                leaks::check_error(error);
            }
            leaks::check_log();
            self.pause().await;
            answer
        })
    }

    async fn pause(&self) {
        if self.slow {
            tokio::task::yield_now().await;
        }
    }
}

/// What a record has that nobody may be shown: a hash would do for whoever can write into the storage.
fn remember(record: &Record) {
    leaks::remember_secret(record.payload.as_bytes());
    let secrets = &record.secrets;
    for hash in [secrets.current].iter().chain(&secrets.past) {
        leaks::remember_secret(&hash.0);
    }
    if let Some(next) = &secrets.next {
        leaks::remember_secret(&next.mask);
    }
    if let Some(previous) = &secrets.previous {
        leaks::remember_secret(&previous.mask);
    }
}

impl<S: SessionStorage> SessionStorage for Around<S> {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        remember(&record);
        self.through(move |inner| inner.create(key, record, now))
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.through(move |inner| inner.load(key, read, now))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        remember(&record);
        self.through(move |inner| inner.replace(key, record, expected, now))
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.through(move |inner| inner.touch(key, touch, now))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.through(move |inner| inner.delete(key, now))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.through(move |inner| inner.purge_expired(limit, now))
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.through(move |inner| inner.health())
    }

    /// Neither counted nor held up.
    fn index(&self) -> Option<&dyn SessionIndex> {
        self.inner.index()
    }

    fn may_be_stale(&self) -> bool {
        self.inner.may_be_stale()
    }
}
