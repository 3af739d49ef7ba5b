//! A table whose values end by themselves, and that finds those that have without looking at the others.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, Hash},
};

use crate::Timestamp;

pub(super) struct Timed<K, V, S> {
    slots: HashMap<K, Slot<V>, S>,
    /// Each slot once, under a point in time at or before its end.
    order: BTreeSet<(Timestamp, K)>,
}

/// A value that ends by itself.
pub(super) trait Ends {
    /// From when on it is nothing any more.
    fn ends(&self) -> Timestamp;
}

pub(super) enum Swept<K, V> {
    Freed(K, V),
    /// Its end had moved.
    FiledAnew,
}

struct Slot<V> {
    value: V,
    /// Where it stands in the order. An end that moves forward leaves it there, so that a touch is cheap.
    filed: Timestamp,
}

impl<K, V, S: Default> Default for Timed<K, V, S> {
    fn default() -> Self {
        Self {
            slots: HashMap::default(),
            order: BTreeSet::new(),
        }
    }
}

impl<K: Copy + Ord + Hash, V: Ends, S: BuildHasher> Timed<K, V, S> {
    /// The value, ended or not.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.slots.get(key).map(|slot| &slot.value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().map(|(key, slot)| (key, &slot.value))
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        let ends = value.ends();
        let filed = match self.slots.get(&key).map(|slot| slot.filed) {
            Some(filed) if filed <= ends => filed,
            filed => {
                if let Some(filed) = filed {
                    self.order.remove(&(filed, key));
                }
                self.order.insert((ends, key));
                ends
            }
        };
        self.slots.insert(key, Slot { value, filed });
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let slot = self.slots.remove(key)?;
        self.order.remove(&(slot.filed, *key));
        self.shrink();
        Some(slot.value)
    }

    /// Takes out the first of the order if it has ended, else files it anew. `None` if nothing is due.
    pub(super) fn sweep(&mut self, now: Timestamp) -> Option<Swept<K, V>> {
        if self.order.first()?.0 > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        let value = self.slots.remove(&key)?.value;
        if value.ends() <= now {
            self.shrink();
            return Some(Swept::Freed(key, value));
        }
        self.put(key, value);
        Some(Swept::FiledAnew)
    }

    /// Gives back the room of a table that was several times larger. As many have gone since the last time as are moved
    /// now.
    fn shrink(&mut self) {
        const SMALL: usize = 16;
        let (len, room) = (self.slots.len(), self.slots.capacity());
        if room > SMALL && len < room / 4 {
            self.slots.shrink_to(2 * len);
        }
    }

    /// Takes out at most `limit` of those that have ended.
    pub(super) fn sweep_all(&mut self, limit: usize, now: Timestamp) -> Vec<(K, V)> {
        let mut freed = Vec::new();
        while freed.len() < limit
            && let Some(swept) = self.sweep(now)
        {
            freed.extend(swept.freed());
        }
        freed
    }
}

impl<K, V> Swept<K, V> {
    pub(super) fn freed(self) -> Option<(K, V)> {
        match self {
            Self::Freed(key, value) => Some((key, value)),
            Self::FiledAnew => None,
        }
    }
}
