//! Servers that are down, hang, or refuse, and are back again.

use std::time::{Duration, Instant};

use servers::{Redis, RedisCluster, RedisSentinels};
use sessions_core::{
    StorageError, StorageKey,
    storage::{
        Read, RedisServers, RedisStorage, SessionStorage as _,
        contract::{NOW, Patience, check_outage, record},
    },
};

use crate::database::{clustered, prefixed, watched};

/// A connection and an answer have a second each; and the machine may have much to do.
const PATIENCE: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_redis_is_no_logout_and_its_sessions_are_there_when_it_runs_again() {
    let server = Redis::start();
    check_outage(
        RedisStorage::connect_to(prefixed(&server)).await.unwrap(),
        Patience::Own(PATIENCE),
        async || server.kill(),
        async || server.run_again(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_given_up_in_time_and_used_again() {
    let server = Redis::start();
    check_outage(
        RedisStorage::connect_to(prefixed(&server)).await.unwrap(),
        Patience::Own(PATIENCE),
        async || server.pause(),
        async || server.resume(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_a_killed_redis_are_no_logout_either() {
    let server = Redis::start();
    let storage = RedisStorage::connect_to(prefixed(&server)).await.unwrap();
    check_outage(
        storage.tracked(),
        Patience::Own(PATIENCE),
        async || server.kill(),
        async || server.run_again(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_cluster_is_no_logout_and_its_sessions_are_there_when_it_runs_again() {
    let cluster = RedisCluster::start();
    check_outage(
        RedisStorage::connect_to(clustered(&cluster)).await.unwrap(),
        Patience::Own(PATIENCE),
        async || cluster.nodes().iter().for_each(Redis::kill),
        async || {
            cluster.nodes().iter().for_each(Redis::run_again);
            cluster.wait_until_whole();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_trio_is_no_logout_and_its_sessions_are_there_when_it_runs_again() {
    let sentinels = RedisSentinels::start();
    check_outage(
        RedisStorage::connect_to(watched(&sentinels)).await.unwrap(),
        Patience::Own(PATIENCE),
        async || sentinels.servers().iter().for_each(Redis::kill),
        async || {
            sentinels.servers().iter().for_each(Redis::run_again);
            sentinels.wait_until_whole();
        },
    )
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_in_time_and_no_password_is_told() {
    let url = "redis://ada:enigma@127.0.0.1:9";
    let began = Instant::now();
    let nobody = [
        RedisServers::one(url),
        RedisServers::cluster([url]),
        RedisServers::sentinel([url], "shop", url),
    ];
    for servers in nobody {
        let servers = servers.unwrap();
        assert!(!format!("{servers:?}").contains("enigma"));
        let error = RedisStorage::connect_to(servers).await.unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("enigma"), "{error:?}");
    }
    assert!(began.elapsed() < 3 * PATIENCE);
    let none = RedisServers::one("no address: enigma").unwrap_err();
    assert!(!format!("{none} {none:?}").contains("enigma"), "{none:?}");
    let none: [&str; 0] = [];
    RedisServers::cluster(none).unwrap_err();
}

#[tokio::test]
async fn a_server_that_does_not_know_its_scripts_tells_nothing_of_what_it_was_to_do() {
    let server = Redis::start_with(&["--rename-command", "EVALSHA", "", "--rename-command", "EVAL", ""]);
    let error = RedisStorage::connect_to(prefixed(&server)).await.unwrap_err();
    let told = format!("{error:?}");
    assert!(!told.contains("args"), "{told}");
}

#[tokio::test]
async fn a_server_that_throws_sessions_out_is_not_healthy() {
    let server = Redis::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"]);
    let storage = RedisStorage::connect_to(prefixed(&server)).await.unwrap();
    let error = storage.health().await.unwrap_err();
    assert!(format!("{error:?}").contains("noeviction"), "{error:?}");
    let server = Redis::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"]);
    let storage = RedisStorage::connect_to(prefixed(&server)).await.unwrap();
    storage.health().await.unwrap();
}

#[tokio::test]
async fn a_server_without_room_is_full_and_ends_nobody_for_it() {
    let server = Redis::start_with(&["--maxmemory", "8mb"]);
    let storage = RedisStorage::connect_to(prefixed(&server)).await.unwrap();
    let mut stored = Vec::new();
    let full = loop {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&stored.len().to_be_bytes());
        let key = StorageKey::from_bytes(bytes);
        match storage.create(key, record(vec![7; 100_000]).into(), NOW).await {
            Ok(_) => stored.push(key),
            Err(error) => break error,
        }
        assert!(stored.len() < 1000, "it has room for everything");
    };
    assert!(matches!(full, StorageError::Full), "{full:?}");
    for key in &stored {
        assert!(storage.load(*key, Read::Latest, NOW).await.unwrap().is_some());
    }
    assert!(
        storage.delete(stored[0], NOW).await.unwrap(),
        "a logout makes room"
    );
}

#[tokio::test]
async fn what_is_shown_of_a_storage_is_neither_an_address_nor_a_session() {
    let storage = crate::database::redis().await;
    storage.health().await.unwrap();
    assert_eq!(
        format!("{storage:?}"),
        "RedisStorage { servers: one server, workers: 1 }"
    );
}
