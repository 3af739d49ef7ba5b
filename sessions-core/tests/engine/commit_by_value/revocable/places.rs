//! Where it is written, and what else is kept there.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sessions_core::{
    Clock, Principal, Session, SessionSpec, SessionStorage, StorageKey, ToPrincipal,
    engine::{Engine, Environment, SessionStatus},
    options::Options,
    protection::Encrypted,
    serializer::Bincode,
    storage::{CachedStorage, DirectoryStorage, EncryptedStorage, MemoryStorage, Read},
};

use super::{alice, engine, id, log_in, on};
use crate::support::{Client, Login, Said, World, at_once, hours, login, mins, ring};

/// Of the same shape and with the same principals as `Login`.
#[derive(Serialize, Deserialize)]
struct Account {
    user: String,
}

impl Session for Account {
    const SPEC: SessionSpec = SessionSpec::new("account");
    type Serializer = Bincode;

    fn principal(&self) -> Option<Principal> {
        self.user.to_principal()
    }
}

#[tokio::test]
async fn two_types_on_one_storage_are_apart() {
    let world = World::new();
    let (logins, accounts) = (engine(&world), on::<Account>(&world, world.storage.clone()));
    let client = log_in(&logins, "alice").await;
    let mut account = Client::new(&accounts);
    let user = "alice".to_owned();
    account.does(|slot| slot.start(Account { user })).await;
    accounts.revoke_all(&alice()).await.unwrap();
    accounts.revoke_everyone().await.unwrap();
    assert!(accounts.revoke(&id(&client).await).await.unwrap());
    assert_eq!(account.status().await, SessionStatus::Invalid);
    assert_eq!(client.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn two_applications_on_one_storage_are_apart() {
    let world = World::new();
    let shop = engine(&world);
    let environment = Environment {
        application: "forum".into(),
        ..world.environment.clone()
    };
    let options = Options::of::<Login>().revocable(world.storage.clone());
    let forum: Engine<Login> =
        Engine::client_side(&environment, &Encrypted::new(&ring(1)), &options).unwrap();
    let client = log_in(&shop, "alice").await;
    let other = log_in(&forum, "alice").await;
    forum.revoke_all(&alice()).await.unwrap();
    forum.revoke_everyone().await.unwrap();
    assert!(forum.revoke(&id(&client).await).await.unwrap());
    assert_eq!(other.status().await, SessionStatus::Invalid);
    assert_eq!(client.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn sessions_by_id_of_the_same_name_on_the_same_storage_are_apart() {
    let world = World::new();
    world.storage.keep_index();
    let (by_value, by_id) = (engine(&world), world.server::<Login>());
    let sealed = log_in(&by_value, "alice").await;
    let stored = log_in(&by_id, "alice").await;
    let copy = sealed.clone();
    sealed.clone().does(|slot| slot.clear()).await;
    by_value.revoke_all(&alice()).await.unwrap();
    by_value.revoke_everyone().await.unwrap();
    assert_eq!(stored.status().await, SessionStatus::Live);
    assert_eq!(by_id.count().await.unwrap(), 1);
    assert_eq!(by_id.list(&alice()).await.unwrap().len(), 1);
    assert_eq!(by_id.revoke_everyone().await.unwrap(), 1);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

/// Knows the keys of what is created.
#[derive(Clone, Default)]
struct Watched {
    inner: MemoryStorage,
    created: Arc<Mutex<Vec<StorageKey>>>,
}

mod watched {
    use sessions_core::{Record, Timestamp, storage::*};

    use super::*;

    impl SessionStorage for Watched {
        fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
            self.created.lock().unwrap().push(key);
            self.inner.create(key, record, now)
        }

        fn load(
            &self,
            key: StorageKey,
            read: Read,
            now: Timestamp,
        ) -> StorageFuture<'_, Option<Arc<Record>>> {
            self.inner.load(key, read, now)
        }

        fn replace(
            &self,
            key: StorageKey,
            record: Arc<Record>,
            expected: Expected,
            now: Timestamp,
        ) -> StorageFuture<'_, Replaced> {
            self.inner.replace(key, record, expected, now)
        }

        fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
            self.inner.touch(key, touch, now)
        }

        fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
            self.inner.delete(key, now)
        }

        fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
            self.inner.purge_expired(limit, now)
        }

        fn health(&self) -> StorageFuture<'_, ()> {
            self.inner.health()
        }
    }
}

#[tokio::test]
async fn what_is_stored_does_not_say_whose_it_is_and_opens_nothing() {
    let world = World::new();
    let storage = Watched::default();
    let engine = on::<Login>(&world, storage.clone());
    let mut client = log_in(&engine, "alice.example").await;
    engine.revoke_all(&Principal::new("alice.example")).await.unwrap();
    engine.revoke_everyone().await.unwrap();
    client.does(|slot| slot.start(login("alice.example", 1))).await;
    client.does(|slot| slot.clear()).await;
    let created = storage.created.lock().unwrap().clone();
    assert_eq!(created.len(), 3);
    for key in created {
        let record = at_once(storage.inner.load(key, Read::Latest, world.clock.now()))
            .unwrap()
            .unwrap();
        assert_eq!((&*record.name, &record.principal), ("login:revoked", &None));
        let bytes = record.to_bytes().unwrap();
        assert!(!bytes.windows(5).any(|part| part == b"alice"));
    }
}

/// What holds on every storage.
async fn ends_what_it_should(world: &World, storage: impl SessionStorage) {
    let engine = on::<Login>(world, storage);
    let mut rotated = log_in(&engine, "alice").await;
    let (old, mut cleared) = (rotated.clone(), log_in(&engine, "alice").await);
    let copy = cleared.clone();
    rotated.does(|slot| slot.rotate_id()).await;
    cleared.does(|slot| slot.clear()).await;
    assert_eq!(old.status().await, SessionStatus::Stale);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
    let other = log_in(&engine, "alice").await;
    for _ in 0..2 {
        engine.revoke_others(&alice(), &id(&rotated).await).await.unwrap();
        assert_eq!(other.status().await, SessionStatus::Invalid);
        assert_eq!(rotated.status().await, SessionStatus::Live);
    }
    engine.revoke_all(&alice()).await.unwrap();
    assert_eq!(rotated.status().await, SessionStatus::Invalid);
    let mut taken = log_in(&engine, "alice").await;
    let slots = [taken.open().await, taken.open().await];
    assert!(slots[0].take().await.unwrap().is_some());
    assert!(slots[1].take().await.unwrap().is_none());
    assert_eq!(taken.ends(&slots[1]).await.unwrap(), Said::Removed);
    let bob = log_in(&engine, "bob").await;
    assert_eq!(bob.status().await, SessionStatus::Live);
    engine.revoke_everyone().await.unwrap();
    engine.revoke_everyone().await.unwrap();
    assert_eq!(bob.status().await, SessionStatus::Invalid);
    assert_eq!(log_in(&engine, "bob").await.status().await, SessionStatus::Live);
    world.pass(hours(12) + mins(1));
    assert_eq!(engine.purge_expired(100).await.unwrap(), 3, "the ids");
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn memory_will_do() {
    ends_what_it_should(&World::new(), MemoryStorage::new()).await;
}

#[tokio::test]
async fn a_cache_will_do() {
    ends_what_it_should(&World::new(), CachedStorage::new(MemoryStorage::new())).await;
}

#[tokio::test]
async fn a_directory_will_do_and_outlasts_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked");
    let world = World::new();
    ends_what_it_should(&world, DirectoryStorage::open(&path).unwrap()).await;
    let client = log_in(&on(&world, DirectoryStorage::open(&path).unwrap()), "alice").await;
    client.clone().does(|slot| slot.clear()).await;
    let restarted = on::<Login>(&world, DirectoryStorage::open(&path).unwrap());
    assert_eq!(client.at(&restarted).status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn an_encrypted_storage_will_do() {
    let storage = EncryptedStorage::new(MemoryStorage::new(), &ring(2)).unwrap();
    ends_what_it_should(&World::new(), storage).await;
}
