//! Storages that keep no promise but to answer: each check has to notice one of them.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use sessions_core::{
    Record, StorageKey, Timestamp,
    storage::{
        Created, Expected, IndexKey, Member, Read, Replaced, Reservation, Reserved, Roster, SessionIndex,
        SessionStorage, StorageFuture, Touch, Touched, contract,
    },
};

/// Does what it is told, whatever there is, and keeps no index that deserves the name.
#[derive(Default)]
struct Careless(Mutex<HashMap<StorageKey, Arc<Record>>>);

/// Says yes and keeps nothing.
#[derive(Default)]
struct Forgetful;

impl SessionStorage for Forgetful {
    fn create(&self, _: StorageKey, _: Arc<Record>, _: Timestamp) -> StorageFuture<'_, Created> {
        StorageFuture::ready(Ok(Created::Created))
    }

    fn load(&self, _: StorageKey, _: Read, _: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::ready(Ok(None))
    }

    fn replace(
        &self,
        _: StorageKey,
        _: Arc<Record>,
        _: Expected,
        _: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        StorageFuture::ready(Ok(Replaced::Done))
    }

    fn touch(&self, _: StorageKey, _: Touch, _: Timestamp) -> StorageFuture<'_, Touched> {
        StorageFuture::ready(Ok(Touched::Touched))
    }

    fn delete(&self, _: StorageKey, _: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::ready(Ok(true))
    }

    fn purge_expired(&self, _: usize, _: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::ready(Ok(1))
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Err(sessions_core::StorageError::Full))
    }
}

impl SessionStorage for Careless {
    fn create(&self, key: StorageKey, record: Arc<Record>, _: Timestamp) -> StorageFuture<'_, Created> {
        self.0.lock().unwrap().insert(key, record);
        StorageFuture::ready(Ok(Created::Created))
    }

    fn load(&self, key: StorageKey, _: Read, _: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::ready(Ok(self.0.lock().unwrap().get(&key).cloned()))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        _: Expected,
        _: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.0.lock().unwrap().insert(key, record);
        StorageFuture::ready(Ok(Replaced::Done))
    }

    fn touch(&self, key: StorageKey, touch: Touch, _: Timestamp) -> StorageFuture<'_, Touched> {
        if let Some(record) = self.0.lock().unwrap().get_mut(&key) {
            let times = &mut Arc::make_mut(record).times;
            times.last_seen = touch.last_seen;
            times.idle_deadline = touch.idle_deadline;
        }
        StorageFuture::ready(Ok(Touched::Touched))
    }

    fn delete(&self, key: StorageKey, _: Timestamp) -> StorageFuture<'_, bool> {
        self.0.lock().unwrap().remove(&key);
        StorageFuture::ready(Ok(true))
    }

    fn purge_expired(&self, _: usize, _: Timestamp) -> StorageFuture<'_, usize> {
        let mut sessions = self.0.lock().unwrap();
        let freed = sessions.len();
        sessions.clear();
        StorageFuture::ready(Ok(freed))
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Err(sessions_core::StorageError::Full))
    }
}

impl SessionIndex for Careless {
    fn reserve(&self, _: IndexKey, _: Reservation, _: Timestamp) -> StorageFuture<'_, Reserved> {
        StorageFuture::ready(Ok(Reserved::Reserved))
    }

    fn confirm(&self, _: IndexKey, _: StorageKey, _: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::ready(Ok(true))
    }

    fn release(&self, _: IndexKey, _: StorageKey, _: Timestamp) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Ok(()))
    }

    fn members(&self, _: IndexKey, _: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        StorageFuture::ready(Ok(Vec::new()))
    }

    fn cut_off(&self, _: IndexKey, _: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        StorageFuture::ready(Ok(Vec::new()))
    }

    fn count(&self, _: &str, _: &str, _: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::ready(Ok(self.0.lock().unwrap().len()))
    }

    fn delete_some(&self, _: &str, _: &str, _: usize, _: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::ready(Ok(std::mem::take(&mut *self.0.lock().unwrap()).len()))
    }
}

/// Does everything right, but reads in one step and writes in another, between which others come.
#[derive(Default)]
struct Hasty {
    sessions: Mutex<HashMap<StorageKey, Arc<Record>>>,
    rosters: Mutex<HashMap<IndexKey, Roster>>,
    /// Some take longer than others, so that they overtake one another.
    turns: AtomicUsize,
}

/// Changes what is there, or not, in two steps.
fn hastily<'a, K: Copy + Eq + Hash + Send + 'a, V: Clone + Send, T: Send + 'a>(
    turns: &'a AtomicUsize,
    all: &'a Mutex<HashMap<K, V>>,
    key: K,
    change: impl FnOnce(&mut Option<V>) -> T + Send + 'a,
) -> StorageFuture<'a, T> {
    StorageFuture::boxed(async move {
        let mut value = all.lock().unwrap().get(&key).cloned();
        for _ in 0..=turns.fetch_add(1, Ordering::Relaxed) % 3 {
            tokio::task::yield_now().await;
        }
        let done = change(&mut value);
        let mut all = all.lock().unwrap();
        match value {
            Some(value) => drop(all.insert(key, value)),
            None => drop(all.remove(&key)),
        }
        Ok(done)
    })
}

fn live(stored: &Option<Arc<Record>>, now: Timestamp) -> Option<&Arc<Record>> {
    stored.as_ref().filter(|record| !record.times.is_expired(now))
}

impl SessionStorage for Hasty {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        hastily(&self.turns, &self.sessions, key, move |stored| {
            if live(stored, now).is_some() {
                return Created::Exists;
            }
            *stored = Some(record);
            Created::Created
        })
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        let stored = self.sessions.lock().unwrap().get(&key).cloned();
        StorageFuture::ready(Ok(live(&stored, now).cloned()))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        hastily(&self.turns, &self.sessions, key, move |stored| {
            let Some(before) = live(stored, now) else {
                return Replaced::NotFound;
            };
            match before.replaced_by(&record, expected, now) {
                Err(refused) => refused,
                Ok(record) => {
                    *stored = Some(record);
                    Replaced::Done
                }
            }
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        hastily(&self.turns, &self.sessions, key, move |stored| {
            let Some(before) = live(stored, now) else {
                return Touched::Gone;
            };
            match before.touched_by(&touch, now) {
                Err(refused) => refused,
                Ok(record) => {
                    *stored = Some(record);
                    Touched::Touched
                }
            }
        })
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        hastily(&self.turns, &self.sessions, key, move |stored| {
            let deleted = live(stored, now).is_some();
            *stored = None;
            deleted
        })
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::boxed(async move {
            let mut expired: Vec<_> = {
                let sessions = self.sessions.lock().unwrap();
                let expired = sessions.iter().filter(|(_, record)| record.times.is_expired(now));
                expired.map(|(key, _)| *key).collect()
            };
            expired.truncate(limit);
            tokio::task::yield_now().await;
            let mut sessions = self.sessions.lock().unwrap();
            for key in &expired {
                sessions.remove(key);
            }
            Ok(expired.len())
        })
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Ok(()))
    }
}

impl Hasty {
    fn places<'a, T: Send + 'a>(
        &'a self,
        index: IndexKey,
        change: impl FnOnce(&mut Roster) -> T + Send + 'a,
    ) -> StorageFuture<'a, T> {
        hastily(&self.turns, &self.rosters, index, |roster| {
            change(roster.get_or_insert_default())
        })
    }
}

impl SessionIndex for Hasty {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        self.places(index, move |roster| roster.reserve(place, now))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.places(index, move |roster| roster.confirm(&session, now))
    }

    fn release(&self, index: IndexKey, session: StorageKey, _: Timestamp) -> StorageFuture<'_, ()> {
        self.places(index, move |roster| roster.release(&session))
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.places(index, move |roster| roster.members(now))
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.places(index, move |roster| roster.cut_off(now))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        let sessions = self.sessions.lock().unwrap();
        let of_name = sessions
            .values()
            .filter(|record| record.is_of(application, name, now));
        StorageFuture::ready(Ok(of_name.count()))
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        let mut sessions = self.sessions.lock().unwrap();
        let mut left = limit;
        sessions.retain(|_, record| {
            let gone = left > 0 && record.is_of(application, name, now);
            left -= usize::from(gone);
            !gone
        });
        StorageFuture::ready(Ok(limit - left))
    }
}

/// Whether a check is content with a storage.
macro_rules! passes {
    ($check:ident, $storage:expr) => {
        tokio::spawn(contract::$check(Arc::new($storage))).await.is_ok()
    };
}

macro_rules! each {
    ($($check:ident)*) => {
        [$((
            stringify!($check),
            passes!($check, Careless::default()) && passes!($check, Forgetful),
        )),*]
    };
}

#[tokio::test]
async fn are_found_out_by_each_check() {
    let checks = sessions_core::storage_contract_tests!(names => each);
    let passed = checks.into_iter().filter(|(_, passed)| *passed);
    assert_eq!(passed.map(|(check, _)| check).collect::<Vec<_>>(), [""; 0]);
}

macro_rules! contents {
    ($($check:ident)*) => {
        [$((stringify!($check), passes!($check, Hasty::default()))),*]
    };
}

/// And by no other: what is wrong with this one is that its operations are not atomic.
#[tokio::test]
async fn one_that_is_not_atomic_is_found_out_by_each_race() {
    let checks = sessions_core::storage_contract_tests!(names => contents);
    let failed = checks.into_iter().filter(|(_, passed)| !*passed);
    assert_eq!(
        failed.map(|(check, _)| check).collect::<Vec<_>>(),
        RACES,
        "the checks that it fails"
    );
}

const RACES: [&str; 15] = [
    "of_parallel_creates_one_wins",
    "of_parallel_deletes_one_wins",
    "of_parallel_replaces_at_a_revision_one_wins",
    "parallel_updates_lose_nothing",
    "racing_writes_never_bring_a_deleted_session_back",
    "racing_touches_leave_the_latest_times",
    "racing_purges_count_each_session_once",
    "parallel_logins_keep_to_the_limit",
    "no_login_slips_through_a_cut_off",
    "a_delete_at_any_point_of_a_request_is_final",
    "a_rotation_at_any_point_of_a_request_shuts_it_out",
    "saves_at_any_point_of_one_another_have_an_order",
    "a_deadline_at_any_point_of_a_request_ends_a_session_or_has_moved",
    "no_point_of_a_login_escapes_a_cut_off",
    "no_point_of_a_login_lets_another_pass_the_limit",
];
