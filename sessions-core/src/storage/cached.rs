//! Copies of sessions in memory, in front of any storage.

mod copies;
mod index;
mod watch;

use std::{fmt, sync::Arc, time::Duration};

use self::copies::Copy;
pub(super) use self::{copies::Copies, watch::Watch};
use super::{Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageFuture, Touch, Touched};
use crate::{Record, StorageKey, Timestamp};

/// Keeps copies of the sessions in use in memory, in front of a storage that is slower.
///
/// What is written through it is seen by its readers at once. What others write, another process or another
/// `CachedStorage`, is seen within the [`staleness`](Self::staleness); that goes for a logout as well. Only
/// [`Read::Any`] is answered from a copy, and only that there is a session: every write, and everything that is
/// decided on [`Read::Latest`], goes to the storage behind it. Clones share their copies.
///
/// ```
/// use std::time::Duration;
/// use sessions_core::storage::{CachedStorage, MemoryStorage};
///
/// let storage = CachedStorage::new(MemoryStorage::new())
///     .staleness(Duration::from_secs(1))
///     .capacity(100_000);
/// ```
#[derive(Clone)]
pub struct CachedStorage<S> {
    inner: S,
    copies: Arc<Copies>,
    staleness: Duration,
    /// Takes out what others have changed, where the storage tells of it.
    watch: Option<Arc<dyn Watch>>,
}

impl<S: SessionStorage> CachedStorage<S> {
    /// Copies of at most 10,000 sessions, each at most 5 s old, in front of `inner`.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            copies: Arc::new(Copies::new(10_000)),
            staleness: Duration::from_secs(5),
            watch: None,
        }
    }

    /// Copies that are used for as long as `watch` sees what others change.
    #[cfg(feature = "redis")]
    pub(super) fn watched<W: Watch>(inner: S, watch: impl FnOnce(Arc<Copies>) -> W) -> Self {
        let cached = Self::new(inner);
        let watch: Arc<dyn Watch> = Arc::new(watch(Arc::clone(&cached.copies)));
        Self {
            watch: Some(watch),
            staleness: Duration::from_secs(1),
            ..cached
        }
    }

    /// How old a copy may be. Zero: none is ever used.
    #[must_use]
    pub fn staleness(mut self, staleness: Duration) -> Self {
        self.staleness = staleness;
        self
    }

    /// How many copies are kept.
    #[must_use]
    pub fn capacity(self, sessions: usize) -> Self {
        self.copies.set_capacity(sessions);
        self
    }

    /// The copy that may be shown at this time.
    fn copy(&self, key: &StorageKey, now: Timestamp) -> Option<Arc<Record>> {
        let copy = self.copies.get(key)?;
        let fresh = match &self.watch {
            Some(watch) => watch.is_current(self.staleness),
            // Of the future, when the clock went back: nobody knows how old it is.
            None => copy.fetched <= now && now.since(copy.fetched) < self.staleness,
        };
        (fresh && !copy.record.times.is_expired(now)).then_some(copy.record)
    }
}

#[diagnostic::do_not_recommend]
impl<S: SessionStorage> SessionStorage for CachedStorage<S> {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        StorageFuture::boxed(async move {
            let mut write = self.copies.begin_write(key);
            let created = self.inner.create(key, Arc::clone(&record), now).await?;
            if created == Created::Created {
                write.leaves(Copy { record, fetched: now });
            }
            Ok(created)
        })
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        if read == Read::Any
            && let Some(record) = self.copy(&key, now)
        {
            return StorageFuture::ready(Ok(Some(record)));
        }
        if let Some(watch) = &self.watch {
            watch.begin(self.staleness);
        }
        StorageFuture::boxed(async move {
            let fill = self.copies.begin_fill(key);
            // The latest, or the storage's own staleness would come on top.
            let record = self.inner.load(key, Read::Latest, now).await?;
            fill.end(record.clone().map(|record| Copy { record, fetched: now }));
            Ok(record)
        })
    }

    fn at_hand(&self, key: StorageKey, now: Timestamp) -> Option<Arc<Record>> {
        self.copy(&key, now)
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        StorageFuture::boxed(async move {
            let mut write = self.copies.begin_write(key);
            let replaced = self
                .inner
                .replace(key, Arc::clone(&record), expected, now)
                .await?;
            // Within an epoch only the storage knows what it has written, and without a copy, whether there was a touch.
            if replaced == Replaced::Done
                && matches!(expected, Expected::Revision(_))
                && let Some(before) = write.before()
                && let Ok(record) = before.record.replaced_by(&record, expected, now)
            {
                write.leaves(Copy { record, fetched: now });
            }
            Ok(replaced)
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        StorageFuture::boxed(async move {
            let mut write = self.copies.begin_write(key);
            let touched = self.inner.touch(key, touch, now).await?;
            if touched == Touched::Touched
                && let Some(copy) = write.before()
                && let Ok(record) = copy.record.touched_by(&touch, now)
            {
                // No younger than it was: a touch says nothing about the rest of the record.
                let fetched = copy.fetched;
                write.leaves(Copy { record, fetched });
            }
            Ok(touched)
        })
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(async move {
            let _write = self.copies.begin_write(key);
            self.inner.delete(key, now).await
        })
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.inner.purge_expired(limit, now)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.inner.health()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.inner.index().map(|_| self as &dyn SessionIndex)
    }

    fn may_be_stale(&self) -> bool {
        true
    }

    fn name(&self) -> String {
        format!("CachedStorage<{}>", self.inner.name())
    }
}

impl<S: fmt::Debug> fmt::Debug for CachedStorage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedStorage")
            .field("inner", &self.inner)
            .field("copies", &self.copies.len())
            .field("staleness", &self.staleness)
            .finish()
    }
}
