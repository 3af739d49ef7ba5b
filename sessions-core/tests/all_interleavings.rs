//! Threads on one `MemoryStorage`, in every order that two of them can take, but where it says most.
//!
//! `tests/run` runs it, with `--cfg model_checked`. Where that is not set there is nothing in it.

#![cfg(model_checked)]
#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use loom::thread;
use sessions_core::{
    Record, StorageError, StorageKey, Timestamp,
    storage::{
        Created, Expected, IndexKey, Member, MemoryStorage, Read, Replaced, Reservation, Reserved,
        SessionIndex as _, SessionStorage as _, StorageFuture, Touch, Touched,
        contract::{NOW, record},
    },
};

const MINUTE: Duration = Duration::from_secs(60);

/// Keys of parts under locks of their own.
const ONE: StorageKey = StorageKey::from_bytes([1; 32]);
const OTHER: StorageKey = StorageKey::from_bytes([2; 32]);
const ANNA: IndexKey = IndexKey::from_bytes([3; 32]);

/// Everything that can happen when two threads run at once, and what has to hold then.
fn every_order(world: impl Fn() + Send + Sync + 'static) {
    orders(None, world);
}

/// The same for what has too many orders to try them all: threads are switched at most three times where none has to
/// wait. Mistakes that take more are rare.
fn most_orders(world: impl Fn() + Send + Sync + 'static) {
    orders(Some(3), world);
}

fn orders(switches: Option<usize>, world: impl Fn() + Send + Sync + 'static) {
    let orders = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&orders);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = switches;
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        world();
    });
    println!("{} orders", orders.load(Ordering::Relaxed));
}

fn at_once<T>(mut future: StorageFuture<'_, T>) -> Result<T, StorageError> {
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it had to wait"),
    }
}

fn later(minutes: u32) -> Timestamp {
    NOW.after(MINUTE * minutes)
}

/// Runs all of them at once, the last one on this thread.
fn together<T: 'static>(mut tasks: Vec<Box<dyn FnOnce() -> T + Send>>) -> Vec<T> {
    let last = tasks.pop().unwrap();
    let threads: Vec<_> = tasks.into_iter().map(thread::spawn).collect();
    let last = last();
    let mut answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    answers.push(last);
    answers
}

macro_rules! at_once {
    ($storage:ident; $($work:expr),+ $(,)?) => {
        together(vec![$({
            let $storage = $storage.clone();
            Box::new(move || $work) as Box<dyn FnOnce() -> _ + Send>
        }),+])
    };
}

fn create(storage: &MemoryStorage, key: StorageKey, record: Record) -> Result<Created, StorageError> {
    at_once(storage.create(key, Arc::new(record), NOW))
}

fn load(storage: &MemoryStorage, key: StorageKey, now: Timestamp) -> Option<Arc<Record>> {
    at_once(storage.load(key, Read::Latest, now)).unwrap()
}

/// How many sessions it counts, which has to be how many there are.
fn counted(storage: &MemoryStorage) -> String {
    format!("{storage:?}")
}

#[test]
fn of_two_writes_at_a_revision_one_wins_and_is_what_is_stored() {
    every_order(|| {
        let storage = MemoryStorage::new();
        let stored = record(*b"old");
        create(&storage, ONE, stored.clone()).unwrap();
        let expected = Expected::Revision(stored.revision);
        let answers = at_once!(storage;
            at_once(storage.replace(ONE, record(*b"one").into(), expected, NOW)).unwrap(),
            at_once(storage.replace(ONE, record(*b"two").into(), expected, NOW)).unwrap(),
        );
        let payload = load(&storage, ONE, NOW).unwrap().payload.clone();
        match answers[..] {
            [Replaced::Done, Replaced::Conflict] => assert_eq!(payload.as_bytes(), b"one"),
            [Replaced::Conflict, Replaced::Done] => assert_eq!(payload.as_bytes(), b"two"),
            _ => panic!("{answers:?}"),
        }
    });
}

#[test]
fn no_write_brings_a_deleted_session_back() {
    most_orders(|| {
        let storage = MemoryStorage::new();
        create(&storage, ONE, record(*b"old")).unwrap();
        let touch = Touch {
            epoch: 0,
            last_seen: later(1),
            idle_deadline: later(60),
        };
        at_once!(storage;
            drop(at_once(storage.replace(ONE, record(*b"new").into(), Expected::Epoch(0), NOW))),
            drop(at_once(storage.touch(ONE, touch, NOW))),
            {
                assert!(at_once(storage.delete(ONE, NOW)).unwrap());
                assert_eq!(load(&storage, ONE, NOW), None);
            },
        );
        assert_eq!(load(&storage, ONE, NOW), None);
        assert_eq!(counted(&storage), "MemoryStorage { sessions: 0, principals: 0 }");
    });
}

#[test]
fn of_two_deletes_one_is_true() {
    every_order(|| {
        let storage = MemoryStorage::new();
        create(&storage, ONE, record(*b"old")).unwrap();
        let deleted = at_once!(storage;
            at_once(storage.delete(ONE, NOW)).unwrap(),
            at_once(storage.delete(ONE, NOW)).unwrap(),
        );
        assert_ne!(deleted[0], deleted[1]);
        assert_eq!(counted(&storage), "MemoryStorage { sessions: 0, principals: 0 }");
    });
}

#[test]
fn the_bound_holds_among_threads_and_the_last_room_is_given_to_one() {
    every_order(|| {
        let storage = MemoryStorage::new().max_sessions(1);
        let created = at_once!(storage;
            create(&storage, ONE, record([])).is_ok(),
            create(&storage, OTHER, record([])).is_ok(),
        );
        assert_ne!(created[0], created[1]);
        assert_eq!(counted(&storage), "MemoryStorage { sessions: 1, principals: 0 }");
        for key in [ONE, OTHER] {
            at_once(storage.delete(key, NOW)).unwrap();
        }
        assert!(create(&storage, ONE, record([])).is_ok(), "room that was lost");
    });
}

#[test]
fn a_full_storage_refuses_nobody_for_whom_another_thread_makes_room() {
    most_orders(|| {
        let storage = MemoryStorage::new().max_sessions(1);
        create(&storage, ONE, record([])).unwrap();
        let mut new = record(*b"new");
        new.times.idle_deadline = later(60);
        let end = later(40);
        let freed: Vec<usize> = at_once!(storage;
            {
                let created = at_once(storage.create(OTHER, new.into(), end));
                assert_eq!(created.unwrap(), Created::Created);
                0_usize
            },
            at_once(storage.purge_expired(10, end)).unwrap(),
        );
        assert!(matches!(freed[1], 0 | 1));
        assert!(load(&storage, OTHER, end).is_some());
        assert_eq!(counted(&storage), "MemoryStorage { sessions: 1, principals: 0 }");
    });
}

#[test]
fn a_touch_and_a_purge_at_the_deadline_do_not_leave_half_a_session() {
    every_order(|| {
        let storage = MemoryStorage::new();
        let stored = record([]);
        create(&storage, ONE, stored.clone()).unwrap();
        let end = stored.times.deadline();
        let last = Timestamp::from_millis(end.as_millis() - 1);
        let touch = Touch {
            epoch: 0,
            last_seen: last,
            idle_deadline: end.after(MINUTE),
        };
        let touched = {
            let purging = storage.clone();
            let purge = thread::spawn(move || at_once(purging.purge_expired(10, end)).unwrap());
            let touched = at_once(storage.touch(ONE, touch, last)).unwrap();
            assert_eq!(purge.join().unwrap(), usize::from(touched == Touched::Gone));
            touched
        };
        assert_eq!(load(&storage, ONE, end).is_some(), touched == Touched::Touched);
    });
}

#[test]
fn a_write_that_grows_fits_if_a_delete_made_room_and_changes_nothing_if_not() {
    every_order(|| {
        // Room for two sessions of nothing, and for no more than half of what is written.
        let storage = MemoryStorage::new().max_bytes(2 * 1024);
        for key in [ONE, OTHER] {
            create(&storage, key, record([])).unwrap();
        }
        let grown: [u8; 512] = [1; 512];
        let (deleting, key) = (storage.clone(), OTHER);
        let delete = thread::spawn(move || at_once(deleting.delete(key, NOW)).unwrap());
        let replaced = at_once(storage.replace(ONE, record(grown).into(), Expected::Epoch(0), NOW));
        assert!(delete.join().unwrap());
        let payload = load(&storage, ONE, NOW).unwrap().payload.clone();
        match replaced {
            Ok(replaced) => {
                assert_eq!(replaced, Replaced::Done);
                assert_eq!(payload.as_bytes(), grown);
            }
            Err(StorageError::Full) => assert_eq!(payload.as_bytes(), b""),
            Err(error) => panic!("{error}"),
        }
        // All the room is there again, and no more.
        assert!(at_once(storage.delete(ONE, NOW)).unwrap());
        create(&storage, ONE, record([])).unwrap();
        create(&storage, OTHER, record([])).unwrap();
        assert!(at_once(storage.replace(ONE, record([1]).into(), Expected::Epoch(0), NOW)).is_err());
    });
}

#[test]
fn a_write_and_a_purge_at_the_deadline_do_not_leave_half_a_session() {
    every_order(|| {
        let storage = MemoryStorage::new();
        let stored = record(*b"old");
        create(&storage, ONE, stored.clone()).unwrap();
        let end = stored.times.deadline();
        let last = Timestamp::from_millis(end.as_millis() - 1);
        let mut new = record(*b"new");
        new.times.idle_deadline = end.after(MINUTE);
        let purging = storage.clone();
        let purge = thread::spawn(move || at_once(purging.purge_expired(10, end)).unwrap());
        let replaced = at_once(storage.replace(ONE, new.into(), Expected::Epoch(0), last)).unwrap();
        assert_eq!(purge.join().unwrap(), usize::from(replaced == Replaced::NotFound));
        let left = load(&storage, ONE, end);
        match replaced {
            Replaced::Done => assert_eq!(left.unwrap().payload.as_bytes(), b"new"),
            Replaced::NotFound => assert_eq!(left, None),
            other => panic!("{other:?}"),
        }
        let sessions = usize::from(replaced == Replaced::Done);
        let counts = format!("MemoryStorage {{ sessions: {sessions}, principals: 0 }}");
        assert_eq!(counted(&storage), counts);
    });
}

fn member(key: StorageKey) -> Member {
    Member {
        key,
        public_id: record([]).public_id,
        created: NOW,
        ends: later(600),
    }
}

/// All that a login does, of a request that began at this time.
fn log_in(storage: &MemoryStorage, key: StorageKey, began: Timestamp, limit: Option<usize>) -> bool {
    let place = Reservation {
        session: member(key),
        began,
        replaces: None,
        limit,
    };
    if at_once(storage.reserve(ANNA, place, NOW)).unwrap() != Reserved::Reserved {
        return false;
    }
    assert_eq!(create(storage, key, record([])).unwrap(), Created::Created);
    let confirmed = at_once(storage.confirm(ANNA, key, NOW)).unwrap();
    if !confirmed {
        at_once(storage.delete(key, NOW)).unwrap();
    }
    confirmed
}

#[test]
fn no_login_slips_through_when_all_of_a_principals_sessions_are_ended() {
    every_order(|| {
        let storage = MemoryStorage::new();
        at_once!(storage;
            {
                log_in(&storage, ONE, NOW, None);
            },
            for member in at_once(storage.cut_off(ANNA, later(1))).unwrap() {
                at_once(storage.delete(member.key, NOW)).unwrap();
                at_once(storage.release(ANNA, member.key, NOW)).unwrap();
            },
        );
        assert_eq!(load(&storage, ONE, NOW), None);
        assert_eq!(at_once(storage.members(ANNA, NOW)).unwrap(), []);
    });
}

#[test]
fn a_limit_holds_among_threads() {
    every_order(|| {
        let storage = MemoryStorage::new();
        let logged_in = at_once!(storage;
            log_in(&storage, ONE, NOW, Some(1)),
            log_in(&storage, OTHER, NOW, Some(1)),
        );
        assert_ne!(logged_in[0], logged_in[1]);
        assert_eq!(at_once(storage.members(ANNA, NOW)).unwrap().len(), 1);
        assert_eq!(counted(&storage), "MemoryStorage { sessions: 1, principals: 1 }");
    });
}

#[test]
fn a_session_that_is_freed_while_its_principal_logs_in_again_leaves_the_new_place() {
    every_order(|| {
        let storage = MemoryStorage::new();
        let owned = || Record {
            application: "".into(),
            name: "session".into(),
            principal: Some(sessions_core::Principal::new("anna")),
            ..record([])
        };
        let index = IndexKey::of(&owned()).unwrap();
        create(&storage, ONE, owned()).unwrap();
        let place = |key| Reservation {
            session: member(key),
            began: NOW,
            replaces: None,
            limit: None,
        };
        at_once(storage.reserve(index, place(ONE), NOW)).unwrap();
        at_once(storage.confirm(index, ONE, NOW)).unwrap();
        let (new, end) = (place(OTHER), later(40));
        at_once!(storage;
            {
                at_once(storage.purge_expired(10, end)).unwrap();
            },
            {
                at_once(storage.reserve(index, new, end)).unwrap();
                assert!(at_once(storage.confirm(index, OTHER, end)).unwrap());
            },
        );
        let members = at_once(storage.members(index, end)).unwrap();
        assert_eq!(members.iter().map(|one| one.key).collect::<Vec<_>>(), [OTHER]);
    });
}
