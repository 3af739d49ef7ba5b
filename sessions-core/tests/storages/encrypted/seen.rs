//! What there is to be seen of a session in the storage behind.

use std::{fs, path::Path};

use sessions_core::{
    Record, Revision,
    storage::{
        DirectoryStorage, Expected, IndexKey, Member, Reservation, SessionStorage, Touch, contract::NOW,
    },
};
use tempfile::TempDir;

use super::{both, create, encrypted, key_of, load, next, replace, stored};

/// The sealed parts of a record that are found in these bytes.
fn found(bytes: &[u8], record: &Record) -> Vec<&'static str> {
    let parts = [
        ("payload", record.payload.as_bytes()),
        (
            "principal",
            record.principal.as_ref().unwrap().as_str().as_bytes(),
        ),
        ("label", record.label.as_ref().unwrap().as_bytes()),
        ("client context", record.client_context.as_deref().unwrap()),
    ];
    let mut found: Vec<_> = parts.to_vec();
    found.retain(|(_, part)| bytes.windows(part.len()).any(|window| window == *part));
    found.into_iter().map(|(name, _)| name).collect()
}

const ALL: [&str; 4] = ["payload", "principal", "label", "client context"];

/// All files of a folder and those in it, one after the other.
fn dump(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(path.file_name().unwrap().as_encoded_bytes());
        bytes.extend(if path.is_dir() {
            dump(&path)
        } else {
            fs::read(&path).unwrap()
        });
    }
    bytes
}

/// A login, and one write of each kind: what there is then.
async fn use_it(storage: &impl SessionStorage, record: &Record) -> Record {
    let key = key_of(record);
    let index = IndexKey::of(record).unwrap();
    let session = Member {
        key,
        public_id: record.public_id.clone(),
        created: record.times.created,
        ends: record.times.absolute_deadline,
    };
    let place = Reservation {
        session,
        began: NOW,
        replaces: None,
        limit: None,
    };
    let rosters = storage.index().unwrap();
    rosters.reserve(index, place, NOW).await.unwrap();
    create(storage, record).await;
    assert!(rosters.confirm(index, key, NOW).await.unwrap());
    let second = next(record, 2);
    replace(storage, &second, Expected::Revision(record.revision)).await;
    let third = next(record, 3);
    replace(storage, &third, Expected::Epoch(record.epoch)).await;
    let touch = Touch {
        epoch: record.epoch,
        last_seen: NOW,
        idle_deadline: NOW,
    };
    storage.touch(key, touch, NOW).await.unwrap();
    third
}

#[tokio::test]
async fn a_dump_of_a_folder_shows_nothing_that_is_sealed() {
    let around = TempDir::new().unwrap();
    let record = stored();

    let plain = DirectoryStorage::open(around.path().join("plain")).unwrap();
    let last = use_it(&plain, &record).await;
    assert_eq!(found(&dump(&around.path().join("plain")), &last), ALL);

    let behind = DirectoryStorage::open(around.path().join("sealed")).unwrap();
    let storage = encrypted(behind);
    assert_eq!(use_it(&storage, &record).await, last);
    let bytes = dump(&around.path().join("sealed"));
    assert!(bytes.len() > 500, "{}", bytes.len());
    assert_eq!(found(&bytes, &last), [""; 0]);
    assert_eq!(*load(&storage, key_of(&record)).await.unwrap(), last);
}

#[tokio::test]
async fn no_write_shows_the_storage_behind_anything_that_is_sealed() {
    let (storage, behind) = both();
    let record = stored();
    let key = create(&storage, &record).await;
    let epoch = Expected::Epoch(record.epoch);
    let writes = [
        None,
        Some((next(&record, 2), Expected::Revision(record.revision))),
        Some((next(&record, 3), epoch)),
        Some((next(&record, 4), Expected::Revision(Revision([3; 16])))),
    ];
    for write in writes {
        let shown = match write {
            None => record.clone(),
            Some((new, expected)) => {
                replace(&storage, &new, expected).await;
                new
            }
        };
        let kept = load(&behind, key).await.unwrap();
        assert_eq!((&kept.principal, &kept.label), (&None, &None));
        assert_eq!(found(&kept.to_bytes().unwrap(), &shown), [""; 0]);
        assert_eq!(found(&shown.to_bytes().unwrap(), &shown), ALL);
        assert_eq!(*load(&storage, key).await.unwrap(), shown);
    }
}

#[tokio::test]
async fn what_the_storage_behind_works_with_is_left_to_it() {
    let (storage, behind) = both();
    let record = stored();
    let key = create(&storage, &record).await;
    let mut kept = Record::clone(&load(&behind, key).await.unwrap());
    kept.principal = record.principal.clone();
    kept.label = record.label.clone();
    kept.client_context = record.client_context.clone();
    kept.payload = record.payload.clone();
    assert_eq!(kept, record);
}

#[tokio::test]
async fn one_session_is_never_sealed_twice_alike() {
    let (storage, behind) = both();
    let record = stored();
    let key = create(&storage, &record).await;
    let first = load(&behind, key).await.unwrap();
    super::put(&storage, key, &record).await;
    let second = load(&behind, key).await.unwrap();
    assert_ne!(first.payload, second.payload);
    assert_ne!(first.client_context, second.client_context);
}

#[tokio::test]
async fn its_debug_shows_no_key_and_no_session() {
    let (storage, _) = both();
    create(&storage, &stored()).await;
    assert_eq!(
        format!("{storage:?}"),
        "EncryptedStorage { inner: MemoryStorage { sessions: 1, principals: 0 }, .. }"
    );
}
