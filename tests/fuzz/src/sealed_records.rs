//! An encrypted storage, when somebody without a key writes into the storage behind it.

use std::{cell::LazyCell, sync::Arc};

use sessions_core::{
    Record, StorageError, StorageKey,
    storage::{
        EncryptedStorage, Expected, MemoryStorage, Read, Replaced, SessionStorage, Touch,
        contract::{NOW, full_record, record},
    },
};

use crate::{at_once, bytes::Input, keys::ring};

/// A session, and the record of it that the storage behind was given.
struct Sealed {
    key: StorageKey,
    plain: Record,
    kept: Record,
}

thread_local! {
    static SEALED: LazyCell<[Sealed; 2]> = LazyCell::new(|| {
        let another = Record {
            application: "another".into(),
            name: "one".into(),
            epoch: 7,
            ..record(*b"its payload")
        };
        [full_record(), another].map(Sealed::of)
    });
}

impl Sealed {
    fn of(plain: Record) -> Self {
        let key = StorageKey::new(&plain.application, &plain.name, &plain.public_id);
        let behind = MemoryStorage::new();
        let storage = EncryptedStorage::new(behind.clone(), &ring()).unwrap();
        at_once(storage.create(key, Arc::new(plain.clone()), NOW)).unwrap();
        let kept = at_once(behind.load(key, Read::Latest, NOW)).unwrap().unwrap();
        let kept = Arc::unwrap_or_clone(kept);
        Self { key, plain, kept }
    }
}

/// An encrypted storage opens what it has sealed itself, for this session, as it is now, and nothing else.
pub fn sealed_records(data: &[u8]) {
    SEALED.with(|sealed| opened(sealed, data));
}

fn opened(sealed: &[Sealed; 2], data: &[u8]) {
    let [one, other] = sealed;
    let mut input = Input::new(data);
    let parts = input.byte();
    let arbitrary = match parts {
        0xff => Record::from_bytes(input.rest()),
        _ => Record::from_bytes(&input.edited(&one.kept.to_bytes().unwrap())),
    };
    let Ok(mut kept) = arbitrary else {
        return;
    };
    let moved = |bit: u8| parts != 0xff && parts & (1 << bit) != 0;
    if moved(0) {
        kept.payload = other.kept.payload.clone();
    }
    if moved(1) {
        kept.client_context = other.kept.client_context.clone();
    }
    if moved(2) {
        kept.revision = other.kept.revision;
    }
    if moved(3) {
        kept.schema = other.kept.schema;
    }
    if moved(4) {
        kept.public_id = other.kept.public_id.clone();
    }
    if moved(5) {
        (kept.application, kept.name) = (other.kept.application.clone(), other.kept.name.clone());
    }
    let key = if moved(6) { other.key } else { one.key };

    let behind = MemoryStorage::new();
    let storage = EncryptedStorage::new(behind.clone(), &ring()).unwrap();
    let kept = Arc::new(kept);
    at_once(behind.create(key, Arc::clone(&kept), NOW)).unwrap();
    let live = !kept.times.is_expired(NOW);
    match at_once(storage.load(key, Read::Latest, NOW)) {
        Ok(None) => assert!(!live),
        Ok(Some(opened)) => {
            let of = |whose: &Sealed| kept.client_context == whose.kept.client_context;
            let whose = sealed.iter().find(|whose| of(whose)).unwrap();
            assert_eq!(key, whose.key);
            let place = |record: &Record| {
                (
                    record.application.clone(),
                    record.name.clone(),
                    record.public_id.clone(),
                    record.revision,
                    record.schema,
                )
            };
            assert_eq!(place(&kept), place(&whose.kept));
            assert_eq!(kept.payload, whose.kept.payload);
            assert_eq!(
                (
                    &opened.principal,
                    &opened.label,
                    &opened.client_context,
                    &opened.payload
                ),
                (
                    &whose.plain.principal,
                    &whose.plain.label,
                    &whose.plain.client_context,
                    &whose.plain.payload
                )
            );
        }
        Err(StorageError::Unreadable(_)) => assert!(live),
        Err(StorageError::Unavailable(_)) => {
            // Another node may have the key.
            let unknown = |bytes: &[u8]| !bytes.starts_with(&prefix(one));
            assert!(
                live && (unknown(kept.client_context.as_deref().unwrap())
                    || unknown(kept.payload.as_bytes()))
            );
        }
        Err(error) => panic!("{error:?}"),
    }

    let touch = Touch {
        epoch: kept.epoch,
        last_seen: NOW,
        idle_deadline: kept.times.absolute_deadline,
    };
    at_once(storage.touch(key, touch, NOW)).unwrap();
    // Whatever was there, a write at its revision makes it the storage's own.
    let written = at_once(storage.replace(
        key,
        Arc::new(one.plain.clone()),
        Expected::Revision(kept.revision),
        NOW,
    ));
    assert_eq!(written.unwrap() == Replaced::Done, live);
    if live {
        let loaded = at_once(storage.load(key, Read::Latest, NOW)).unwrap();
        assert_eq!(
            loaded.map(|loaded| loaded.payload.clone()),
            Some(one.plain.payload.clone())
        );
    }
    assert_eq!(at_once(storage.delete(key, NOW)).unwrap(), live);
}

/// Version and key's id.
fn prefix(whose: &Sealed) -> [u8; 5] {
    *whose.kept.payload.as_bytes().first_chunk().unwrap()
}
