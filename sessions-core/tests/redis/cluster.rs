//! Slots that move, and masters that are lost.

use std::time::{Duration, Instant};

use servers::{Redis, RedisCluster, RedisSentinels};
use sessions_core::{
    StorageKey,
    storage::{
        Created, Expected, Read, RedisServers, RedisStorage, Replaced, SessionStorage, StorageError,
        contract::{NOW, record},
    },
};

use crate::database::{clustered, watched};

const KEY: StorageKey = StorageKey::from_bytes([0xAB; 32]);

/// All keys are in one slot.
fn in_one_slot(cluster: &RedisCluster) -> RedisServers {
    clustered(cluster).prefix("{test}:")
}

/// CRC16 of `test`, in 16384.
pub(crate) const SLOT_OF_TEST: u16 = 6918;

async fn works(storage: &RedisStorage, number: u8) {
    let key = StorageKey::from_bytes([number; 32]);
    let stored = record(*b"value");
    let created = storage.create(key, stored.clone().into(), NOW).await.unwrap();
    assert_eq!(created, Created::Created);
    let expected = Expected::Revision(stored.revision);
    let replaced = storage
        .replace(key, stored.clone().into(), expected, NOW)
        .await
        .unwrap();
    assert_eq!(replaced, Replaced::Done);
    assert!(storage.load(key, Read::Latest, NOW).await.unwrap().is_some());
    assert!(storage.delete(key, NOW).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_is_moved_loses_nothing_at_any_point() {
    let mut cluster = RedisCluster::start();
    let storage = RedisStorage::connect_to(in_one_slot(&cluster)).await.unwrap();
    storage.create(KEY, record(*b"value").into(), NOW).await.unwrap();
    let to = cluster.start_empty_master();
    cluster.begin_to_move(SLOT_OF_TEST, to);
    let loaded = storage.load(KEY, Read::Latest, NOW).await.unwrap();
    assert!(loaded.is_some(), "in the middle");
    works(&storage, 1).await;
    // One that has not known where it was.
    let other = RedisStorage::connect_to(in_one_slot(&cluster)).await.unwrap();
    assert!(
        other.load(KEY, Read::Latest, NOW).await.unwrap().is_some(),
        "in the middle, for a new one"
    );
    cluster.end_to_move(SLOT_OF_TEST, to);
    assert!(
        storage.load(KEY, Read::Latest, NOW).await.unwrap().is_some(),
        "afterwards"
    );
    works(&storage, 2).await;
    works(&other, 3).await;
    assert!(storage.delete(KEY, NOW).await.unwrap());
    assert!(!other.delete(KEY, NOW).await.unwrap());
}

/// Until a session can be written and read; nothing but an error in time before that.
async fn comes_back(storage: &RedisStorage) -> Duration {
    let began = Instant::now();
    let mut number = 0;
    loop {
        let asked = Instant::now();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&u64::to_be_bytes(number));
        number += 1;
        let created = storage
            .create(StorageKey::from_bytes(bytes), record(*b"new").into(), NOW)
            .await;
        assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
        match created {
            Ok(_) => return began.elapsed(),
            Err(StorageError::Unavailable(_) | StorageError::OutcomeUnknown(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it does not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_killed_is_replaced_and_the_storage_follows() {
    let cluster = RedisCluster::start();
    let storage = RedisStorage::connect_to(in_one_slot(&cluster)).await.unwrap();
    storage.create(KEY, record(*b"value").into(), NOW).await.unwrap();
    cluster.wait_until_whole();
    let master = cluster.owner(SLOT_OF_TEST);
    master.kill();
    let away = comes_back(&storage).await;
    assert!(storage.load(KEY, Read::Latest, NOW).await.unwrap().is_some());
    master.run_again();
    cluster.wait_until_whole();
    works(&storage, 1).await;
    assert!(storage.load(KEY, Read::Latest, NOW).await.unwrap().is_some());
    println!("away for {away:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_of_sentinels_that_is_killed_is_replaced_and_the_storage_follows() {
    let sentinels = RedisSentinels::start();
    let storage = RedisStorage::connect_to(watched(&sentinels)).await.unwrap();
    storage.create(KEY, record(*b"value").into(), NOW).await.unwrap();
    sentinels.wait_until_whole();
    let master = &sentinels.servers()[sentinels.master()];
    master.kill();
    // Not the first that it knows, either.
    sentinels.sentinels()[0].kill();
    let away = comes_back(&storage).await;
    assert!(storage.load(KEY, Read::Latest, NOW).await.unwrap().is_some());
    sentinels.sentinels()[0].run_again();
    master.run_again();
    sentinels.wait_until_whole();
    works(&storage, 1).await;
    assert!(storage.load(KEY, Read::Latest, NOW).await.unwrap().is_some());
    println!("away for {away:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_that_knows_of_no_failover_leads_nobody_to_the_master_of_before() {
    let sentinels = RedisSentinels::start();
    let master = sentinels.master();
    sentinels.servers()[master].kill();
    while sentinels.master() == master {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // As one that is back, and has not been made a replica yet.
    let back = Redis::start();
    let behind = RedisSentinels::behind(&back);
    let all = [behind.url()].into_iter().chain(sentinels.urls());
    let all = RedisServers::sentinel(all, sentinels.name(), "redis://master").unwrap();
    let lost = RedisStorage::connect(&back.url()).await.unwrap();
    let kept = RedisStorage::connect_to(watched(&sentinels)).await.unwrap();
    // Not only once, as a matter of luck.
    for number in 0..20 {
        let storage = RedisStorage::connect_to(all.clone()).await.unwrap();
        let key = StorageKey::from_bytes([number; 32]);
        storage.create(key, record(*b"value").into(), NOW).await.unwrap();
        assert!(lost.load(key, Read::Latest, NOW).await.unwrap().is_none());
        assert!(kept.load(key, Read::Latest, NOW).await.unwrap().is_some());
    }
}
