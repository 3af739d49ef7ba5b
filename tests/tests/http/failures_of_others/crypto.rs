//! Tokens that were made up, moved, guessed, or made under the wrong key.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sessions_actix::{
    PublicId, Record, Sessions, SessionsBuilder, StorageKey, Timestamp,
    protection::{Encrypted, Key, KeyError, KeyRing, Plain, Signed, Suite},
    storage::{
        Created, Expected, MemoryStorage, Read, Replaced, SessionStorage, StorageFuture, Touch, Touched,
    },
};

use super::{
    formats::{Count, decoded, server_of_counts},
    scene::Scene,
};
use crate::support::{Basket, Browser, Visits, keys};

/// A key that nobody may show.
fn key() -> Key {
    leaks::watch();
    let key = Key::generate().unwrap();
    leaks::remember_key(&key.expose_base64());
    key
}

fn bytes(token: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token).unwrap()
}

/// rack-session: what could not be decrypted was read as if no key had been configured.
#[actix_web::test]
async fn cve_2026_39324_with_keys_nothing_is_read_as_if_there_were_none() {
    let plain = server_of_counts(Sessions::builder().client_side::<Count>(Plain)).await;
    let mut made_up = Browser::new(&plain);
    made_up.get("/set").await;
    let plain = bytes(made_up.value("COUNTED").unwrap());
    let keys = keys();
    for builder in [
        Sessions::builder().client_side::<Count>(Encrypted::new(&keys)),
        Sessions::builder().client_side::<Count>(Signed::new(&keys)),
    ] {
        let server = server_of_counts(builder).await;
        let mut browser = Browser::new(&server);
        browser.get("/set").await;
        let before = decoded();
        let sealed = bytes(browser.value("COUNTED").unwrap());
        // By itself, behind the prefix of a sealed one, in its place, and no token at all.
        for forged in [
            plain.clone(),
            [&sealed[..5], &plain].concat(),
            [&sealed[..5], &plain, &sealed[5..]].concat(),
            [&plain[..], &sealed].concat(),
            1_u32.to_be_bytes().to_vec(),
            vec![0; 200],
        ] {
            let mut forger = Browser::new(&server);
            forger.put("COUNTED", &URL_SAFE_NO_PAD.encode(&forged));
            assert_eq!(forger.get("/get").await.text(), "none", "{forged:?}");
        }
        assert_eq!(decoded(), before, "no decoder has seen any of it");
    }
}

/// Flask 3.1.0: of a list of keys the oldest one signed.
#[actix_web::test]
async fn cve_2025_47278_the_current_key_seals_wherever_in_the_list_it_stands() {
    let (current, retired, upcoming) = (key(), key(), key());
    let line = |state: &str, key: &Key| format!("{state}{}\n", *key.expose_base64());
    let lines = [
        line("current ", &current),
        line("retired ", &retired),
        line("upcoming ", &upcoming),
    ];
    let mut lists: Vec<String> = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        .iter()
        .map(|order| order.map(|number| lines[number].as_str()).concat())
        .collect();
    // Of keys without a state the first one is current.
    lists.push([line("", &current), line("", &retired)].concat());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let mut rings = Vec::new();
    for list in lists {
        fs::write(&file, list).unwrap();
        rings.push(KeyRing::from_file(&file).unwrap());
    }
    // And in a program.
    rings.push(KeyRing::new(retired.clone()).rotate(current.clone()));
    for ring in rings {
        assert_eq!(ring.current(), current.id());
        for setup in [encrypted, signed] {
            let scene = Scene::of(setup(&ring)).await;
            let mut browser = scene.browser();
            browser.get("/set/1").await;
            let token = bytes(browser.value("VISITS").unwrap());
            let named = token[1..5].iter().map(|byte| format!("{byte:02x}"));
            assert_eq!(named.collect::<String>(), current.id().to_string());
            // Without the old keys it is there still.
            let later = Scene::of(setup(&KeyRing::new(current.clone()))).await;
            assert_eq!(browser.on(&later.server).get("/get").await.text(), "1");
        }
    }
}

fn encrypted(ring: &KeyRing) -> SessionsBuilder {
    Sessions::builder()
        .client_side::<Visits>(Encrypted::new(ring))
        .client_side::<Basket>(Encrypted::new(ring))
}

fn signed(ring: &KeyRing) -> SessionsBuilder {
    Sessions::builder()
        .client_side::<Visits>(Signed::new(ring))
        .client_side::<Basket>(Signed::new(ring))
}

/// Ktor, KTOR-9425: the length of the IV was taken from the key's, so that with a key for AES-256 nothing worked. And its
/// default digest was SHA-1 under a key of any length.
#[actix_web::test]
async fn ktor_9425_a_key_works_in_each_suite_or_is_refused_before_the_server_starts() {
    for length in [0, 1, 16, 24, 31, 33, 48, 64] {
        let refused = Key::from_bytes(&vec![length; usize::from(length)]);
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, KeyError::Length(n) if n == usize::from(length)),
            "{refused}"
        );
    }
    for suite in [Suite::Aes256GcmSiv, Suite::ChaCha20Poly1305] {
        let ring = KeyRing::new(key().with_suite(suite));
        for setup in [encrypted, signed] {
            let scene = Scene::of(setup(&ring)).await;
            let mut browser = scene.browser();
            browser.get("/set/1").await;
            assert_eq!(browser.get("/get").await.text(), "1", "{suite:?}");
        }
    }
}

/// Ktor, KTOR-6318: its code was over what was encrypted and not over what was sent, so that a token had to be decrypted
/// before it was known to be one.
#[actix_web::test]
async fn ktor_6318_what_is_not_authentic_is_known_for_that_before_it_is_decoded() {
    let keys = KeyRing::new(key().with_suite(Suite::ChaCha20Poly1305));
    let server = server_of_counts(Sessions::builder().client_side::<Count>(Encrypted::new(&keys))).await;
    let mut browser = Browser::new(&server);
    browser.get("/set").await;
    let (sealed, before) = (bytes(browser.value("COUNTED").unwrap()), decoded());
    for bit in 0..sealed.len() * 8 {
        let mut forged = sealed.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let mut forger = browser.clone();
        forger.put("COUNTED", &URL_SAFE_NO_PAD.encode(forged));
        assert_eq!(forger.get("/get").await.text(), "none", "bit {bit}");
    }
    assert_eq!(decoded(), before);
}

/// Notes the keys that it is asked for, and all that it is given.
#[derive(Clone, Default)]
struct Noting {
    inner: MemoryStorage,
    keys: Arc<Mutex<Vec<StorageKey>>>,
    records: Arc<Mutex<Vec<u8>>>,
}

impl Noting {
    fn note(&self, key: StorageKey) -> &MemoryStorage {
        self.keys.lock().unwrap().push(key);
        &self.inner
    }

    fn keep(&self, record: &Record) {
        let mut records = self.records.lock().unwrap();
        records.extend(record.to_bytes().unwrap());
        records.extend(format!("{record:?}").bytes());
    }
}

impl SessionStorage for Noting {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.keep(&record);
        self.note(key).create(key, record, now)
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.note(key).load(key, read, now)
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.keep(&record);
        self.note(key).replace(key, record, expected, now)
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.note(key).touch(key, touch, now)
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.note(key).delete(key, now)
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.inner.purge_expired(limit, now)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.inner.health()
    }
}

/// Rack: the client's id was the storage's key, so that how long an index looked for it told how much of it was right.
#[actix_web::test]
async fn cve_2019_16782_a_storage_is_asked_for_a_hash_and_never_gets_what_the_client_holds() {
    let storage = Noting::default();
    let scene = Scene::of(Sessions::builder().server_side::<Visits>(storage.clone())).await;
    let mut browser = scene.browser();
    let mut tokens = Vec::new();
    for path in [
        "/set/1", "/get", "/update", "/rotate", "/start/2", "/set/3", "/clear",
    ] {
        tokens.extend(browser.value("VISITS").map(bytes));
        browser.get(path).await;
    }
    tokens.push(vec![7; 48]);
    browser.put("VISITS", &URL_SAFE_NO_PAD.encode([7; 48]));
    browser.get("/get").await;
    let keys = std::mem::take(&mut *storage.keys.lock().unwrap());
    let records = std::mem::take(&mut *storage.records.lock().unwrap());
    let known: Vec<_> = tokens
        .iter()
        .map(|token| StorageKey::new("", "VISITS", &PublicId::from_bytes(&token[..16]).unwrap()))
        .collect();
    assert!(keys.len() > 8 && known.iter().all(|key| keys.contains(key)));
    for token in &tokens {
        let (handle, secret) = token.split_at(16);
        for key in &keys {
            let key = key.as_bytes();
            assert!(!key.windows(16).any(|part| part == handle) && key != secret);
        }
        for form in [secret.to_vec(), URL_SAFE_NO_PAD.encode(token).into_bytes()] {
            assert!(!records.windows(form.len()).any(|part| part == form));
        }
    }
}

/// ASP.NET, MS10-070: what was wrong with a token could be told from the answer, and with that be decrypted.
#[actix_web::test]
async fn ms10_070_whatever_is_wrong_with_a_token_the_answer_is_the_same() {
    let ring = keys();
    let by_id = Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| o.signed(&ring));
    for builder in [encrypted(&ring), signed(&ring), by_id] {
        let scene = Scene::of(builder).await;
        let mut browser = scene.browser();
        browser.get("/set/1").await;
        let token = bytes(browser.value("VISITS").unwrap());
        // What is told apart is in the clear: a version or a key that is not known here. All of this names both.
        let mut forgeries: Vec<Vec<u8>> = (5..token.len())
            .map(|at| {
                let mut forged = token.clone();
                forged[at] ^= 1;
                forged
            })
            .collect();
        forgeries.extend((5..token.len()).map(|end| token[..end].to_vec()));
        for padding in [0, 1, 16, 255] {
            forgeries.push([&token[..], &[padding; 16]].concat());
            forgeries.push([&token[..5], &vec![padding; token.len() - 5]].concat());
        }
        for path in ["/get", "/status", "/update"] {
            let mut answers = forgeries.iter().map(async |forged| {
                let mut forger = browser.clone();
                forger.put("VISITS", &URL_SAFE_NO_PAD.encode(forged));
                let answer = forger.get(path).await;
                format!("{:?} {:?} {:?}", answer.status, answer.headers, answer.body)
            });
            let first = answers.next().unwrap().await;
            for answer in answers {
                assert_eq!(answer.await, first, "{path}");
            }
        }
    }
}

/// Laravel, July 2020: what was encrypted for one cookie could be sent as another one.
#[actix_web::test]
async fn laravel_2020_values_that_were_swapped_between_cookies_are_none() {
    let (ring, storage) = (keys(), MemoryStorage::new());
    let by_id = Sessions::builder()
        .server_side::<Visits>(storage.clone())
        .server_side::<Basket>(storage);
    for builder in [encrypted(&ring), signed(&ring), by_id] {
        let scene = Scene::of(builder).await;
        let mut browser = scene.browser();
        browser.get("/set/1").await;
        browser.get("/basket/set/2").await;
        let mut swapped = scene.browser();
        swapped.put("VISITS", browser.value("BASKET").unwrap());
        swapped.put("BASKET", browser.value("VISITS").unwrap());
        assert_eq!(swapped.get("/get").await.text(), "none");
        assert_eq!(swapped.get("/basket/get").await.text(), "none");
        assert_eq!(browser.get("/get").await.text(), "1");
        assert_eq!(browser.get("/basket/get").await.text(), "2");
    }
}

/// nano-id: two symbols of its alphabet were others, and ids had less entropy than they seemed to.
#[actix_web::test]
async fn rustsec_2024_0343_each_symbol_is_as_likely_as_any_other_and_comes_at_each_place() {
    // Of so many, that one symbol misses one of the places by chance comes once in ten thousand million runs.
    const TOKENS: usize = 2000;
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let scene = Scene::of(Sessions::builder().server_side::<Visits>(MemoryStorage::new())).await;
    let mut places = [[0; 128]; 64];
    for _ in 0..TOKENS {
        let token = scene.server.get("/set/1").await.cookie("VISITS").unwrap().value;
        assert_eq!(token.len(), places.len());
        for (place, symbol) in places.iter_mut().zip(token.bytes()) {
            place[usize::from(symbol)] += 1;
        }
    }
    for symbol in ALPHABET.chars() {
        let times = places.map(|place| place[symbol as usize]);
        assert!(
            times.iter().all(|times| *times > 0),
            "{symbol} comes nowhere at {times:?}"
        );
        // Eight deviations to each side.
        let sum: usize = times.iter().sum();
        assert!(
            (TOKENS - 357..=TOKENS + 357).contains(&sum),
            "{symbol} came {sum} times"
        );
    }
}
