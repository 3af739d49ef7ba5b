//! What a memory storage does beyond the contract.

use std::{sync::Arc, time::Duration};

use sessions_core::{
    StorageKey,
    storage::{
        Created, Expected, MemoryStorage, Read, Replaced, SessionStorage, Touch, Touched,
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
async fn readers_share_one_record() {
    let storage = MemoryStorage::new();
    let stored = Arc::new(record([]));
    storage.create(key(0), stored.clone(), NOW).await.unwrap();
    let loaded = storage.load(key(0), Read::Any, NOW).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&loaded, &stored));
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
