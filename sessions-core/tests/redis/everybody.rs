//! The end of all sessions of a kind, and their count.

use std::sync::Arc;

use servers::{Redis, RedisCluster};
use sessions_core::{
    Record, StorageError, StorageKey,
    storage::{
        RedisServers, RedisStorage, SessionIndex as _, SessionStorage as _,
        contract::{NOW, record},
    },
};

use crate::database::{clustered, prefixed};

const SESSIONS: u16 = 6000;

/// Every second one is of another name.
async fn fill(storage: &RedisStorage) {
    let (ours, other) = (record(*b"value"), record(*b"value"));
    let other = Record {
        name: "other".into(),
        ..other
    };
    let records = [Arc::new(ours), Arc::new(other)];
    for number in 0..SESSIONS {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        let record = Arc::clone(&records[usize::from(number % 2)]);
        storage
            .create(StorageKey::from_bytes(key), record, NOW)
            .await
            .unwrap();
    }
}

async fn end_all(storage: &RedisStorage) -> usize {
    let mut ended = 0;
    loop {
        match storage.delete_some("", "contract", 100, NOW).await.unwrap() {
            0 => return ended,
            some => ended += some,
        }
    }
}

async fn ends_all_beside_another(servers: RedisServers) {
    let one = RedisStorage::connect_to(servers.clone()).await.unwrap();
    let other = RedisStorage::connect_to(servers).await.unwrap();
    fill(&one).await;
    let half = usize::from(SESSIONS / 2);
    assert_eq!(one.count("", "contract", NOW).await.unwrap(), half);
    let until_none_is_left = async |storage: &RedisStorage| {
        let ended = end_all(storage).await;
        assert_eq!(
            storage.count("", "contract", NOW).await.unwrap(),
            0,
            "it was said that none is left"
        );
        ended
    };
    let (by_one, by_other) = tokio::join!(until_none_is_left(&one), until_none_is_left(&other));
    assert_eq!(by_one + by_other, half, "each was ended once");
    assert_eq!(one.count("", "other", NOW).await.unwrap(), half);
    assert_eq!(one.delete_some("", "other", 0, NOW).await.unwrap(), 0);
}

#[tokio::test]
async fn that_none_is_left_is_said_when_none_is_whoever_else_ends_them() {
    ends_all_beside_another(prefixed(Redis::shared())).await;
    ends_all_beside_another(clustered(RedisCluster::shared())).await;
}

#[tokio::test]
async fn a_server_of_a_cluster_is_not_taken_for_all_of_it() {
    let url = RedisCluster::shared().urls().remove(0);
    let error = RedisStorage::connect(&url).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    assert!(
        format!("{error:?}").contains("RedisServers::cluster"),
        "{error:?}"
    );
}
