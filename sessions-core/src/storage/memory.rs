//! Sessions in the memory of this process.

use std::{
    array,
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Created, Expected, Read, Replaced, SessionStorage, StorageFuture, Touch, Touched, hash::BuildKeyHasher,
};
use crate::{Record, StorageKey, Timestamp};

/// Keeps sessions in this process: they end with it, and no other process sees them.
///
/// Clones share their sessions, so make one and clone it into each worker. Every answer is there at once, and readers
/// of one record share the value that its payload was decoded to. Expired sessions are freed by
/// [`purge_expired`](SessionStorage::purge_expired), and a few with each write.
///
/// ```
/// use sessions_core::storage::{MemoryStorage, SessionStorage};
///
/// fn uses(_: impl SessionStorage) {}
/// let storage = MemoryStorage::new();
/// uses(storage.clone());
/// ```
#[derive(Clone, Default)]
pub struct MemoryStorage {
    shards: Arc<Shards>,
}

struct Shards([Mutex<Shard>; Self::COUNT]);

/// A part of the sessions, under a lock of its own.
#[derive(Default)]
struct Shard {
    slots: HashMap<StorageKey, Slot, BuildKeyHasher>,
    /// Each slot once, under a point in time at or before its deadline.
    order: BTreeSet<(Timestamp, StorageKey)>,
}

struct Slot {
    record: Arc<Record>,
    /// Where it stands in the order. A deadline that moves forward leaves it there, so that a touch is cheap.
    filed: Timestamp,
}

impl MemoryStorage {
    /// An empty storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn shard(&self, key: &StorageKey) -> MutexGuard<'_, Shard> {
        // Not of the bytes that the shard's table hashes by: there all keys of a shard would be alike.
        let index = usize::from(key.as_bytes()[31]) % Shards::COUNT;
        lock(&self.shards.0[index])
    }

    /// The shard, after freeing some of what has expired in it.
    fn shard_to_write(&self, key: &StorageKey, now: Timestamp) -> MutexGuard<'_, Shard> {
        let mut shard = self.shard(key);
        for _ in 0..Shards::SWEPT_PER_WRITE {
            shard.sweep(now);
        }
        shard
    }
}

impl Shards {
    const COUNT: usize = 64;
    /// A write makes at most one session that has to be swept later, so this keeps up, in bounded time.
    const SWEPT_PER_WRITE: usize = 2;
}

impl Default for Shards {
    fn default() -> Self {
        Self(array::from_fn(|_| Mutex::default()))
    }
}

// A shard is whole at every point where a panic can leave it.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn get(&self, key: &StorageKey, now: Timestamp) -> Option<&Arc<Record>> {
        let record = &self.slots.get(key)?.record;
        (!record.times.is_expired(now)).then_some(record)
    }

    fn put(&mut self, key: StorageKey, record: Arc<Record>) {
        let deadline = record.times.deadline();
        let filed = match self.slots.get(&key).map(|slot| slot.filed) {
            Some(filed) if filed <= deadline => filed,
            filed => {
                if let Some(filed) = filed {
                    self.order.remove(&(filed, key));
                }
                self.order.insert((deadline, key));
                deadline
            }
        };
        self.slots.insert(key, Slot { record, filed });
    }

    fn remove(&mut self, key: &StorageKey) -> Option<Arc<Record>> {
        let slot = self.slots.remove(key)?;
        self.order.remove(&(slot.filed, *key));
        Some(slot.record)
    }

    /// Frees the first of the order, or files it anew if its deadline has moved. `None` if nothing is due, else
    /// whether a session was freed.
    fn sweep(&mut self, now: Timestamp) -> Option<bool> {
        if self.order.first()?.0 > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        let record = self.slots.remove(&key)?.record;
        let expired = record.times.is_expired(now);
        if !expired {
            self.put(key, record);
        }
        Some(expired)
    }

    fn purge(&mut self, limit: usize, now: Timestamp) -> usize {
        let mut freed = 0;
        while freed < limit
            && let Some(one) = self.sweep(now)
        {
            freed += usize::from(one);
        }
        freed
    }
}

impl SessionStorage for MemoryStorage {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        let mut shard = self.shard_to_write(&key, now);
        let created = if shard.get(&key, now).is_some() {
            Created::Exists
        } else {
            shard.put(key, record);
            Created::Created
        };
        StorageFuture::ready(Ok(created))
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::ready(Ok(self.shard(&key).get(&key, now).map(Arc::clone)))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        let mut shard = self.shard_to_write(&key, now);
        let replaced = match shard.get(&key, now) {
            None => Replaced::NotFound,
            Some(stored) => match stored.replaced_by(&record, expected, now) {
                Err(refused) => refused,
                Ok(record) => {
                    shard.put(key, record);
                    Replaced::Done
                }
            },
        };
        StorageFuture::ready(Ok(replaced))
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        let mut shard = self.shard_to_write(&key, now);
        let touched = match shard.get(&key, now) {
            None => Touched::Gone,
            Some(stored) => match stored.touched_by(&touch, now) {
                Err(refused) => refused,
                Ok(record) => {
                    shard.put(key, record);
                    Touched::Touched
                }
            },
        };
        StorageFuture::ready(Ok(touched))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        let mut shard = self.shard_to_write(&key, now);
        let deleted = shard.remove(&key);
        StorageFuture::ready(Ok(deleted.is_some_and(|record| !record.times.is_expired(now))))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        let mut freed = 0;
        for shard in &self.shards.0 {
            if freed == limit {
                break;
            }
            freed += lock(shard).purge(limit - freed, now);
        }
        StorageFuture::ready(Ok(freed))
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Ok(()))
    }
}

impl fmt::Debug for MemoryStorage {
    /// How many sessions it keeps, and none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sessions: usize = self.shards.0.iter().map(|shard| lock(shard).slots.len()).sum();
        f.debug_struct("MemoryStorage")
            .field("sessions", &sessions)
            .finish()
    }
}
