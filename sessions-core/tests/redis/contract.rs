//! The contract.

use servers::{Redis, RedisCluster, RedisSentinels};
use sessions_core::storage::{RedisStorage, contract};

use crate::database::{clustered, on_cluster, prefixed, redis, watched};

mod on_redis {
    use super::*;

    sessions_core::storage_contract_tests!(redis());
}

mod on_redis_cached {
    use super::*;

    sessions_core::storage_contract_tests!(async { redis().await.cached() });
}

mod on_redis_tracked {
    use super::*;

    sessions_core::storage_contract_tests!(async { redis().await.tracked() });
}

mod on_a_cluster {
    use super::*;

    sessions_core::storage_contract_tests!(on_cluster());
}

mod on_a_cluster_cached {
    use super::*;

    sessions_core::storage_contract_tests!(async { on_cluster().await.cached() });
}

mod on_a_cluster_tracked {
    use super::*;

    sessions_core::storage_contract_tests!(async { on_cluster().await.tracked() });
}

/// What is different there: where the server is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn storages_on_the_master_of_sentinels_are_nodes_of_one() {
    let sentinels = RedisSentinels::start();
    contract::check_nodes(async || {
        let servers = watched(&sentinels);
        let one = RedisStorage::connect_to(servers.clone()).await;
        let other = RedisStorage::connect_to(servers).await;
        (one.unwrap(), other.unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn storages_on_one_redis_are_nodes_of_one() {
    contract::check_nodes(async || {
        let servers = prefixed(Redis::shared());
        let one = RedisStorage::connect_to(servers.clone()).await;
        let other = RedisStorage::connect_to(servers).await;
        (one.unwrap(), other.unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn storages_on_one_cluster_are_nodes_of_one() {
    contract::check_nodes(async || {
        let servers = clustered(RedisCluster::shared());
        let one = RedisStorage::connect_to(servers.clone()).await;
        let other = RedisStorage::connect_to(servers).await;
        (one.unwrap(), other.unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn storages_that_are_told_of_changes_are_nodes_of_one() {
    contract::check_nodes(async || {
        let servers = prefixed(Redis::shared());
        let one = RedisStorage::connect_to(servers.clone()).await;
        let other = RedisStorage::connect_to(servers).await;
        (one.unwrap().tracked(), other.unwrap().tracked())
    })
    .await;
}
