//! How many commands an operation takes: each is a round trip.

use redis::{Client, cmd};
use servers::Redis;
use sessions_core::{
    StorageKey,
    storage::{
        Created, Expected, Read, RedisStorage, Replaced, SessionStorage as _, Touch, Touched,
        contract::{NOW, record},
    },
};

use crate::{database::prefixed, monitor::Monitor};

const KEY: StorageKey = StorageKey::from_bytes([0xAB; 32]);

#[tokio::test]
async fn an_operation_is_one_command_whatever_comes_of_it() {
    let server = Redis::start();
    let storage = RedisStorage::connect_to(prefixed(&server)).await.unwrap();
    let mut monitor = Monitor::of(&server.url());
    let stored = record(*b"value");
    // The server has not seen the script yet: it says so, and is told.
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    assert_eq!(monitor.about_sessions(), 2);

    let created = storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    assert_eq!((created, monitor.about_sessions()), (Created::Exists, 1));
    let loaded = storage.load(KEY, Read::Latest, NOW).await.unwrap();
    assert_eq!((loaded.is_some(), monitor.about_sessions()), (true, 1));

    let touch = Touch {
        epoch: 0,
        last_seen: NOW,
        idle_deadline: stored.times.idle_deadline,
    };
    let outdated = Touch { epoch: 1, ..touch };
    for round in 0..2 {
        for expected in [Expected::Epoch(0), Expected::Revision(stored.revision)] {
            let replaced = storage.replace(KEY, stored.clone().into(), expected, NOW).await;
            assert_eq!(replaced.unwrap(), Replaced::Done);
        }
        let conflict = storage
            .replace(KEY, stored.clone().into(), Expected::Epoch(1), NOW)
            .await;
        assert_eq!(conflict.unwrap(), Replaced::Conflict);
        assert_eq!(storage.touch(KEY, touch, NOW).await.unwrap(), Touched::Touched);
        assert_eq!(
            storage.touch(KEY, outdated, NOW).await.unwrap(),
            Touched::Superseded
        );
        let first_seen = if round == 0 { 3 } else { 0 };
        assert_eq!(monitor.about_sessions(), 5 + first_seen);
    }

    storage
        .delete(StorageKey::from_bytes([1; 32]), NOW)
        .await
        .unwrap();
    monitor.since_last();
    let deleted = storage.delete(KEY, NOW).await.unwrap();
    assert_eq!((deleted, monitor.about_sessions()), (true, 1));
    let loaded = storage.load(KEY, Read::Latest, NOW).await.unwrap();
    assert_eq!((loaded.is_some(), monitor.about_sessions()), (false, 1));
    assert_eq!(storage.purge_expired(100, NOW).await.unwrap(), 0);
    assert_eq!(monitor.about_sessions(), 0);
}

#[tokio::test]
async fn scripts_that_a_server_has_forgotten_are_told_again() {
    let server = Redis::start();
    let storage = RedisStorage::connect_to(prefixed(&server)).await.unwrap();
    let mut client = Client::open(server.url()).unwrap().get_connection().unwrap();
    cmd("SCRIPT").arg("FLUSH").exec(&mut client).unwrap();
    let created = storage.create(KEY, record(*b"value").into(), NOW).await;
    assert_eq!(created.unwrap(), Created::Created);
}

#[tokio::test]
async fn a_session_that_has_long_ended_is_created_and_absent() {
    let storage = crate::database::redis().await;
    let later = NOW.after(std::time::Duration::from_secs(24 * 3600));
    let created = storage.create(KEY, record(*b"value").into(), later).await;
    assert_eq!(created.unwrap(), Created::Created);
    assert!(storage.load(KEY, Read::Latest, later).await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_is_freed_by_redis_a_minute_after_its_deadline() {
    let server = Redis::start();
    let storage = RedisStorage::connect_to(prefixed(&server)).await.unwrap();
    let mut client = Client::open(server.url()).unwrap().get_connection().unwrap();
    let stored = record(*b"value");
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    let keys: Vec<String> = cmd("KEYS").arg("*id:*").query(&mut client).unwrap();
    let mut kept = || -> u64 { cmd("PTTL").arg(&keys[0]).query(&mut client).unwrap() };
    let half_an_hour = 30 * 60_000;
    let minute = 60_000;
    assert!(
        (half_an_hour + minute - 20_000..=half_an_hour + minute).contains(&kept()),
        "{}",
        kept()
    );

    let later = NOW.after(std::time::Duration::from_secs(600));
    let touch = Touch {
        epoch: 0,
        last_seen: later,
        idle_deadline: stored
            .times
            .idle_deadline
            .after(std::time::Duration::from_secs(600)),
    };
    storage.touch(KEY, touch, NOW).await.unwrap();
    let expected = half_an_hour + 10 * minute + minute;
    assert!((expected - 20_000..=expected).contains(&kept()), "{}", kept());
    for written in [Expected::Epoch(0), Expected::Revision(stored.revision)] {
        storage
            .replace(KEY, stored.clone().into(), written, NOW)
            .await
            .unwrap();
        assert!((expected - 20_000..=expected).contains(&kept()), "{}", kept());
    }
}
