//! What a storage has to do that is around another: ours, and some that do not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use sessions_core::{
    Record, StorageKey, Timestamp,
    storage::{
        CachedStorage, Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageFuture, Touch,
        Touched,
        contract::{self, Gated, Wrapped},
    },
};

use crate::around::Around;

mod cached {
    use super::*;

    sessions_core::wrapper_contract_tests!(CachedStorage::new);
}

mod cached_twice {
    use super::*;

    sessions_core::wrapper_contract_tests!(|behind| CachedStorage::new(CachedStorage::new(behind)));
}

mod only_around {
    use super::*;

    sessions_core::wrapper_contract_tests!(Around::new);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cache_that_keeps_nothing_passes_every_check() {
    contract::check_wrapper(|behind| CachedStorage::new(behind).capacity(0)).await;
}

/// Copies without a thought: each check has to notice one of them.
#[derive(Clone)]
struct Thoughtless {
    behind: Gated,
    copies: Arc<Mutex<HashMap<StorageKey, Option<Arc<Record>>>>>,
}

impl Thoughtless {
    fn new(behind: Gated) -> Self {
        Self {
            behind,
            copies: Arc::default(),
        }
    }

    fn keep(&self, key: StorageKey, copy: Option<Arc<Record>>) {
        self.copies.lock().unwrap().insert(key, copy);
    }
}

impl SessionStorage for Thoughtless {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        StorageFuture::boxed(async move {
            self.keep(key, Some(Arc::clone(&record)));
            self.behind.create(key, record, now).await
        })
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        if let Some(copy) = self.copies.lock().unwrap().get(&key) {
            return StorageFuture::ready(Ok(copy.clone()));
        }
        let cache = self.clone();
        StorageFuture::boxed(async move {
            let load = tokio::spawn(async move {
                let loaded = cache.behind.load(key, read, now).await.unwrap_or_default();
                cache.keep(key, loaded.clone());
                loaded
            });
            Ok(load.await.unwrap())
        })
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        StorageFuture::boxed(async move {
            self.keep(key, Some(Arc::clone(&record)));
            self.behind.replace(key, record, expected, now).await
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.behind.touch(key, touch, now)
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(async move {
            self.keep(key, None);
            self.behind.delete(key, now).await
        })
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.behind.purge_expired(limit, now)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Ok(()))
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.behind.index()
    }
}

/// Lets one call at a time through, whatever it is for.
#[derive(Clone)]
struct OneByOne {
    behind: Gated,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl OneByOne {
    fn new(behind: Gated) -> Self {
        Self {
            behind,
            turn: Arc::default(),
        }
    }

    fn in_turn<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce(&'a Gated) -> StorageFuture<'a, T> + Send + 'a,
    ) -> StorageFuture<'a, T> {
        StorageFuture::boxed(async move {
            let _turn = self.turn.lock().await;
            call(&self.behind).await
        })
    }
}

impl SessionStorage for OneByOne {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.in_turn(move |behind| behind.create(key, record, now))
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.in_turn(move |behind| behind.load(key, read, now))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.in_turn(move |behind| behind.replace(key, record, expected, now))
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.in_turn(move |behind| behind.touch(key, touch, now))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.in_turn(move |behind| behind.delete(key, now))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.in_turn(move |behind| behind.purge_expired(limit, now))
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.in_turn(SessionStorage::health)
    }
}

macro_rules! passes {
    ($check:ident, $wrap:expr) => {
        tokio::spawn(contract::$check(Wrapped::new($wrap))).await.is_ok()
    };
}

macro_rules! each {
    ($($check:ident)*) => {
        [$((
            stringify!($check),
            passes!($check, Thoughtless::new) && passes!($check, OneByOne::new),
        )),*]
    };
}

#[tokio::test]
async fn broken_wrappers_are_found_out_by_each_check() {
    let checks = sessions_core::wrapper_contract_tests!(names => each);
    let passed = checks.into_iter().filter(|(_, passed)| *passed);
    assert_eq!(passed.map(|(check, _)| check).collect::<Vec<_>>(), [""; 0]);
}

macro_rules! of_one_by_one {
    ($($check:ident)*) => {
        [$((stringify!($check), passes!($check, OneByOne::new))),*]
    };
}

#[tokio::test(start_paused = true)]
async fn one_that_lets_one_call_through_at_a_time_is_held_up() {
    let checks = sessions_core::wrapper_contract_tests!(names => of_one_by_one);
    let failed = checks.into_iter().filter(|(_, passed)| !*passed);
    assert_eq!(
        failed.map(|(check, _)| check).collect::<Vec<_>>(),
        [
            "a_load_that_a_write_overtakes_is_not_kept",
            "a_load_that_nobody_waits_for_is_not_kept_against_a_write",
            "a_call_that_hangs_holds_up_no_other_session",
        ]
    );
}
