//! Tokens and records of earlier versions, which every later one has to read.
//!
//! `tests/corpus` has a folder for each version of the formats. **What is in it is never made anew, and never changed**:
//! it stands for what browsers and databases hold, and who has to change it to get the tests through is about to end
//! everybody's sessions. It is only added to: with `SESSIONS_CORE_CORPUS=v2` (the folder) in the environment, this test
//! writes what the folder does not have yet, by the version of the library that it is run with.

use std::{
    env,
    fs::{self, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sessions_core::{
    Clock, Record, Session, SessionSpec, StorageKey, Timestamp,
    engine::{Engine, SessionStatus},
    options::{Options, ServerSide},
    protection::{Encrypted, Key, KeyRing, Plain, Protection, Signed, Suite},
    serializer::Json,
    storage::{MemoryStorage, SessionStorage},
};

use crate::support::{Client, Login, World, at_once, encode, key, login, mins, nobody};

/// One session as it was: its token, its record if a storage kept it, and what it has to be read as.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The data class.
    class: Class,
    protection: Protected,
    /// The key, if there is one.
    key: Option<String>,
    /// When it was opened, in milliseconds.
    now: u64,
    token: String,
    /// `Record::to_bytes`, in base64url.
    record: Option<String>,
    public_id: String,
    user: Option<String>,
    visits: u32,
    created: u64,
    expires: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Class {
    Bincode,
    Json,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Protected {
    No,
    Signed,
    Encrypted,
    EncryptedWithChaCha,
    Both,
}

impl Protected {
    fn ring(self, key: Key) -> KeyRing {
        KeyRing::new(match self {
            Self::EncryptedWithChaCha => key.with_suite(Suite::ChaCha20Poly1305),
            _ => key,
        })
    }
}

/// [`Login`], in the other format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct JsonLogin {
    user: Option<String>,
    visits: u32,
}

impl Session for JsonLogin {
    const SPEC: SessionSpec = SessionSpec::new("json");
    type Serializer = Json;
}

/// What both have in common.
trait Account: Session {
    fn of(login: Login) -> Self;
    fn parts(&self) -> (Option<String>, u32);
}

impl Account for Login {
    fn of(login: Login) -> Self {
        login
    }

    fn parts(&self) -> (Option<String>, u32) {
        (self.user.clone(), self.visits)
    }
}

impl Account for JsonLogin {
    fn of(Login { user, visits }: Login) -> Self {
        Self { user, visits }
    }

    fn parts(&self) -> (Option<String>, u32) {
        (self.user.clone(), self.visits)
    }
}

fn by_value<T: Session>(world: &World, protected: Protected, keys: &KeyRing) -> Engine<T> {
    let (signed, encrypted) = (Signed::new(keys), Encrypted::new(keys));
    let both = signed.clone().then(encrypted.clone());
    let protection: &dyn Protection = match protected {
        Protected::No => &Plain,
        Protected::Signed => &signed,
        Protected::Encrypted | Protected::EncryptedWithChaCha => &encrypted,
        Protected::Both => &both,
    };
    world.client_side(protection)
}

fn by_id<T: Session>(
    world: &World,
    protected: Protected,
    keys: &KeyRing,
    storage: Arc<dyn SessionStorage>,
) -> Engine<T> {
    let options: Options<ServerSide> = Options::of::<T>().renew_every(mins(10));
    let options = match protected {
        Protected::No => options,
        _ => options.signed(keys),
    };
    Engine::server_side(&world.environment, storage, &options).unwrap()
}

fn opens<T: Account>(kept: &Kept) {
    let world = World::new();
    let now = Timestamp::from_millis(kept.now);
    world.clock.set(now);
    let own = |text: &str| Key::from_base64(text).unwrap();
    let keys = kept.protection.ring(kept.key.as_deref().map_or(key(1), own));
    let engine = match &kept.record {
        None => by_value::<T>(&world, kept.protection, &keys),
        Some(record) => {
            let record = Record::from_bytes(&crate::support::decode(record)).unwrap();
            let storage = MemoryStorage::new();
            let key = StorageKey::new("", &record.name, &record.public_id);
            at_once(storage.create(key, Arc::new(record), now)).unwrap();
            by_id::<T>(&world, kept.protection, &keys, Arc::new(storage))
        }
    };
    let slot = at_once(Client::showing(&engine, [kept.token.clone()]).open());
    assert_eq!(slot.status(), SessionStatus::Live);
    assert_eq!(slot.get().unwrap().parts(), (kept.user.clone(), kept.visits));
    assert_eq!(slot.public_id().unwrap().to_string(), kept.public_id);
    assert_eq!(slot.created_at().unwrap().as_millis(), kept.created);
    assert_eq!(slot.expires_at().unwrap().as_millis(), kept.expires);
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

#[test]
fn what_every_earlier_version_has_written_is_read() {
    if let Some(folder) = env::var_os("SESSIONS_CORE_CORPUS") {
        add(&corpus().join(folder));
    }
    let mut read = 0;
    for folder in fs::read_dir(corpus()).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let kept: Kept = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            println!("{}", path.display());
            match kept.class {
                Class::Bincode => opens::<Login>(&kept),
                Class::Json => opens::<JsonLogin>(&kept),
            }
            read += 1;
        }
    }
    // So that nothing goes missing either.
    assert!(read >= 40, "{read}");
}

fn add(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    add_class::<Login>(folder, Class::Bincode);
    add_class::<JsonLogin>(folder, Class::Json);
}

fn add_class<T: Account>(folder: &Path, class: Class) {
    let class_name = match class {
        Class::Bincode => "bincode",
        Class::Json => "json",
    };
    let keep = |what: &str, world: &World, client: &Client<T>, protection, record: Option<&Record>| {
        let slot = at_once(client.open());
        let (user, visits) = slot.get().unwrap().parts();
        let kept = Kept {
            class,
            protection,
            key: (protection != Protected::No).then(|| key(1).expose_base64().to_string()),
            now: world.clock.now().as_millis(),
            token: client.token().to_owned(),
            record: record.map(|record| encode(&record.to_bytes().unwrap())),
            public_id: slot.public_id().unwrap().to_string(),
            user,
            visits,
            created: slot.created_at().unwrap().as_millis(),
            expires: slot.expires_at().unwrap().as_millis(),
        };
        let path = folder.join(format!("{class_name}-{what}.json"));
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => serde_json::to_writer_pretty(file, &kept).unwrap(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
        }
    };
    for (what, protection) in [
        ("plain", Protected::No),
        ("signed", Protected::Signed),
        ("encrypted", Protected::Encrypted),
        ("encrypted-with-chacha", Protected::EncryptedWithChaCha),
        ("both", Protected::Both),
    ] {
        let world = World::new();
        let engine = by_value::<T>(&world, protection, &protection.ring(key(1)));
        let mut client = Client::new(&engine);
        at_once(client.does(|slot| slot.start(T::of(login("alice", 70_000)))));
        keep(&format!("value-{what}"), &world, &client, protection, None);
        at_once(client.does(|slot| slot.start(T::of(nobody(0)))));
        world.pass(mins(29));
        at_once(client.reads());
        keep(
            &format!("value-{what}-of-nobody"),
            &world,
            &client,
            protection,
            None,
        );
    }
    for (what, protection) in [("plain", Protected::No), ("signed", Protected::Signed)] {
        let world = World::new();
        let engine = by_id::<T>(
            &world,
            protection,
            &protection.ring(key(1)),
            world.storage.clone(),
        );
        let keep = |what: &str, client: &Client<T>| {
            let record = at_once(client.open())
                .public_id()
                .and_then(|id| world.record_at(&StorageKey::new("", engine.name(), &id)));
            keep(what, &world, client, protection, record.as_deref());
        };
        let mut client = Client::new(&engine);
        at_once(client.does(|slot| slot.start(T::of(login("alice", 1)))));
        keep(&format!("id-{what}"), &client);
        world.pass(mins(11));
        let mut old = client.clone();
        at_once(client.reads());
        keep(&format!("id-{what}-renewed"), &old);
        at_once(client.reads());
        keep(&format!("id-{what}-confirmed"), &client);
        keep(&format!("id-{what}-within-its-grace"), &old);
        at_once(old.reads());
        world.pass(mins(20));
        at_once(client.does(|slot| slot.rotate_id()));
        keep(&format!("id-{what}-rotated"), &client);
    }
}
