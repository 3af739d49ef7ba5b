//! Copies that Redis takes back.

use std::time::{Duration, Instant};

use redis::{Client, cmd};
use servers::{Redis, RedisCluster, RedisSentinels};
use sessions_core::{
    StorageKey,
    storage::{
        CachedStorage, Expected, Read, RedisServers, RedisStorage, SessionStorage as _, Touch,
        contract::{NOW, record},
    },
};

use crate::{
    cluster::SLOT_OF_TEST,
    database::{clustered, prefixed, watched},
    monitor::Monitor,
};

const KEY: StorageKey = StorageKey::from_bytes([0xAB; 32]);
/// So long that only a message ends a copy.
const LONG: Duration = Duration::from_secs(60);
/// So long that only a message that never comes makes a test fail.
const PATIENCE: Duration = Duration::from_secs(20);

async fn tracked(servers: RedisServers, staleness: Duration) -> CachedStorage<RedisStorage> {
    RedisStorage::connect_to(servers)
        .await
        .unwrap()
        .tracked()
        .staleness(staleness)
}

async fn payload(storage: &CachedStorage<RedisStorage>) -> Option<Vec<u8>> {
    let record = storage.load(KEY, Read::Any, NOW).await.unwrap();
    record.map(|record| record.payload.as_bytes().to_vec())
}

/// Until it answers from a copy: it takes a moment until the servers are known to tell.
async fn has_a_copy(storage: &CachedStorage<RedisStorage>) {
    let began = Instant::now();
    while !storage.load(KEY, Read::Any, NOW).is_ready() {
        payload(storage).await;
        assert!(began.elapsed() < PATIENCE, "there is never a copy");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Until it shows this. What it shows before has to have been asked for within the bound.
async fn shows_within(
    storage: &CachedStorage<RedisStorage>,
    bound: Duration,
    expected: Option<&[u8]>,
) -> Duration {
    let began = Instant::now();
    loop {
        let asked = began.elapsed();
        if payload(storage).await.as_deref() == expected {
            return asked;
        }
        assert!(asked < bound, "a copy lasts for longer than {bound:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn shows(storage: &CachedStorage<RedisStorage>, expected: Option<&[u8]>) -> Duration {
    shows_within(storage, PATIENCE, expected).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_in_use_costs_no_round_trip() {
    let server = Redis::start();
    let storage = tracked(prefixed(&server), LONG).await;
    let stored = record(*b"value");
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    has_a_copy(&storage).await;
    let mut monitor = Monitor::of(&server.url());
    for _ in 0..100 {
        assert_eq!(payload(&storage).await.as_deref(), Some(&b"value"[..]));
    }
    assert_eq!(monitor.about_sessions(), 0);
    // A touch is one, and its message takes the copy back: so is the next read.
    let touch = Touch {
        epoch: 0,
        last_seen: NOW.after(Duration::from_secs(1)),
        idle_deadline: stored.times.idle_deadline.after(Duration::from_secs(1)),
    };
    storage.touch(KEY, touch, NOW).await.unwrap();
    has_a_copy(&storage).await;
    for _ in 0..100 {
        assert_eq!(payload(&storage).await.as_deref(), Some(&b"value"[..]));
    }
    // The touch, which the server did not know yet, and loads when the message comes: after all of them, perhaps.
    let trips = monitor.about_sessions();
    assert!((2..=30).contains(&trips), "{trips}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_node_writes_and_ends_is_seen_when_the_message_comes() {
    let servers = prefixed(Redis::shared());
    let storage = tracked(servers.clone(), LONG).await;
    let other = RedisStorage::connect_to(servers).await.unwrap();
    let mut latest = Duration::ZERO;
    for round in 0..50_u32 {
        let mut stored = record(*b"value");
        storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
        has_a_copy(&storage).await;
        let expected = Expected::Revision(stored.revision);
        stored.payload = sessions_core::Payload::new(round.to_be_bytes());
        other.replace(KEY, stored.into(), expected, NOW).await.unwrap();
        latest = latest.max(shows(&storage, Some(&round.to_be_bytes())).await);
        has_a_copy(&storage).await;
        assert!(other.delete(KEY, NOW).await.unwrap());
        latest = latest.max(shows(&storage, None).await);
    }
    println!("the latest was seen after {latest:?}");
}

/// A load that was answered before a write, and comes to its end after the message of it, leaves no copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_race_with_loads_leave_no_copy_that_lasts() {
    let servers = prefixed(Redis::shared());
    let storage = tracked(servers.clone(), LONG).await;
    let other = RedisStorage::connect_to(servers).await.unwrap();
    let mut stored = record(0_u32.to_be_bytes());
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    has_a_copy(&storage).await;
    for round in 1..500_u32 {
        let expected = Expected::Revision(stored.revision);
        stored.revision.0[..4].copy_from_slice(&round.to_be_bytes());
        stored.payload = sessions_core::Payload::new(round.to_be_bytes());
        let (written, _, _) = tokio::join!(
            other.replace(KEY, stored.clone().into(), expected, NOW),
            payload(&storage),
            payload(&storage)
        );
        written.unwrap();
        shows(&storage, Some(&round.to_be_bytes())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_copy_is_used_for_longer_than_the_bound_when_the_server_says_nothing() {
    let server = Redis::start();
    let staleness = Duration::from_millis(400);
    let storage = tracked(prefixed(&server), staleness).await;
    storage.create(KEY, record(*b"value").into(), NOW).await.unwrap();
    has_a_copy(&storage).await;
    server.pause();
    let paused = Instant::now();
    loop {
        let asked = paused.elapsed();
        if !storage.load(KEY, Read::Any, NOW).is_ready() {
            break;
        }
        // From what the server has said last, which is before.
        assert!(asked < staleness, "a copy lasts for longer than {staleness:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    storage.load(KEY, Read::Any, NOW).await.unwrap_err();
    server.resume();
    has_a_copy(&storage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disconnect_leaves_no_copy() {
    let server = Redis::start();
    let servers = prefixed(&server);
    let storage = tracked(servers.clone(), LONG).await;
    let stored = record(*b"value");
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    has_a_copy(&storage).await;
    let mut client = Client::open(server.url()).unwrap().get_connection().unwrap();
    // Cut off and changed in one step, so that no message of it is sent to anybody.
    let (): () = redis::pipe()
        .atomic()
        .cmd("CLIENT")
        .arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .arg("SKIPME")
        .arg("yes")
        .ignore()
        .cmd("FLUSHALL")
        .ignore()
        .query(&mut client)
        .unwrap();
    let _ = cmd("PING").exec(&mut client);
    let began = Instant::now();
    loop {
        if let Ok(None) = storage.load(KEY, Read::Any, NOW).await {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "a copy lasts for ever");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    storage.create(KEY, stored.into(), NOW).await.unwrap();
    has_a_copy(&storage).await;
}

/// Where nobody has told of changes before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_has_moved_to_another_server_is_seen_to_change_there() {
    let mut cluster = RedisCluster::start();
    let staleness = Duration::from_secs(1);
    let servers = clustered(&cluster).prefix("{test}:");
    let storage = tracked(servers.clone(), staleness).await;
    let other = RedisStorage::connect_to(servers).await.unwrap();
    let mut stored = record(*b"value");
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    has_a_copy(&storage).await;
    let to = cluster.start_empty_master();
    cluster.begin_to_move(SLOT_OF_TEST, to);
    for (round, name) in (1_u32..).zip(["in the middle", "at the end"]) {
        assert!(payload(&storage).await.is_some());
        let expected = Expected::Revision(stored.revision);
        stored.revision.0[..4].copy_from_slice(&round.to_be_bytes());
        stored.payload = sessions_core::Payload::new(round.to_be_bytes());
        other
            .replace(KEY, stored.clone().into(), expected, NOW)
            .await
            .unwrap();
        let seen = shows_within(&storage, staleness, Some(&round.to_be_bytes())).await;
        println!("{name} it was seen after {seen:?}");
        if round == 1 {
            cluster.end_to_move(SLOT_OF_TEST, to);
        }
    }
    cluster.wait_until_whole();
    has_a_copy(&storage).await;
    assert!(other.delete(KEY, NOW).await.unwrap());
    shows(&storage, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_master_was_lost_is_seen_to_change_on_the_next_one() {
    let sentinels = RedisSentinels::start();
    let storage = tracked(watched(&sentinels), LONG).await;
    let stored = record(*b"value");
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    has_a_copy(&storage).await;
    sentinels.wait_until_whole();
    let master = sentinels.master();
    sentinels.servers()[master].kill();
    while sentinels.master() == master {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let other = loop {
        match RedisStorage::connect_to(watched(&sentinels)).await {
            Ok(other) => break other,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let began = Instant::now();
    while !storage.load(KEY, Read::Any, NOW).is_ready() {
        let _ = storage.load(KEY, Read::Any, NOW).await;
        assert!(began.elapsed() < PATIENCE, "there is no copy any more");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(other.delete(KEY, NOW).await.unwrap());
    shows(&storage, None).await;
}

#[test]
fn it_goes_on_in_another_runtime_when_the_one_that_it_ran_in_is_gone() {
    let server = Redis::start();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let storage = first.block_on(async {
        let storage = tracked(prefixed(&server), LONG).await;
        storage.create(KEY, record(*b"value").into(), NOW).await.unwrap();
        has_a_copy(&storage).await;
        storage
    });
    drop(first);
    // Nobody tells of changes now.
    assert!(!storage.load(KEY, Read::Any, NOW).is_ready());
    runtime().block_on(has_a_copy(&storage));
}
