//! What a memory storage does beyond the contract.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sessions_core::{
    Fingerprint, Predecessor, Principal, PublicId, Record, Revision, SecretHash, StorageError, StorageKey,
    Successor, Timestamp,
    storage::{
        Created, Expected, MemoryStorage, Read, Replaced, SessionIndex, SessionStorage, Touch, Touched,
        contract::{NOW, record},
    },
};

fn key(number: u16) -> StorageKey {
    let mut key = [0; 32];
    key[..2].copy_from_slice(&number.to_be_bytes());
    StorageKey::from_bytes(key)
}

#[test]
fn every_answer_is_there_at_once() {
    let storage = MemoryStorage::new();
    let touch = Touch {
        epoch: 0,
        last_seen: NOW,
        idle_deadline: NOW,
    };
    assert!(storage.create(key(0), record([]).into(), NOW).is_ready());
    assert!(storage.load(key(0), Read::Latest, NOW).is_ready());
    assert!(
        storage
            .replace(key(0), record([]).into(), Expected::Epoch(0), NOW)
            .is_ready()
    );
    assert!(storage.touch(key(0), touch, NOW).is_ready());
    assert!(storage.delete(key(0), NOW).is_ready());
    assert!(storage.purge_expired(1, NOW).is_ready());
    assert!(storage.health().is_ready());
}

#[tokio::test]
async fn readers_of_one_session_share_the_bytes_of_its_payload() {
    let storage = MemoryStorage::new();
    let stored = Arc::new(record([7]));
    storage.create(key(0), stored.clone(), NOW).await.unwrap();
    let loaded = storage.load(key(0), Read::Any, NOW).await.unwrap().unwrap();
    assert!(std::ptr::eq(loaded.payload.as_bytes(), stored.payload.as_bytes()));
}

#[tokio::test]
async fn what_a_session_has_of_its_own_comes_back_however_much_it_has_in_common_with_others() {
    let later = NOW.after(Duration::from_secs(5));
    let changes: [fn(&mut Record, Timestamp); 17] = [
        |_, _| {},
        |record, _| record.public_id = PublicId::from_bytes(&[3; 40]).unwrap(),
        |record, _| record.public_id = PublicId::from_bytes(&[4; 16]).unwrap(),
        |record, _| record.epoch = 3,
        |record, _| record.schema.fingerprint = Fingerprint([5; 16]),
        |record, _| record.principal = Some(Principal::new("anna")),
        |record, _| record.label = Some("Firefox".into()),
        |record, _| record.client_context = Some([1, 2].into()),
        |record, later| record.secrets.since = later,
        |record, _| {
            let (hash, salt, mask) = (SecretHash([6; 32]), [7; 16], [8; 32]);
            record.secrets.next = Some(Successor { hash, salt, mask }.into());
        },
        |record, later| {
            let (hash, salt, mask) = (SecretHash([6; 32]), [7; 16], [8; 32]);
            let (until, previous) = (later, &mut record.secrets.previous);
            *previous = Some(
                Predecessor {
                    hash,
                    until,
                    salt,
                    mask,
                }
                .into(),
            );
        },
        |record, _| record.secrets.past = vec![SecretHash([8; 32])],
        |record, _| record.times.authenticated = Some(record.times.created),
        |record, later| record.times.authenticated = Some(later),
        |record, later| record.times.not_after = Some(later),
        |record, _| record.times.remembered = Some(Duration::from_secs(9)),
        |record, later| record.times.last_seen = later,
    ];
    // In a part of the storage of their own, and with more that have nothing in common than a part can note.
    for different in [false, true] {
        let storage = MemoryStorage::new();
        for number in 0..20_u8 {
            for (place, change) in (0_u8..).zip(&changes) {
                let mut before = record([number]);
                before.application = format!("application {}", number / 10).into();
                before.name = format!("name {}", number % 5).into();
                before.schema.version = number.into();
                before.secrets.current = SecretHash([number; 32]);
                let mut after = before.clone();
                after.revision = Revision([9; 16]);
                change(&mut after, later);
                let mut bytes = [0; 32];
                (bytes[0], bytes[1]) = (number, place);
                bytes[31] = if different { 0 } else { number };
                let key = StorageKey::from_bytes(bytes);
                // What is like others becomes what is not, and what is not what is.
                let expected = Expected::Revision(before.revision);
                let (before, after) = (Arc::new(before), Arc::new(after));
                storage.create(key, Arc::clone(&before), NOW).await.unwrap();
                assert_eq!(load(&storage, key).await, before);
                let replaced = storage.replace(key, Arc::clone(&after), expected, NOW).await;
                assert_eq!(replaced.unwrap(), Replaced::Done);
                assert_eq!(load(&storage, key).await, after);
                let expected = Expected::Revision(after.revision);
                let mut back = Record::clone(&before);
                back.times.last_seen = after.times.last_seen;
                let replaced = storage.replace(key, Arc::new(back.clone()), expected, NOW).await;
                assert_eq!(replaced.unwrap(), Replaced::Done);
                assert_eq!(*load(&storage, key).await, back);
            }
        }
    }
}

async fn load(storage: &MemoryStorage, key: StorageKey) -> Arc<Record> {
    storage.load(key, Read::Latest, NOW).await.unwrap().unwrap()
}

#[tokio::test]
async fn writes_free_what_has_expired_so_that_nothing_grows_without_a_purge() {
    let storage = MemoryStorage::new();
    let mut now = NOW;
    for number in 0..1000 {
        let mut stored = record([]);
        stored.times.idle_deadline = now.after(Duration::from_secs(10));
        storage.create(key(number), stored.into(), now).await.unwrap();
        now = now.after(Duration::from_secs(1));
    }
    assert_eq!(
        format!("{storage:?}"),
        "MemoryStorage { sessions: 10, principals: 0 }"
    );
}

#[tokio::test]
async fn an_expired_session_that_is_not_freed_yet_is_absent() {
    let storage = MemoryStorage::new();
    let stored = record([]);
    let end = stored.times.deadline();
    for number in 0..20 {
        storage
            .create(key(number), stored.clone().into(), NOW)
            .await
            .unwrap();
    }
    // Each write frees the first few, never the last.
    let touch = Touch {
        epoch: 0,
        last_seen: end,
        idle_deadline: end.after(Duration::from_secs(1)),
    };
    assert_eq!(storage.load(key(19), Read::Any, end).await.unwrap(), None);
    assert_eq!(storage.touch(key(19), touch, end).await.unwrap(), Touched::Gone);
    let expected = Expected::Revision(stored.revision);
    let replaced = storage
        .replace(key(19), record([]).into(), expected, end)
        .await
        .unwrap();
    assert_eq!(replaced, Replaced::NotFound);
    assert!(!storage.delete(key(19), end).await.unwrap());
    let created = storage.create(key(18), record([]).into(), end).await.unwrap();
    assert_eq!(created, Created::Created);
}

#[tokio::test]
async fn debug_shows_a_count_and_no_session() {
    let storage = MemoryStorage::new();
    storage.create(key(0), record([]).into(), NOW).await.unwrap();
    assert_eq!(
        format!("{storage:?}"),
        "MemoryStorage { sessions: 1, principals: 0 }"
    );
}

#[tokio::test]
async fn a_deadline_that_moved_back_is_purged_in_time() {
    let storage = MemoryStorage::new();
    let stored = record([]);
    storage.create(key(0), stored.clone().into(), NOW).await.unwrap();
    let mut shorter = stored.clone();
    shorter.times.not_after = Some(NOW.after(Duration::from_secs(1)));
    let expected = Expected::Revision(stored.revision);
    storage
        .replace(key(0), shorter.into(), expected, NOW)
        .await
        .unwrap();
    let end = NOW.after(Duration::from_secs(1));
    assert_eq!(storage.purge_expired(10, end).await.unwrap(), 1);
}

/// A key under another lock than the one before it.
fn spread(number: u16) -> StorageKey {
    let mut spread = *key(number).as_bytes();
    spread[31] = number.to_be_bytes()[1];
    StorageKey::from_bytes(spread)
}

/// Makes so many sessions that last for half an hour, and says how many there was room for.
async fn fill(storage: &MemoryStorage, count: u16, payload: &[u8]) -> usize {
    let mut created = 0;
    for number in 0..count {
        match storage.create(spread(number), record(payload).into(), NOW).await {
            Ok(one) => created += usize::from(one == Created::Created),
            Err(error) => assert!(matches!(error, StorageError::Full), "{error:?}"),
        }
    }
    created
}

async fn live(storage: &MemoryStorage, count: u16, now: Timestamp) -> usize {
    let mut live = 0;
    for number in 0..count {
        live += usize::from(
            storage
                .load(spread(number), Read::Latest, now)
                .await
                .unwrap()
                .is_some(),
        );
    }
    live
}

#[tokio::test]
async fn a_full_storage_refuses_sessions_and_ends_none() {
    let storage = MemoryStorage::new().max_sessions(100);
    assert_eq!(fill(&storage, 200, b"").await, 100);
    assert_eq!(live(&storage, 200, NOW).await, 100);
    // What is there can still be written, and a key that is taken is taken.
    let replaced = storage
        .replace(spread(0), record([]).into(), Expected::Epoch(0), NOW)
        .await;
    assert_eq!(replaced.unwrap(), Replaced::Done);
    let again = storage.create(spread(0), record([]).into(), NOW).await;
    assert_eq!(again.unwrap(), Created::Exists);
    assert!(storage.delete(spread(0), NOW).await.unwrap());
    let created = storage.create(spread(150), record([]).into(), NOW).await;
    assert_eq!(created.unwrap(), Created::Created);
    assert_eq!(fill(&storage, 200, b"").await, 0);
}

#[tokio::test]
async fn bytes_are_bounded_as_sessions_are() {
    let each = 1024 + 10_000;
    let storage = MemoryStorage::new().max_bytes(50 * each);
    assert_eq!(fill(&storage, 100, &[0; 10_000]).await, 50);
    assert_eq!(live(&storage, 100, NOW).await, 50);
    // A smaller one does not fit either, until one of the others shrinks.
    assert_eq!(fill(&storage, 100, b"").await, 0);
    let replaced = storage
        .replace(spread(0), record([]).into(), Expected::Epoch(0), NOW)
        .await;
    assert_eq!(replaced.unwrap(), Replaced::Done);
    assert_eq!(fill(&storage, 100, b"").await, 10_000 / 1024);
}

#[tokio::test]
async fn labels_and_contexts_take_up_room() {
    let storage = MemoryStorage::new().max_bytes(10_000);
    let mut stored = record([]);
    stored.label = Some("x".repeat(5_000).into());
    stored.client_context = Some([0; 5_000].into());
    let created = storage.create(spread(0), stored.into(), NOW).await;
    assert!(matches!(created, Err(StorageError::Full)), "{created:?}");
}

#[tokio::test]
async fn a_session_that_would_grow_beyond_the_bound_stays_as_it_is() {
    let storage = MemoryStorage::new().max_bytes(1024 + 100);
    let stored = record([1; 60]);
    storage
        .create(spread(0), stored.clone().into(), NOW)
        .await
        .unwrap();
    for expected in [Expected::Epoch(0), Expected::Revision(stored.revision)] {
        let replaced = storage
            .replace(spread(0), record([2; 101]).into(), expected, NOW)
            .await;
        assert!(matches!(replaced, Err(StorageError::Full)), "{replaced:?}");
        let loaded = storage.load(spread(0), Read::Latest, NOW).await.unwrap();
        assert_eq!(loaded.as_deref(), Some(&stored));
    }
    let replaced = storage
        .replace(spread(0), record([2; 100]).into(), Expected::Epoch(0), NOW)
        .await;
    assert_eq!(replaced.unwrap(), Replaced::Done);
}

#[tokio::test]
async fn a_full_storage_makes_room_of_what_has_expired_anywhere() {
    let storage = MemoryStorage::new().max_sessions(1000);
    assert_eq!(fill(&storage, 1000, b"").await, 1000);
    let end = record([]).times.deadline();
    // The last of them lives on.
    let touch = Touch {
        epoch: 0,
        last_seen: NOW,
        idle_deadline: end.after(Duration::from_secs(60)),
    };
    storage.touch(spread(999), touch, NOW).await.unwrap();
    let mut stored = record([]);
    stored.times.idle_deadline = touch.idle_deadline;
    for number in 1000..1999 {
        let created = storage.create(spread(number), stored.clone().into(), end).await;
        assert_eq!(created.unwrap(), Created::Created);
    }
    let created = storage.create(spread(1999), stored.into(), end).await;
    assert!(matches!(created, Err(StorageError::Full)), "{created:?}");
    assert_eq!(live(&storage, 2000, end).await, 1000);
}

#[tokio::test]
async fn all_room_comes_back_however_sessions_end() {
    let storage = MemoryStorage::new().max_sessions(40).max_bytes(40 * 2000);
    let end = record([]).times.deadline();
    for round in 0..5 {
        assert_eq!(fill(&storage, 60, &[0; 976]).await, 40, "in round {round}");
        match round {
            0 => assert_eq!(storage.purge_expired(100, end).await.unwrap(), 40),
            1 => {
                for number in 0..60 {
                    storage.delete(spread(number), NOW).await.unwrap();
                }
            }
            2 => {
                for number in 0..60 {
                    storage.delete(spread(number), end).await.unwrap();
                }
            }
            3 => assert_eq!(storage.delete_some("", "contract", 100, NOW).await.unwrap(), 40),
            _ => {}
        }
    }
}

#[tokio::test]
async fn an_expired_session_makes_room_for_one_of_its_own_key() {
    let storage = MemoryStorage::new().max_sessions(1);
    let end = record([]).times.deadline();
    fill(&storage, 1, b"").await;
    let mut stored = record([]);
    stored.times.idle_deadline = end.after(Duration::from_secs(60));
    let created = storage.create(spread(0), stored.into(), end).await;
    assert_eq!(created.unwrap(), Created::Created);
    assert_eq!(fill(&storage, 2, b"").await, 0);
}

#[test]
fn the_bounds_hold_among_threads() {
    let storage = MemoryStorage::new().max_sessions(500);
    std::thread::scope(|scope| {
        for thread in 0..4_u16 {
            let storage = storage.clone();
            scope.spawn(move || {
                for number in 0..1000 {
                    let created = storage.create(spread(thread * 1000 + number), record([]).into(), NOW);
                    assert!(created.is_ready());
                }
            });
        }
    });
    assert_eq!(
        format!("{storage:?}"),
        "MemoryStorage { sessions: 500, principals: 0 }"
    );
}

/// Allocations are counted on this thread, which is the only one that uses the storage.
#[test]
fn a_million_sessions_fit_and_leave_no_room_taken_when_they_have_gone() {
    const MILLION: u32 = 1_000_000;
    let room = allocation_counter::measure(|| {
        let storage = MemoryStorage::new();
        let template = record([7; 200]);
        let key = |number: u32| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(
                &u64::from(number)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    .to_be_bytes(),
            );
            key[31] = (number % 251) as u8;
            StorageKey::from_bytes(key)
        };
        let create = |number| now(storage.create(key(number), template.clone().into(), NOW));
        for number in 0..MILLION {
            assert_eq!(create(number).unwrap(), Created::Created);
        }
        assert!(matches!(create(MILLION), Err(StorageError::Full)));
        for number in [0, 1, MILLION / 2, MILLION - 1] {
            assert!(now(storage.load(key(number), Read::Any, NOW)).unwrap().is_some());
        }
        let end = template.times.deadline();
        let mut freed = 0;
        while freed < MILLION as usize {
            assert_eq!(now(storage.purge_expired(1000, end)).unwrap(), 1000);
            freed += 1000;
        }
        assert_eq!(
            format!("{storage:?}"),
            "MemoryStorage { sessions: 0, principals: 0 }"
        );
        // It is there still, and holds no more than an empty one.
        std::mem::forget(storage);
    });
    assert!(
        room.bytes_current < 100_000,
        "{} bytes are left",
        room.bytes_current
    );
}

fn now<T>(answer: sessions_core::storage::StorageFuture<'_, T>) -> Result<T, StorageError> {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a memory storage answers at once"),
    }
}
