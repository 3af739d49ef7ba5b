//! A storage behind in which somebody writes who has no key.

use std::sync::Arc;

use sessions_core::{
    Fingerprint, Payload, Principal, PublicId, Record, Revision, StorageError, StorageKey,
    storage::{Expected, MemoryStorage, SessionStorage},
};

use super::{Encrypted, both, create, key, key_of, load, next, put, replace, stored};

/// A session, the storages, and the record as it is kept.
async fn kept() -> (Record, Encrypted, MemoryStorage, Record) {
    let (storage, behind) = both();
    let record = stored();
    let key = create(&storage, &record).await;
    let kept = Record::clone(&load(&behind, key).await.unwrap());
    (record, storage, behind, kept)
}

/// What there is when this is kept under the key.
async fn with(
    storage: &Encrypted,
    behind: &MemoryStorage,
    key: StorageKey,
    kept: &Record,
) -> Result<Arc<Record>, StorageError> {
    put(behind, key, kept).await;
    load(storage, key).await
}

#[track_caller]
fn assert_none(loaded: Result<Arc<Record>, StorageError>, what: &str) {
    match loaded {
        Err(StorageError::Unreadable(_)) => {}
        Err(error) => panic!("{what}: {error:?}"),
        Ok(_) => panic!("{what} was accepted"),
    }
}

#[tokio::test]
async fn what_is_moved_to_another_session_is_no_session() {
    let (record, storage, behind, kept) = kept().await;
    assert!(with(&storage, &behind, key_of(&record), &kept).await.is_ok());

    let other = Record {
        public_id: PublicId::from_bytes(&[8; 16]).unwrap(),
        ..stored()
    };
    let key = create(&storage, &other).await;
    let of_other = Record::clone(&load(&behind, key).await.unwrap());
    let payload = Record {
        payload: kept.payload.clone(),
        ..of_other.clone()
    };
    assert_none(with(&storage, &behind, key, &payload).await, "another's payload");
    let revision = Record {
        revision: kept.revision,
        ..payload
    };
    assert_none(
        with(&storage, &behind, key, &revision).await,
        "another's payload and revision",
    );
    let personal = Record {
        client_context: kept.client_context.clone(),
        ..of_other.clone()
    };
    assert_none(
        with(&storage, &behind, key, &personal).await,
        "another's principal",
    );
    let all = Record {
        public_id: other.public_id.clone(),
        ..kept.clone()
    };
    assert_none(with(&storage, &behind, key, &all).await, "all of another's");
    let in_its_place = Record {
        payload: of_other.payload.clone(),
        revision: of_other.revision,
        schema: of_other.schema,
        ..kept.clone()
    };
    assert_none(
        with(&storage, &behind, key, &in_its_place).await,
        "another's record with its own payload",
    );
    assert_none(
        with(&storage, &behind, key, &kept).await,
        "another's record, under this key",
    );
    let twice = Record {
        payload: Payload::new(of_other.client_context.as_deref().unwrap()),
        ..of_other.clone()
    };
    assert_none(with(&storage, &behind, key, &twice).await, "its own other part");
    assert_eq!(*with(&storage, &behind, key, &of_other).await.unwrap(), other);
}

#[tokio::test]
async fn what_is_moved_to_another_name_or_application_is_no_session() {
    let (record, storage, behind, kept) = kept().await;
    let moved = [
        Record {
            name: "other".into(),
            ..kept.clone()
        },
        Record {
            application: "other".into(),
            ..kept.clone()
        },
        Record {
            public_id: PublicId::from_bytes(&[8; 16]).unwrap(),
            ..kept.clone()
        },
        // The border between the two moves.
        Record {
            application: kept.name[..1].into(),
            name: kept.name[1..].into(),
            ..kept.clone()
        },
    ];
    for moved in moved {
        // Under the key that it would have there, and where it was.
        for key in [key_of(&moved), key_of(&record)] {
            assert_none(with(&storage, &behind, key, &moved).await, "a moved record");
        }
    }
}

#[tokio::test]
async fn an_older_payload_under_the_newer_revision_is_no_session() {
    let (record, storage, behind, older) = kept().await;
    let key = key_of(&record);
    let newer = next(&record, 2);
    replace(&storage, &newer, Expected::Epoch(record.epoch)).await;
    let kept = Record::clone(&load(&behind, key).await.unwrap());
    let back = Record {
        payload: older.payload.clone(),
        ..kept.clone()
    };
    assert_none(with(&storage, &behind, key, &back).await, "an older payload");
    let renamed = Record {
        revision: Revision([9; 16]),
        ..kept.clone()
    };
    assert_none(with(&storage, &behind, key, &renamed).await, "another revision");
    // All of an older state is one that was stored once, and nothing tells it from that.
    assert_eq!(*with(&storage, &behind, key, &older).await.unwrap(), record);
}

#[tokio::test]
async fn a_payload_of_another_data_class_is_no_session() {
    let (record, storage, behind, kept) = kept().await;
    let mut version = kept.clone();
    version.schema.version -= 1;
    let mut fingerprint = kept;
    fingerprint.schema.fingerprint = Fingerprint([2; 16]);
    for changed in [version, fingerprint] {
        let loaded = with(&storage, &behind, key_of(&record), &changed).await;
        assert_none(loaded, "another schema");
    }
}

#[tokio::test]
async fn no_byte_can_be_changed_left_out_or_added() {
    let (record, storage, behind, kept) = kept().await;
    let key = key_of(&record);
    let parts: [fn(&mut Record, Vec<u8>); 2] = [
        |record, bytes| record.payload = Payload::new(bytes),
        |record, bytes| record.client_context = Some(bytes.into()),
    ];
    let sealed = [
        kept.payload.as_bytes().to_vec(),
        kept.client_context.as_deref().unwrap().to_vec(),
    ];
    for (put_in, sealed) in parts.into_iter().zip(sealed) {
        let refused = async |bytes: Vec<u8>, what: &str| {
            let mut changed = kept.clone();
            put_in(&mut changed, bytes);
            match with(&storage, &behind, key, &changed).await {
                // A version or a key that another node may have.
                Err(StorageError::Unavailable(_)) if what.starts_with("prefix") => {}
                loaded => assert_none(loaded, what),
            }
        };
        for index in 0..sealed.len() {
            for bit in [1, 0x80] {
                let mut bytes = sealed.clone();
                bytes[index] ^= bit;
                let part = if index < 5 { "prefix" } else { "rest" };
                refused(bytes, &format!("{part}: byte {index} changed")).await;
            }
            refused(sealed[..index].to_vec(), &format!("cut to {index} bytes")).await;
        }
        let longer = [&sealed[..], &[0]].concat();
        refused(longer, "a byte more").await;
        refused(sealed[1..].to_vec(), "prefix: the first byte left out").await;
    }
}

#[tokio::test]
async fn what_was_stored_without_it_is_no_session() {
    let (storage, behind) = both();
    let plain = Record {
        client_context: None,
        ..stored()
    };
    let loaded = with(&storage, &behind, key_of(&plain), &plain).await;
    assert_none(loaded, "a plain record");
}

#[tokio::test]
async fn a_principal_in_the_clear_is_not_believed() {
    let (record, storage, behind, mut kept) = kept().await;
    kept.principal = Some(Principal::new("mallory"));
    kept.label = Some("mallory's".into());
    let loaded = with(&storage, &behind, key_of(&record), &kept).await;
    assert_eq!(*loaded.unwrap(), record);
}

#[tokio::test]
async fn what_is_sealed_as_a_token_is_no_record_and_the_other_way_round() {
    use sessions_core::protection::{Encrypted, KeyRing, Mode, Protection, Purpose};
    let (record, storage, behind, kept) = kept().await;
    let keys = KeyRing::new(key(1));
    for mode in [Mode::ById, Mode::ByValue, Mode::Record] {
        let purpose = Purpose {
            mode,
            application: &record.application,
            name: &record.name,
        };
        let token = Encrypted::new(&keys).bind(&purpose).unwrap();
        let mut bytes = record.payload.as_bytes().to_vec();
        token.protect(&mut bytes).unwrap();
        let forged = Record {
            payload: Payload::new(bytes),
            ..kept.clone()
        };
        let loaded = with(&storage, &behind, key_of(&record), &forged).await;
        assert_none(loaded, "a token");
        let mut bytes = kept.payload.as_bytes().to_vec();
        assert!(token.unprotect(&mut bytes).is_err());
    }
}

#[tokio::test]
async fn what_cannot_be_opened_can_be_ended() {
    let (record, storage, behind, mut kept) = kept().await;
    let key = key_of(&record);
    kept.payload = Payload::new(*b"damaged");
    assert!(with(&storage, &behind, key, &kept).await.is_err());
    assert!(
        storage
            .delete(key, sessions_core::storage::contract::NOW)
            .await
            .unwrap()
    );
}
