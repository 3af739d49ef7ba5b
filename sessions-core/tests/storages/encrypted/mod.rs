//! What a storage behind an encrypted one can see, and what it can do.

mod altered;
mod contract;
mod engine;
mod keys;
mod seen;

use std::sync::Arc;

use sessions_core::{
    Key, KeyRing, Payload, Record, Revision, StorageError, StorageKey,
    protection::Suite,
    storage::{
        CachedStorage, Created, EncryptedStorage, Expected, MemoryStorage, Read, Replaced, SessionStorage,
        contract::{NOW, full_record},
    },
};

type Encrypted = EncryptedStorage<MemoryStorage>;

/// Bytes that are the same for the same seed and stand nowhere by chance; no error and no line of the log may show them.
fn secret(seed: u8) -> [u8; 32] {
    let bytes = std::array::from_fn(|index| (index as u8 + 1).wrapping_mul(151) ^ seed.wrapping_mul(59));
    leaks::remember_secret(&bytes);
    bytes
}

fn key(seed: u8) -> Key {
    Key::from_bytes(&secret(seed)).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(key(1))
}

fn encrypted<S: SessionStorage>(behind: S) -> EncryptedStorage<S> {
    EncryptedStorage::new(behind, &ring()).unwrap()
}

/// The encrypted storage, and the one behind it.
fn both() -> (Encrypted, MemoryStorage) {
    let behind = MemoryStorage::new();
    (encrypted(behind.clone()), behind)
}

/// Something in every field.
fn stored() -> Record {
    Record {
        payload: Payload::new(secret(100)),
        ..full_record()
    }
}

fn key_of(record: &Record) -> StorageKey {
    StorageKey::new(&record.application, &record.name, &record.public_id)
}

/// The next state of a session, with another payload for each number.
fn next(record: &Record, number: u8) -> Record {
    Record {
        revision: Revision([number; 16]),
        payload: Payload::new(secret(100 + number)),
        ..record.clone()
    }
}

async fn create(storage: &impl SessionStorage, record: &Record) -> StorageKey {
    let key = key_of(record);
    put(storage, key, record).await;
    key
}

/// Under this key and no other, whatever was there.
async fn put(storage: &impl SessionStorage, key: StorageKey, record: &Record) {
    storage.delete(key, NOW).await.unwrap();
    let created = storage.create(key, record.clone().into(), NOW).await.unwrap();
    assert_eq!(created, Created::Created);
}

async fn replace(storage: &impl SessionStorage, record: &Record, expected: Expected) {
    let key = key_of(record);
    let replaced = storage.replace(key, record.clone().into(), expected, NOW).await;
    assert_eq!(replaced.unwrap(), Replaced::Done);
}

/// What a load gives; its error shows nothing.
async fn load(storage: &impl SessionStorage, key: StorageKey) -> Result<Arc<Record>, StorageError> {
    let loaded = storage.load(key, Read::Latest, NOW).await;
    if let Err(error) = &loaded {
        leaks::check_error(error);
    }
    loaded.map(Option::unwrap)
}

#[tokio::test]
async fn both_suites_seal_and_open() {
    for suite in [Suite::Aes256GcmSiv, Suite::ChaCha20Poly1305] {
        let keys = KeyRing::new(key(1).with_suite(suite));
        let storage = EncryptedStorage::new(MemoryStorage::new(), &keys).unwrap();
        let record = stored();
        let key = create(&storage, &record).await;
        assert_eq!(*load(&storage, key).await.unwrap(), record);
    }
}

#[test]
fn it_is_as_stale_and_as_indexed_as_what_is_behind() {
    let (fresh, _) = both();
    let stale = encrypted(CachedStorage::new(MemoryStorage::new()));
    assert_eq!((fresh.may_be_stale(), stale.may_be_stale()), (false, true));
    assert!(fresh.index().is_some());
}
