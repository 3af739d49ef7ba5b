//! What is said of the sessions of an application is what holds for them.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use sessions_actix::{
    Kept, OnConflict, OnReuse, OverLimit, Session, Sessions,
    protection::{Encrypted, Key, KeyRing, KeyState, Plain, Protection as _, Signed, Suite},
    storage::{CachedStorage, DirectoryStorage, EncryptedStorage, MemoryStorage, SessionStorage},
};

use tests::leaks;

use crate::support::{Visits, keys};

#[derive(Session, Serialize, Deserialize)]
#[session(name = "__Host-login", max_age = "30 days", version = 2, previous = OldLogin)]
struct Login {
    #[session(principal)]
    user: String,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "__Host-login")]
struct OldLogin {
    user: String,
    age: u8,
}

impl From<OldLogin> for Login {
    fn from(old: OldLogin) -> Self {
        Self { user: old.user }
    }
}

impl From<&Login> for OldLogin {
    fn from(login: &Login) -> Self {
        Self {
            user: login.user.clone(),
            age: 0,
        }
    }
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "preferences", serializer = sessions_actix::serializer::Json)]
struct Preferences {
    dark: bool,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "X-Cart", transport = header)]
struct Cart {
    items: Vec<u32>,
}

/// Always the same key.
fn key(number: u8) -> Key {
    let mut bytes = [number; 32];
    bytes[0] = 0;
    Key::from_bytes(&bytes).unwrap()
}

#[test]
fn the_table_has_all_that_holds_for_each_type() {
    let ring = KeyRing::new(key(1))
        .rotate(key(2).with_suite(Suite::ChaCha20Poly1305))
        .with_upcoming(key(3))
        .revoke(key(4).id());
    let sessions = Sessions::builder()
        .application("shop")
        .storage_timeout(Duration::from_millis(1500))
        .server_side_with::<Login>(CachedStorage::new(MemoryStorage::new()), |o| {
            o.renew_every(Duration::from_secs(600))
                .grace(Duration::from_secs(20))
                .on_reuse(OnReuse::Revoke)
                .on_conflict(OnConflict::Reject)
                .max_per_principal(5, OverLimit::EvictOldest)
                .clear_site_data()
                .signed(&KeyRing::new(key(1)))
        })
        .client_side_with::<Preferences>(Encrypted::new(&ring), |o| o.revocable(MemoryStorage::new()))
        .server_side::<Cart>(MemoryStorage::new())
        .write_previous::<Login>()
        .csrf::<Login>(&KeyRing::new(key(1)))
        .build()
        .unwrap();
    assert_eq!(sessions.policy().to_string(), include_str!("policy.txt"));
}

#[test]
fn each_value_can_be_had_without_the_table() {
    let keys = keys();
    let builder = Sessions::builder()
        .server_side_with::<Visits>(MemoryStorage::new(), |o| o.idle_timeout(Duration::from_secs(60)))
        .client_side::<Preferences>(Signed::new(&keys).then(Encrypted::new(&keys)).then(Plain));
    let [visits, preferences] = builder.build().unwrap().policy().sessions.try_into().unwrap();
    assert_eq!(visits.spec.idle_timeout, Some(Duration::from_secs(60)));
    assert_eq!(visits.touch_interval, Duration::from_secs(6));
    let Kept::OnTheServer {
        signed: None, grace, ..
    } = visits.kept
    else {
        panic!("{visits:?}");
    };
    assert_eq!(grace, Duration::from_secs(30));
    let Kept::ByTheClient { protection, .. } = preferences.kept else {
        panic!("{preferences:?}");
    };
    let names: Vec<_> = protection.iter().map(|layer| &*layer.name).collect();
    assert_eq!(names, ["Signed", "Encrypted", "Plain"]);
}

#[test]
fn the_keys_are_those_of_the_moment() {
    let ring = KeyRing::new(key(1));
    let sessions = Sessions::builder()
        .client_side::<Visits>(Encrypted::new(&ring))
        .build()
        .unwrap();
    let states = || {
        let [visits] = sessions.policy().sessions.try_into().unwrap();
        let Kept::ByTheClient { protection, .. } = visits.kept else {
            panic!("it is kept by the client");
        };
        let keys = protection[0].keys.iter();
        keys.map(|key| (key.id, key.state)).collect::<Vec<_>>()
    };
    assert_eq!(states(), [(key(1).id(), KeyState::Current)]);
    ring.replace(&KeyRing::new(key(2)).revoke(key(1).id())).unwrap();
    assert_eq!(
        states(),
        [(key(2).id(), KeyState::Current), (key(1).id(), KeyState::Revoked)]
    );
}

#[test]
fn a_storage_around_another_one_names_both() {
    let folder = tempfile::tempdir().unwrap();
    let directory = DirectoryStorage::open(folder.path()).unwrap();
    let shared: Arc<dyn SessionStorage> = Arc::new(MemoryStorage::new());
    let cached = directory.clone().cached();
    assert_eq!(cached.name(), "CachedStorage<DirectoryStorage>");
    let encrypted = EncryptedStorage::new(cached, &keys()).unwrap();
    assert_eq!(
        encrypted.name(),
        "EncryptedStorage<CachedStorage<DirectoryStorage>>"
    );
    assert_eq!(CachedStorage::new(shared).name(), "CachedStorage<MemoryStorage>");
    assert_eq!(Arc::new(directory).name(), "DirectoryStorage");
}

#[test]
fn no_key_is_in_the_table_or_in_its_debug() {
    // Types that no other test gives to clients: the net takes a fingerprint in a signed token for a secret.
    let keys = keys();
    let sessions = Sessions::builder()
        .server_side_with::<Cart>(MemoryStorage::new(), |o| o.signed(&keys))
        .client_side::<Preferences>(Encrypted::new(&keys))
        .csrf::<Cart>(&keys)
        .build()
        .unwrap();
    let policy = sessions.policy();
    leaks::check("a policy", format!("{policy} {policy:?} {policy:#?}").as_bytes());
}
