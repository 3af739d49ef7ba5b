//! Sessions in the memory of this process.

mod index;
mod room;
mod sync;
mod timed;

use std::{
    array, fmt,
    sync::{Arc, PoisonError},
};

use self::{
    index::Rosters,
    room::{Limits, Room, size},
    sync::{Mutex, MutexGuard},
    timed::{Ends, Timed},
};
use super::{
    Created, Expected, IndexKey, Read, Replaced, SessionIndex, SessionStorage, StorageError, StorageFuture,
    Touch, Touched, hash::BuildKeyHasher,
};
use crate::{Record, StorageKey, Timestamp};

/// Keeps sessions in this process: they end with it, and no other process sees them.
///
/// Clones share their sessions, so make one and clone it into each worker. Every answer is there at once, and readers
/// of one record share the value that its payload was decoded to. Expired sessions are freed by
/// [`purge_expired`](SessionStorage::purge_expired), and a few with each write.
///
/// It is bounded, in [`sessions`](Self::max_sessions) and in [`bytes`](Self::max_bytes). When it is full it frees what
/// has expired; if that is not enough, a new session, or one that grows, is [`StorageError::Full`]. No live session ever
/// makes room for another one.
///
/// ```
/// use sessions_core::storage::{MemoryStorage, SessionStorage};
///
/// fn uses(_: impl SessionStorage) {}
/// let storage = MemoryStorage::new().max_sessions(50_000).max_bytes(200 << 20);
/// uses(storage.clone());
/// ```
#[derive(Clone, Default)]
pub struct MemoryStorage {
    shared: Arc<Shared>,
    limits: Limits,
}

struct Shared {
    shards: [Mutex<Shard>; Self::SHARDS],
    rosters: Rosters,
    room: Room,
}

/// A part of the sessions, under a lock of its own.
type Shard = Timed<StorageKey, Arc<Record>, BuildKeyHasher>;

impl Ends for Arc<Record> {
    fn ends(&self) -> Timestamp {
        self.times.deadline()
    }
}

impl MemoryStorage {
    /// An empty storage, for a million sessions and 2 GiB: more than most applications need, and few enough that whoever
    /// asks for sessions without end meets an error before the process meets its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many sessions there may be, instead of 1,000,000. To be set before it is cloned: each clone keeps to the
    /// limit that it was made with.
    #[must_use]
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.limits.sessions = sessions;
        self
    }

    /// How many bytes all sessions may take up, instead of 2 GiB, about: the payload, label and client context of
    /// each, and 1024 bytes for all else. What a payload was decoded to does not count. To be set before it is cloned.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    fn shard(&self, key: &StorageKey) -> MutexGuard<'_, Shard> {
        // Not of the bytes that the shard's table hashes by: there all keys of a shard would be alike.
        let index = usize::from(key.as_bytes()[31]) % Shared::SHARDS;
        lock(&self.shared.shards[index])
    }

    /// Writes into a key's shard, after freeing some of what has expired in it.
    fn write<T>(&self, key: &StorageKey, now: Timestamp, work: impl FnOnce(&mut Shard) -> T) -> T {
        let mut shard = self.shard(key);
        let mut freed = Vec::new();
        for _ in 0..Shared::SWEPT_PER_WRITE {
            freed.extend(shard.sweep(now).and_then(|swept| swept.freed()));
        }
        self.give_back(&freed);
        let done = work(&mut shard);
        drop(shard);
        self.release_places(freed, now);
        done
    }

    /// Writes, and again for as long as there is no room for it and some can be made.
    fn write_with_room<T>(
        &self,
        key: &StorageKey,
        now: Timestamp,
        work: impl Fn(&mut Shard) -> Result<T, StorageError>,
    ) -> StorageFuture<'_, T> {
        loop {
            let done = self.write(key, now, &work);
            if !matches!(done, Err(StorageError::Full)) {
                return StorageFuture::ready(done);
            }
            if self.purge(Shared::SLICE, now) == 0 {
                // Others may have freed what there was.
                return StorageFuture::ready(self.write(key, now, &work));
            }
        }
    }

    /// The room of sessions that were taken out of a shard, before it is unlocked: whoever finds nothing more to free
    /// finds the room.
    fn give_back(&self, freed: &[(StorageKey, Arc<Record>)]) {
        for (_, record) in freed {
            self.shared.room.give_back(size(record));
        }
    }

    /// The places of sessions that were taken out, when no shard is locked.
    fn release_places(&self, freed: Vec<(StorageKey, Arc<Record>)>, now: Timestamp) {
        for (key, record) in freed {
            if let Some(index) = IndexKey::of(&record) {
                self.shared
                    .rosters
                    .change(index, now, |roster| roster.release(&key));
            }
        }
    }

    fn purge(&self, limit: usize, now: Timestamp) -> usize {
        let mut purged = 0;
        for shard in &self.shared.shards {
            loop {
                let slice = Shared::SLICE.min(limit - purged);
                let mut shard = lock(shard);
                let freed = shard.sweep_all(slice, now);
                self.give_back(&freed);
                drop(shard);
                let last = freed.len() < slice || slice == 0;
                purged += freed.len();
                self.release_places(freed, now);
                if last {
                    break;
                }
            }
        }
        purged
    }
}

impl Shared {
    const SHARDS: usize = 64;
    /// A write makes at most one session that has to be swept later, so this keeps up, in bounded time.
    const SWEPT_PER_WRITE: usize = 2;
    /// How many sessions are freed while others wait for their shard.
    const SLICE: usize = 256;
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            shards: array::from_fn(|_| Mutex::default()),
            rosters: Rosters::default(),
            room: Room::default(),
        }
    }
}

// What is locked is whole at every point where a panic can leave it.
fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

fn live<'a>(shard: &'a Shard, key: &StorageKey, now: Timestamp) -> Option<&'a Arc<Record>> {
    shard.get(key).filter(|record| !record.times.is_expired(now))
}

impl SessionStorage for MemoryStorage {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        let Shared { room, .. } = &*self.shared;
        let bytes = size(&record);
        self.write_with_room(&key, now, |shard| {
            if live(shard, &key, now).is_some() {
                return Ok(Created::Exists);
            }
            if let Some(expired) = shard.remove(&key) {
                room.give_back(size(&expired));
            }
            room.take(bytes, self.limits)?;
            shard.put(key, Arc::clone(&record));
            Ok(Created::Created)
        })
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::ready(Ok(self.at_hand(key, now)))
    }

    fn at_hand(&self, key: StorageKey, now: Timestamp) -> Option<Arc<Record>> {
        live(&self.shard(&key), &key, now).map(Arc::clone)
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        let Shared { room, .. } = &*self.shared;
        self.write_with_room(&key, now, |shard| {
            let Some(stored) = live(shard, &key, now) else {
                return Ok(Replaced::NotFound);
            };
            let record = match stored.replaced_by(&record, expected, now) {
                Ok(record) => record,
                Err(refused) => return Ok(refused),
            };
            let (before, after) = (size(stored), size(&record));
            if after > before {
                room.grow(after - before, self.limits)?;
            } else {
                room.shrink(before - after);
            }
            shard.put(key, record);
            Ok(Replaced::Done)
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        let touched = self.write(&key, now, |shard| match live(shard, &key, now) {
            None => Touched::Gone,
            Some(stored) => match stored.touched_by(&touch, now) {
                Err(refused) => refused,
                Ok(record) => {
                    shard.put(key, record);
                    Touched::Touched
                }
            },
        });
        StorageFuture::ready(Ok(touched))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        let Shared { room, .. } = &*self.shared;
        let deleted = self.write(&key, now, |shard| {
            shard.remove(&key).inspect(|record| room.give_back(size(record)))
        });
        StorageFuture::ready(Ok(deleted.is_some_and(|record| !record.times.is_expired(now))))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.shared.rosters.purge(now);
        StorageFuture::ready(Ok(self.purge(limit, now)))
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Ok(()))
    }
}

impl fmt::Debug for MemoryStorage {
    /// How many sessions and principals it keeps, and none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage")
            .field("sessions", &self.shared.room.sessions())
            .field("principals", &self.shared.rosters.len())
            .finish()
    }
}
