//! Tokens that another implementation has made from `docs/tokens.md`; see `tests/vectors/make.py`.

use std::{process::Command, sync::Arc};

use serde::Deserialize;
use sessions_core::{
    ManualClock, Payload, PublicId, Record, Revision, Schema, SecretHash, Secrets, SerializerError, Session,
    SessionSerializer, SessionSpec, StorageKey, Successor, Times, Timestamp,
    engine::{Engine, Environment, SessionStatus},
    options::Options,
    protection::{Encrypted, Key, KeyRing, Protection, Signed, Suite},
    serializer::Shape,
    storage::{MemoryStorage, SessionStorage},
};

use crate::support::{Client, Said, at_once, secs};

#[derive(Deserialize)]
struct Vectors {
    now: u64,
    by_value: Vec<ByValue>,
    by_id: Vec<ById>,
    renewals: Vec<Renewal>,
    derived_keys: Vec<Derived>,
}

#[derive(Deserialize)]
struct ByValue {
    application: String,
    name: String,
    protection: String,
    key: String,
    key_id: String,
    id: String,
    times: Deadlines,
    payload: String,
    token: String,
}

#[derive(Deserialize)]
struct Deadlines {
    created: u64,
    idle_deadline: u64,
    absolute_deadline: u64,
    not_after: Option<u64>,
}

#[derive(Deserialize)]
struct ById {
    application: String,
    name: String,
    id: String,
    storage_key: String,
    secret_hash: String,
    token: String,
    key: String,
    signed_token: String,
}

#[derive(Deserialize)]
struct Renewal {
    application: String,
    name: String,
    id: String,
    shown: String,
    shown_hash: String,
    successor: String,
    successor_hash: String,
    salt: String,
    mask: String,
}

#[derive(Deserialize)]
struct Derived {
    secret: String,
    key: String,
    key_id: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/tokens.json")).unwrap()
}

/// A session that is text and nothing else.
#[derive(Debug, PartialEq)]
struct Text(String);

struct Utf8;

impl Session for Text {
    const SPEC: SessionSpec = SessionSpec::new("text");
    type Serializer = Utf8;
}

impl SessionSerializer<Text> for Utf8 {
    const FORMAT: &'static str = "vector";

    fn shape() -> Shape {
        Shape::named("text")
    }

    fn serialize(value: &Text, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        out.extend_from_slice(value.0.as_bytes());
        Ok(())
    }

    fn deserialize(bytes: &[u8]) -> Result<Text, SerializerError> {
        let text = std::str::from_utf8(bytes).map_err(SerializerError::new)?;
        Ok(Text(text.to_owned()))
    }
}

fn environment(application: &str, now: u64) -> Environment {
    Environment {
        application: application.into(),
        clock: Arc::new(ManualClock::new(Timestamp::from_millis(now))),
        ..Environment::default()
    }
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    unhex(hex).try_into().unwrap()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.bytes().collect();
    digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Also where the first one to be found is not the system's.
const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];

#[test]
fn the_tokens_are_what_the_other_implementation_makes_today() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/make.py");
    let mut failures = Vec::new();
    for python in PYTHONS {
        match Command::new(python).arg(script).output() {
            Ok(output) if output.status.success() => {
                let made = String::from_utf8(output.stdout).unwrap();
                assert!(
                    made == include_str!("../vectors/tokens.json"),
                    "tests/vectors/tokens.json is not what {python} makes of make.py beside it"
                );
                return;
            }
            Ok(output) => failures.push(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => failures.push(error.to_string()),
        }
    }
    panic!("python3 with its package `cryptography` (Debian: python3-cryptography) is needed: {failures:#?}");
}

/// Each token under this protection opens as the session that the other implementation has put into it.
fn are_what_was_sealed(protection: &str) {
    let mut vectors = vectors();
    let is_under_it = |vector: &ByValue| vector.protection.starts_with(protection);
    vectors.by_value.retain(is_under_it);
    assert!(!vectors.by_value.is_empty());
    for vector in &vectors.by_value {
        let key = Key::from_base64(&vector.key).unwrap();
        let keys = KeyRing::new(match vector.protection.as_str() {
            "encrypted with chacha20-poly1305" => key.with_suite(Suite::ChaCha20Poly1305),
            _ => key,
        });
        assert_eq!(keys.current().to_string(), vector.key_id);
        let (encrypted, signed) = (Encrypted::new(&keys), Signed::new(&keys));
        let protection: &dyn Protection = match vector.protection.as_str() {
            "encrypted" | "encrypted with chacha20-poly1305" => &encrypted,
            "signed" => &signed,
            other => panic!("{other}"),
        };
        let engine = Engine::<Text>::client_side(
            &environment(&vector.application, vectors.now),
            protection,
            &Options::of::<Text>().name(vector.name.clone()),
        );
        let client = Client::showing(&engine.unwrap(), [vector.token.clone()]);
        let slot = at_once(client.open());
        assert_eq!(slot.status(), SessionStatus::Live, "{}", vector.token);
        assert_eq!(slot.get().as_deref(), Some(&Text(vector.payload.clone())));
        assert_eq!(slot.public_id().unwrap().to_string(), vector.id);
        let times = &vector.times;
        assert_eq!(slot.created_at().unwrap().as_millis(), times.created);
        let end = times.not_after.unwrap_or(u64::MAX).min(times.absolute_deadline);
        assert_eq!(
            slot.expires_at().unwrap().as_millis(),
            end.min(times.idle_deadline)
        );
    }
}

#[test]
fn a_token_by_value_that_another_implementation_has_made_is_the_session_that_it_sealed() {
    are_what_was_sealed("");
}

/// Ktor, GH 792: the default was a digest over a salt and the value, which is no code that takes a key.
#[test]
fn ktor_792_a_signed_token_is_under_an_hmac_as_another_implementation_makes_it() {
    are_what_was_sealed("signed");
}

fn record(application: &str, name: &str, id: &PublicId, secrets: Secrets, now: u64) -> Record {
    let now = Timestamp::from_millis(now);
    Record {
        public_id: id.clone(),
        application: application.into(),
        name: name.into(),
        schema: Schema::of::<Text>(),
        revision: Revision([1; 16]),
        epoch: 0,
        secrets,
        times: Times {
            created: now,
            authenticated: None,
            last_seen: now,
            idle_deadline: now.after(secs(600)),
            absolute_deadline: now.after(secs(600)),
            not_after: None,
            remembered: None,
        },
        principal: None,
        label: None,
        client_context: None,
        payload: Payload::new(*b"stored"),
    }
}

fn secrets(current: &str, now: u64) -> Secrets {
    Secrets {
        current: SecretHash(bytes(current)),
        since: Timestamp::from_millis(now),
        next: None,
        previous: None,
        past: Vec::new(),
    }
}

/// A storage in which this record is.
fn holding(key: StorageKey, record: Record) -> Arc<MemoryStorage> {
    let storage = MemoryStorage::new();
    let now = record.times.created;
    at_once(storage.create(key, Arc::new(record), now)).unwrap();
    Arc::new(storage)
}

#[test]
fn a_token_by_id_that_another_implementation_has_made_opens_its_record() {
    let vectors = vectors();
    assert!(!vectors.by_id.is_empty());
    for vector in &vectors.by_id {
        let (application, name) = (&vector.application, &vector.name);
        let id: PublicId = vector.id.parse().unwrap();
        let key = StorageKey::new(application, name, &id);
        assert_eq!(key.to_string(), vector.storage_key);
        let secrets = secrets(&vector.secret_hash, vectors.now);
        let storage = holding(key, record(application, name, &id, secrets, vectors.now));
        let keys = KeyRing::new(Key::from_base64(&vector.key).unwrap());
        let options = || Options::of::<Text>().name(name.clone());
        for (options, token) in [
            (options(), &vector.token),
            (options().signed(&keys), &vector.signed_token),
        ] {
            let environment = environment(application, vectors.now);
            let engine = Engine::<Text>::server_side(&environment, storage.clone(), &options).unwrap();
            let slot = at_once(Client::showing(&engine, [token.clone()]).open());
            assert_eq!(slot.get().as_deref(), Some(&Text("stored".to_owned())));
        }
    }
}

#[test]
fn a_successor_that_another_implementation_has_masked_is_given_to_who_shows_its_predecessor() {
    let vectors = vectors();
    assert!(!vectors.renewals.is_empty());
    for vector in &vectors.renewals {
        let (application, name) = (&vector.application, &vector.name);
        let id: PublicId = vector.id.parse().unwrap();
        let secrets = Secrets {
            next: Some(Box::new(Successor {
                hash: SecretHash(bytes(&vector.successor_hash)),
                salt: bytes(&vector.salt),
                mask: bytes(&vector.mask),
            })),
            ..secrets(&vector.shown_hash, vectors.now)
        };
        let storage = holding(
            StorageKey::new(application, name, &id),
            record(application, name, &id, secrets, vectors.now),
        );
        let engine = Engine::<Text>::server_side(
            &environment(application, vectors.now),
            storage,
            &Options::of::<Text>().name(name.clone()),
        );
        let mut client = Client::showing(&engine.unwrap(), [vector.shown.clone()]);
        assert_eq!(at_once(client.reads()), Said::Sent);
        assert_eq!(client.token(), vector.successor);
    }
}

#[test]
fn a_key_that_another_implementation_has_derived_is_the_same() {
    for vector in vectors().derived_keys {
        let key = Key::derived_from(&unhex(&vector.secret)).unwrap();
        assert_eq!(*key.expose_base64(), vector.key);
        assert_eq!(key.id().to_string(), vector.key_id);
    }
}
