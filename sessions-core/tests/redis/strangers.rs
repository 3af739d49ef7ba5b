//! What others have left under a session's key.

use redis::{Client, Connection, cmd};
use servers::Redis;
use sessions_core::{
    Record, StorageError, StorageKey,
    storage::{
        Created, Expected, Read, RedisStorage, SessionIndex as _, SessionStorage as _, Touch,
        contract::{NOW, record},
    },
};

use crate::database::prefixed;

const KEY: StorageKey = StorageKey::from_bytes([0xAB; 32]);

async fn is_unreadable(storage: &RedisStorage, stored: &Record) {
    let unreadable = |error| assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
    unreadable(storage.load(KEY, Read::Latest, NOW).await.unwrap_err());
    for expected in [Expected::Epoch(0), Expected::Revision(stored.revision)] {
        unreadable(
            storage
                .replace(KEY, stored.clone().into(), expected, NOW)
                .await
                .unwrap_err(),
        );
    }
    let touch = Touch {
        epoch: 0,
        last_seen: NOW,
        idle_deadline: stored.times.idle_deadline,
    };
    unreadable(storage.touch(KEY, touch, NOW).await.unwrap_err());
}

async fn a_session(server: &Redis) -> (RedisStorage, Record, Connection, String) {
    let storage = RedisStorage::connect_to(prefixed(server)).await.unwrap();
    let stored = record(*b"value");
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    let mut client = Client::open(server.url()).unwrap().get_connection().unwrap();
    let keys: Vec<String> = cmd("KEYS").arg("*id:*").query(&mut client).unwrap();
    let [key] = &keys[..] else { panic!("{keys:?}") };
    (storage, stored, client, key.clone())
}

#[tokio::test]
async fn a_layout_of_a_later_version_is_unreadable_and_taken_and_can_be_ended() {
    let server = Redis::start();
    let (storage, stored, mut client, key) = a_session(&server).await;
    cmd("SETRANGE")
        .arg(&key)
        .arg(0)
        .arg("\x02")
        .exec(&mut client)
        .unwrap();
    is_unreadable(&storage, &stored).await;
    let created = storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    assert_eq!(created, Created::Exists);
    assert_eq!(storage.count("", "contract", NOW).await.unwrap(), 0);
    assert!(storage.delete(KEY, NOW).await.unwrap());
    assert!(storage.load(KEY, Read::Latest, NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn damaged_and_cut_off_strings_are_unreadable() {
    let server = Redis::start();
    let (storage, stored, mut client, key) = a_session(&server).await;
    let whole: Vec<u8> = cmd("GET").arg(&key).query(&mut client).unwrap();
    let payload = stored.payload.as_bytes().len();
    for length in 1..whole.len() - payload {
        cmd("SET")
            .arg(&key)
            .arg(&whole[..length])
            .exec(&mut client)
            .unwrap();
        let error = storage.load(KEY, Read::Latest, NOW).await.unwrap_err();
        assert!(
            matches!(error, StorageError::Unreadable(_)),
            "{length}: {error:?}"
        );
    }
    cmd("SET").arg(&key).arg(&whole[..96]).exec(&mut client).unwrap();
    is_unreadable(&storage, &stored).await;
}

#[tokio::test]
async fn what_is_no_string_is_unreadable_and_left_alone() {
    let server = Redis::start();
    let (storage, stored, mut client, key) = a_session(&server).await;
    cmd("DEL").arg(&key).exec(&mut client).unwrap();
    cmd("RPUSH")
        .arg(&key)
        .arg("somebody's")
        .exec(&mut client)
        .unwrap();
    is_unreadable(&storage, &stored).await;
    let error = storage.delete(KEY, NOW).await.unwrap_err();
    assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
    let length: usize = cmd("LLEN").arg(&key).query(&mut client).unwrap();
    assert_eq!(length, 1);
}
