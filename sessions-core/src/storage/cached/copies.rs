//! The copies, and what keeps one that is out of date from being taken for the newest.

use std::{
    array,
    sync::{Arc, Mutex, PoisonError},
};

use quick_cache::{UnitWeighter, sync::Cache};

use crate::{Record, StorageKey, Timestamp, storage::hash::BuildKeyHasher};

/// A record as it was at some point in time.
#[derive(Clone)]
pub(super) struct Copy {
    pub(super) record: Arc<Record>,
    /// When the storage was asked for it: it holds every write that others had finished by then.
    pub(super) fetched: Timestamp,
}

/// A generation counts the writes that have ended. A copy is only put in if none has since its record was asked for,
/// and a write puts its record in only if no other one has ended since it began. A generation is of many keys: a write
/// of one of them costs another a copy at worst.
pub(in super::super) struct Copies {
    cache: Cache<StorageKey, Copy, UnitWeighter, BuildKeyHasher>,
    generations: [Mutex<u64>; Self::GENERATIONS],
}

impl Copies {
    const GENERATIONS: usize = 256;

    pub(super) fn new(capacity: usize) -> Self {
        Self {
            cache: Cache::with(
                capacity,
                capacity as u64,
                UnitWeighter,
                BuildKeyHasher::default(),
                Default::default(),
            ),
            generations: array::from_fn(|_| Mutex::default()),
        }
    }

    pub(super) fn get(&self, key: &StorageKey) -> Option<Copy> {
        self.cache.get(key)
    }

    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    pub(super) fn set_capacity(&self, capacity: usize) {
        self.cache.set_capacity(capacity as u64);
    }

    /// To be called after somebody else has written: what was asked for before that is out of date.
    #[cfg(feature = "redis")]
    pub(in super::super) fn changed(&self, key: &StorageKey) {
        self.locked(key, |generation| {
            *generation += 1;
            self.cache.remove(key);
        });
    }

    /// To be called after somebody else may have written anything.
    #[cfg(feature = "redis")]
    pub(in super::super) fn all_changed(&self) {
        drop(self.begin_write_of_any());
    }

    /// To be called before the storage is asked.
    pub(super) fn begin_fill(&self, key: StorageKey) -> Fill<'_> {
        Fill {
            copies: self,
            key,
            generation: self.locked(&key, |generation| *generation),
        }
    }

    /// To be called before the storage is told. Takes the copy out; what another load puts in meanwhile goes with the
    /// end of the write.
    pub(super) fn begin_write(&self, key: StorageKey) -> Write<'_> {
        self.locked(&key, |generation| Write {
            copies: self,
            key,
            generation: *generation,
            before: self.cache.remove(&key).map(|(_, copy)| copy),
            after: None,
        })
    }

    /// To be called before the storage is told to write nobody knows which keys.
    pub(super) fn begin_write_of_any(&self) -> WriteOfAny<'_> {
        WriteOfAny(self)
    }

    fn locked<T>(&self, key: &StorageKey, work: impl FnOnce(&mut u64) -> T) -> T {
        // Any byte will do: it need not be even within the cache's own parts.
        let generation = &self.generations[usize::from(key.as_bytes()[31])];
        work(&mut generation.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A load that is under way.
pub(super) struct Fill<'a> {
    copies: &'a Copies,
    key: StorageKey,
    generation: u64,
}

impl Fill<'_> {
    /// Keeps what was loaded, unless there was a write since.
    pub(super) fn end(self, loaded: Option<Copy>) {
        let Self {
            copies,
            key,
            generation: begun,
        } = self;
        copies.locked(&key, |generation| match loaded {
            Some(copy) if *generation == begun => copies.cache.insert(key, copy),
            Some(_) => {}
            None => {
                // Another load may still carry the record that has ended.
                *generation += 1;
                copies.cache.remove(&key);
            }
        });
    }
}

/// A write that is under way. Its end, when it is dropped, leaves no copy but the one that it says: so it is with a
/// failure, and when nobody waits for the answer any more.
pub(super) struct Write<'a> {
    copies: &'a Copies,
    key: StorageKey,
    generation: u64,
    before: Option<Copy>,
    after: Option<Copy>,
}

impl Write<'_> {
    /// The copy that there was.
    pub(super) fn before(&self) -> Option<&Copy> {
        self.before.as_ref()
    }

    /// What is stored now, unless another write has ended meanwhile.
    pub(super) fn leaves(&mut self, copy: Copy) {
        self.after = Some(copy);
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let after = self.after.take();
        self.copies.locked(&self.key, |generation| {
            let alone = *generation == self.generation;
            *generation += 1;
            match after {
                Some(copy) if alone => self.copies.cache.insert(self.key, copy),
                _ => drop(self.copies.cache.remove(&self.key)),
            }
        });
    }
}

/// A write that is under way, of keys that only the storage knows. Its end leaves no copy at all.
pub(super) struct WriteOfAny<'a>(&'a Copies);

impl Drop for WriteOfAny<'_> {
    fn drop(&mut self) {
        // All of them first: what is asked for after that is of after the write.
        for generation in &self.0.generations {
            *generation.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        self.0.cache.clear();
    }
}
