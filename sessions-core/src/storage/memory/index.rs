//! Who has which of the sessions.

use std::{array, hash::RandomState};

use super::{
    MemoryStorage, in_turn, lock,
    sync::{Mutex, MutexGuard},
    timed::{Ends, Timed},
};
use crate::{
    StorageKey, Timestamp,
    storage::{IndexKey, Member, Reservation, Reserved, Roster, SessionIndex, StorageFuture},
};

/// The rosters, in parts under locks of their own. None of these is held together with that of any session.
pub(super) struct Rosters([Mutex<Part>; Self::COUNT]);

// Clients may choose their principal, and so many keys that are alike to a table that hashes without a secret.
type Part = Timed<IndexKey, Roster, RandomState>;

impl Ends for Roster {
    fn ends(&self) -> Timestamp {
        self.ends()
    }
}

impl Default for Rosters {
    fn default() -> Self {
        Self(array::from_fn(|_| Mutex::default()))
    }
}

impl Rosters {
    const COUNT: usize = 64;

    /// Changes one roster, and keeps it unless it is empty.
    pub(super) fn change<T>(
        &self,
        index: IndexKey,
        now: Timestamp,
        work: impl FnOnce(&mut Roster) -> T,
    ) -> T {
        let mut part = self.part(&index);
        // One more than a change can make.
        drop(part.sweep(2, now));
        let mut roster = part.remove(&index).unwrap_or_default();
        let done = work(&mut roster);
        if !roster.is_empty() {
            part.insert(index, roster);
        }
        done
    }

    /// Frees at most so many of those that have ended.
    pub(super) fn purge(&self, limit: usize, now: Timestamp) {
        in_turn(&self.0, limit, |part, some| {
            let (ended, more) = lock(part).sweep(some, now);
            (ended.len(), more)
        });
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|part| lock(part).len()).sum()
    }

    fn part(&self, index: &IndexKey) -> MutexGuard<'_, Part> {
        lock(&self.0[usize::from(index.as_bytes()[0]) % Self::COUNT])
    }
}

impl SessionIndex for MemoryStorage {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        let reserved = self
            .shared
            .rosters
            .change(index, now, |roster| roster.reserve(place, now));
        StorageFuture::ready(Ok(reserved))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        let confirmed = self
            .shared
            .rosters
            .change(index, now, |roster| roster.confirm(&session, now));
        StorageFuture::ready(Ok(confirmed))
    }

    fn release(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, ()> {
        self.shared
            .rosters
            .change(index, now, |roster| roster.release(&session));
        StorageFuture::ready(Ok(()))
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        let members = self
            .shared
            .rosters
            .change(index, now, |roster| roster.members(now));
        StorageFuture::ready(Ok(members))
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        let members = self
            .shared
            .rosters
            .change(index, now, |roster| roster.cut_off(now));
        StorageFuture::ready(Ok(members))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        let counts = self.shared.shards.iter().map(|shard| {
            let shard = lock(shard);
            let sessions = shard.sessions.iter();
            sessions
                .filter(|(_, kept)| kept.is_of(application, name, now))
                .count()
        });
        StorageFuture::ready(Ok(counts.sum()))
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        let mut deleted = 0;
        for shard in &self.shared.shards {
            let mut shard = lock(shard);
            let sessions = shard.sessions.iter();
            let sessions = sessions.filter(|(_, kept)| kept.is_of(application, name, now));
            let keys: Vec<_> = sessions.map(|(key, _)| *key).take(limit - deleted).collect();
            let freed: Vec<_> = keys
                .into_iter()
                .filter_map(|key| Some((key, shard.sessions.remove(&key)?)))
                .collect();
            self.give_back(&freed);
            drop(shard);
            deleted += freed.len();
            self.release_places(freed, now);
        }
        StorageFuture::ready(Ok(deleted))
    }
}
