//! Sessions in the memory of this process.

mod index;
mod kept;
mod room;
mod sync;
mod timed;

use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use self::{
    index::Rosters,
    kept::{Kept, Patterns},
    room::{Limits, Room, size},
    sync::{Mutex, MutexGuard},
    timed::{Ends, Place, Timed},
};
use super::{
    Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageError, StorageFuture, Touch,
    Touched, hash::BuildKeyHasher,
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
    // On the heap from the beginning: all of them are too large for the stack of some threads.
    shards: Box<[Mutex<Shard>]>,
    rosters: Rosters,
    room: Room,
}

/// A part of the sessions, under a lock of its own.
#[derive(Default)]
struct Shard {
    sessions: Timed<Half, Kept, BuildKeyHasher>,
    patterns: Patterns,
}

/// Half of a session's key. It has as many bits as a handle has, so two sessions have it in common as often as they have
/// their handle.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Half([u8; 16]);

impl Half {
    fn of(key: &StorageKey) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&key.as_bytes()[..16]);
        Self(half)
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
        let (freed, _) = shard.sessions.sweep(Shared::SWEPT_PER_WRITE, now);
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
    ) -> Result<T, StorageError> {
        loop {
            let done = self.write(key, now, &work);
            if !matches!(done, Err(StorageError::Full)) {
                return done;
            }
            if self.purge(Shared::FREED_FOR_ROOM, now) == 0 {
                // Others may have freed what there was.
                return self.write(key, now, &work);
            }
        }
    }

    /// The room of sessions that were taken out of a shard, before it is unlocked: whoever finds nothing more to free
    /// finds the room.
    fn give_back(&self, freed: &[(Half, Kept)]) {
        for (_, kept) in freed {
            self.shared.room.give_back(kept.size());
        }
    }

    /// The places of sessions that were taken out, when no shard is locked.
    fn release_places(&self, freed: Vec<(Half, Kept)>, now: Timestamp) {
        for (half, kept) in freed {
            if let Some(index) = kept.index() {
                self.shared.rosters.change(index, now, |roster| {
                    roster.release_where(|session| Half::of(session) == half);
                });
            }
        }
    }

    fn purge(&self, limit: usize, now: Timestamp) -> usize {
        in_turn(&self.shared.shards, limit, |shard, some| {
            let mut shard = lock(shard);
            let (freed, more) = shard.sessions.sweep(some, now);
            self.give_back(&freed);
            drop(shard);
            let count = freed.len();
            self.release_places(freed, now);
            (count, more)
        })
    }
}

/// Has each part free a few, again and again, until so many are freed or there are no more. Others are looked at before a
/// part is again, so that who waits for it mostly has it first.
fn in_turn<P>(parts: &[P], limit: usize, free: impl Fn(&P, usize) -> (usize, bool)) -> usize {
    let (mut freed, mut more) = (0, true);
    while more {
        more = false;
        for part in parts {
            if freed == limit {
                return freed;
            }
            let (some, left) = free(part, Shared::SLICE.min(limit - freed));
            freed += some;
            more |= left;
        }
    }
    freed
}

impl Shared {
    const SHARDS: usize = 64;
    /// A write makes at most one session that has to be swept later, so this keeps up, in bounded time.
    const SWEPT_PER_WRITE: usize = 2;
    /// How many sessions are looked at while others wait for their shard: some ten microseconds.
    const SLICE: usize = 8;
    /// How many are freed at once when there is no room.
    const FREED_FOR_ROOM: usize = 64;
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            shards: (0..Self::SHARDS).map(|_| Mutex::default()).collect(),
            rosters: Rosters::default(),
            room: Room::default(),
        }
    }
}

// What is locked is whole at every point where a panic can leave it.
fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

fn live<'a>(shard: &'a Shard, key: &StorageKey, now: Timestamp) -> Option<(Place, &'a Kept)> {
    let place = shard.sessions.find(&Half::of(key))?;
    let kept = shard.sessions.at(place);
    (now < kept.ends()).then_some((place, kept))
}

impl SessionStorage for MemoryStorage {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        let Shared { room, .. } = &*self.shared;
        let bytes = size(&record);
        // What is taken out is dropped when its shard is unlocked, here and below: with it go values of the application's.
        let written = self.write_with_room(&key, now, |shard| {
            if live(shard, &key, now).is_some() {
                return Ok((Created::Exists, None));
            }
            // First: without room what has expired stays, for whoever makes some.
            room.take(bytes, self.limits)?;
            let expired = shard.sessions.remove(&Half::of(&key));
            if let Some(expired) = &expired {
                room.give_back(expired.size());
            }
            let kept = shard.patterns.keep(&record);
            shard.sessions.insert(Half::of(&key), kept);
            Ok((Created::Created, expired))
        });
        StorageFuture::ready(written.map(|(created, _)| created))
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::ready(Ok(self.at_hand(key, now)))
    }

    fn at_hand(&self, key: StorageKey, now: Timestamp) -> Option<Arc<Record>> {
        let shard = self.shard(&key);
        live(&shard, &key, now).map(|(_, kept)| kept.record())
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        let Shared { room, .. } = &*self.shared;
        let written = self.write_with_room(&key, now, |shard| {
            let Some((place, stored)) = live(shard, &key, now) else {
                return Ok((Replaced::NotFound, None));
            };
            let record = match stored.seen(|stored| stored.replaced_by(&record, expected, now)) {
                Ok(record) => record,
                Err(refused) => return Ok((refused, None)),
            };
            let (before, after) = (stored.size(), size(&record));
            if after > before {
                room.grow(after - before, self.limits)?;
            } else {
                room.shrink(before - after);
            }
            let kept = shard.patterns.keep(&record);
            Ok((Replaced::Done, Some(shard.sessions.set(place, kept))))
        });
        StorageFuture::ready(written.map(|(replaced, _)| replaced))
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        let (touched, _) = self.write(&key, now, |shard| match live(shard, &key, now) {
            None => (Touched::Gone, None),
            Some((place, stored)) => match stored.seen(|stored| stored.touched_by(&touch, now)) {
                Err(refused) => (refused, None),
                Ok(record) => {
                    let kept = shard.patterns.keep(&record);
                    (Touched::Touched, Some(shard.sessions.set(place, kept)))
                }
            },
        });
        StorageFuture::ready(Ok(touched))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        let Shared { room, .. } = &*self.shared;
        let deleted = self.write(&key, now, |shard| {
            shard
                .sessions
                .remove(&Half::of(&key))
                .inspect(|kept| room.give_back(kept.size()))
        });
        StorageFuture::ready(Ok(deleted.is_some_and(|kept| now < kept.ends())))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.shared.rosters.purge(limit, now);
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
