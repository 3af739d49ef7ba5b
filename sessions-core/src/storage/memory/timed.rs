//! A table whose values end by themselves, and that finds those that have without looking at the others.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hash},
    mem,
};

use hashbrown::HashTable;

use crate::Timestamp;

/// The slots are in one row without gaps, so that they need no more room than they take: the last one moves into the place
/// of one that goes. A place is a number of 32 bits, for no memory has room for four billion slots.
pub(super) struct Timed<K, V, S> {
    slots: Vec<Slot<K, V>>,
    /// The place of each key's slot.
    places: HashTable<u32>,
    /// A ring of slots for each second, by the place of the first.
    rings: BTreeMap<Second, u32>,
    hasher: S,
}

/// A value that ends by itself.
pub(super) trait Ends {
    /// From when on it is nothing any more.
    fn ends(&self) -> Timestamp;
}

/// Where a key's slot is, until one is taken out.
#[derive(Clone, Copy)]
pub(super) struct Place(u32);

struct Slot<K, V> {
    key: K,
    value: V,
    /// Of which ring it is. A value whose end moves forward leaves it there, so that a touch is cheap.
    due: Second,
    /// Its neighbours in that: itself, if it has none.
    before: u32,
    after: u32,
}

/// Seconds since the Unix epoch. What ends after the year 2106 is filed at the last one, which never comes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Second(u32);

impl Second {
    /// The first at which it has ended.
    fn of_end(ends: Timestamp) -> Self {
        Self(u32::try_from(ends.as_millis().div_ceil(1000)).unwrap_or(u32::MAX))
    }

    /// The last that has begun.
    fn begun(now: Timestamp) -> Self {
        Self(
            u32::try_from(now.as_millis() / 1000)
                .unwrap_or(u32::MAX)
                .min(u32::MAX - 1),
        )
    }
}

impl<K, V, S: Default> Default for Timed<K, V, S> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            places: HashTable::new(),
            rings: BTreeMap::new(),
            hasher: S::default(),
        }
    }
}

impl<K: Copy + Eq + Hash, V: Ends, S: BuildHasher> Timed<K, V, S> {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().map(|slot| (&slot.key, &slot.value))
    }

    pub(super) fn find(&self, key: &K) -> Option<Place> {
        let is_it = |place: &u32| self.slot(*place).key == *key;
        self.places
            .find(self.hasher.hash_one(key), is_it)
            .map(|place| Place(*place))
    }

    /// The value, ended or not.
    pub(super) fn at(&self, Place(place): Place) -> &V {
        &self.slot(place).value
    }

    /// Puts a value in place of another one.
    pub(super) fn set(&mut self, Place(place): Place, value: V) -> V {
        let due = Second::of_end(value.ends());
        if due < self.slot(place).due {
            self.unfile(place);
            self.file(place, due);
        }
        mem::replace(&mut self.slot_mut(place).value, value)
    }

    /// Puts in a value under a key that is not there.
    pub(super) fn insert(&mut self, key: K, value: V) {
        let (len, due) = (self.slots.len(), Second::of_end(value.ends()));
        if len == self.slots.capacity() {
            // By an eighth, and not by as many again: that would be room for as many sessions as there are.
            self.slots.reserve_exact(len / 8 + 4);
        }
        let place = len as u32;
        self.slots.push(Slot {
            key,
            value,
            due,
            before: place,
            after: place,
        });
        let Self {
            slots,
            places,
            hasher,
            ..
        } = self;
        let hash = |place: &u32| hasher.hash_one(slots[*place as usize].key);
        places.insert_unique(hash(&place), place, hash);
        self.file(place, due);
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.find(key)?;
        let (_, value) = self.take(place.0);
        Some(value)
    }

    /// Takes out those that have ended, of the next so many that are due; and says whether there may be more.
    pub(super) fn sweep(&mut self, some: usize, now: Timestamp) -> (Vec<(K, V)>, bool) {
        let mut ended = Vec::new();
        for _ in 0..some {
            let first = self.rings.first_key_value();
            let Some((_, &place)) = first.filter(|(due, _)| **due <= Second::begun(now)) else {
                return (ended, false);
            };
            let ends = self.slot(place).value.ends();
            if ends <= now {
                ended.push(self.take(place));
            } else {
                // It had moved.
                self.unfile(place);
                self.file(place, Second::of_end(ends));
            }
        }
        (ended, true)
    }

    fn slot(&self, place: u32) -> &Slot<K, V> {
        &self.slots[place as usize]
    }

    fn slot_mut(&mut self, place: u32) -> &mut Slot<K, V> {
        &mut self.slots[place as usize]
    }

    /// Puts a slot into the ring of a second, as its last one.
    fn file(&mut self, place: u32, due: Second) {
        let first = *self.rings.entry(due).or_insert(place);
        let last = if first == place {
            place
        } else {
            self.slot(first).before
        };
        self.link(last, place);
        self.link(place, first);
        self.slot_mut(place).due = due;
    }

    fn unfile(&mut self, place: u32) {
        let Slot {
            due, before, after, ..
        } = *self.slot(place);
        if after == place {
            self.rings.remove(&due);
            return;
        }
        self.link(before, after);
        if let Some(first) = self.rings.get_mut(&due).filter(|first| **first == place) {
            *first = after;
        }
    }

    fn link(&mut self, one: u32, next: u32) {
        self.slot_mut(one).after = next;
        self.slot_mut(next).before = one;
    }

    fn take(&mut self, place: u32) -> (K, V) {
        self.unfile(place);
        let hash = self.hash(place);
        if let Ok(entry) = self.places.find_entry(hash, |it| *it == place) {
            entry.remove();
        }
        let last = (self.slots.len() - 1) as u32;
        let moves = (place != last).then(|| {
            self.unfile(last);
            (self.hash(last), self.slot(last).due)
        });
        let Slot { key, value, .. } = self.slots.swap_remove(place as usize);
        if let Some((hash, due)) = moves {
            if let Some(moved) = self.places.find_mut(hash, |it| *it == last) {
                *moved = place;
            }
            self.file(place, due);
        }
        self.shrink();
        (key, value)
    }

    fn hash(&self, place: u32) -> u64 {
        self.hasher.hash_one(self.slot(place).key)
    }

    /// Gives back the room of a table that was several times larger. As many have gone since the last time as are moved
    /// now.
    fn shrink(&mut self) {
        const SMALL: usize = 16;
        let (len, room) = (self.slots.len(), self.slots.capacity());
        if room > SMALL && len < room / 4 {
            self.slots.shrink_to(2 * len);
            let Self {
                slots,
                places,
                hasher,
                ..
            } = self;
            places.shrink_to(2 * len, |place| hasher.hash_one(slots[*place as usize].key));
        }
    }
}
