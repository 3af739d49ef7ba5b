//! Keys that no other test has, on servers that all share.

use std::sync::atomic::{AtomicUsize, Ordering};

use servers::{Redis, RedisCluster, RedisSentinels};
use sessions_core::storage::{RedisServers, RedisStorage};

fn prefix() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("test{}:", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Two storages on one of these are two nodes on the same sessions.
pub(crate) fn prefixed(server: &Redis) -> RedisServers {
    RedisServers::one(server.url()).unwrap().prefix(&prefix())
}

pub(crate) fn clustered(cluster: &RedisCluster) -> RedisServers {
    RedisServers::cluster(cluster.urls()).unwrap().prefix(&prefix())
}

pub(crate) fn watched(sentinels: &RedisSentinels) -> RedisServers {
    RedisServers::sentinel(sentinels.urls(), sentinels.name(), "redis://master").unwrap()
}

pub(crate) async fn redis() -> RedisStorage {
    RedisStorage::connect_to(prefixed(Redis::shared())).await.unwrap()
}

pub(crate) async fn on_cluster() -> RedisStorage {
    RedisStorage::connect_to(clustered(RedisCluster::shared()))
        .await
        .unwrap()
}
