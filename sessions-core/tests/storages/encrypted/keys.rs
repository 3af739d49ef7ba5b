//! What becomes of sessions as their keys change.

use sessions_core::{
    ConfigError, Key, KeyRing, Record, RecordError, Revision, StorageError,
    storage::{EncryptedStorage, Expected, MemoryStorage, SessionStorage},
};

use super::{Encrypted, create, key, key_of, load, next, replace, stored};

fn node(behind: &MemoryStorage, keys: &KeyRing) -> Encrypted {
    EncryptedStorage::new(behind.clone(), keys).unwrap()
}

/// Whether the payload, and what is sealed beside it, are sealed under this key.
async fn under(behind: &MemoryStorage, record: &Record, key: &Key) -> (bool, bool) {
    let kept = load(behind, key_of(record)).await.unwrap();
    let only = node(behind, &KeyRing::new(key.clone()));
    let id = key.id().to_string();
    let names = |sealed: &[u8]| {
        sealed[1..5]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            == id
    };
    let parts = (
        names(kept.payload.as_bytes()),
        names(kept.client_context.as_deref().unwrap()),
    );
    assert_eq!(load(&only, key_of(record)).await.is_ok(), parts == (true, true));
    parts
}

#[tokio::test]
async fn a_rotation_loses_no_session_and_seals_what_is_written_under_the_new_key() {
    let (behind, record) = (MemoryStorage::new(), stored());
    let (old, new) = (key(1), key(2));
    let keys = KeyRing::new(old.clone()).with_upcoming(new.clone());
    let storage = node(&behind, &keys);
    let id = create(&storage, &record).await;
    assert_eq!(under(&behind, &record, &old).await, (true, true));

    // The ring that the storage was made with, in a process that runs.
    keys.replace(&KeyRing::new(old.clone()).rotate(new.clone()))
        .unwrap();
    assert_eq!(*load(&storage, id).await.unwrap(), record);
    assert_eq!(under(&behind, &record, &old).await, (true, true), "nobody wrote");
    let second = next(&record, 2);
    replace(&storage, &second, Expected::Epoch(record.epoch)).await;
    assert_eq!(*load(&storage, id).await.unwrap(), second);
    assert_eq!(under(&behind, &record, &new).await, (true, false));
    let third = next(&record, 3);
    replace(&storage, &third, Expected::Revision(second.revision)).await;
    assert_eq!(under(&behind, &record, &new).await, (true, true));

    keys.replace(&KeyRing::new(new).revoke(old.id())).unwrap();
    assert_eq!(*load(&storage, id).await.unwrap(), third);
}

#[tokio::test]
async fn nodes_in_the_middle_of_a_rotation_read_each_others_sessions() {
    let behind = MemoryStorage::new();
    let before = node(&behind, &KeyRing::new(key(1)).with_upcoming(key(2)));
    let after = node(&behind, &KeyRing::new(key(1)).rotate(key(2)));
    let record = stored();
    let id = create(&before, &record).await;
    assert_eq!(*load(&after, id).await.unwrap(), record);
    let mut expected = record;
    for (turn, writer) in [&after, &before, &after].into_iter().enumerate() {
        let new = next(&expected, turn as u8 + 2);
        replace(writer, &new, Expected::Revision(expected.revision)).await;
        expected = new;
        for reader in [&before, &after] {
            assert_eq!(*load(reader, id).await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn a_session_under_a_key_that_is_not_here_is_an_error_that_names_the_key_and_is_kept() {
    let behind = MemoryStorage::new();
    let new = node(&behind, &KeyRing::new(key(1)).rotate(key(2)));
    let record = stored();
    let id = create(&new, &record).await;
    // It has not been given the new key: that there is no session is not for it to say.
    let early = node(&behind, &KeyRing::new(key(1)));
    let error = load(&early, id).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains(&key(2).id().to_string()), "{cause}");
    assert_eq!(*load(&new, id).await.unwrap(), record);
}

#[tokio::test]
async fn a_write_within_the_epoch_by_a_node_without_the_new_key_leaves_a_session_to_those_that_have_both() {
    let behind = MemoryStorage::new();
    let both = node(&behind, &KeyRing::new(key(1)).rotate(key(2)));
    let record = stored();
    let id = create(&both, &record).await;
    let early = node(&behind, &KeyRing::new(key(1)));
    let second = next(&record, 2);
    replace(&early, &second, Expected::Epoch(record.epoch)).await;
    assert_eq!(*load(&both, id).await.unwrap(), second);
}

#[tokio::test]
async fn a_session_under_a_revoked_key_is_none() {
    let (behind, record) = (MemoryStorage::new(), stored());
    let id = create(&node(&behind, &KeyRing::new(key(1))), &record).await;
    let keys = KeyRing::new(key(1)).rotate(key(2)).revoke(key(1).id());
    let error = load(&node(&behind, &keys), id).await.unwrap_err();
    assert!(
        matches!(error, StorageError::Unreadable(RecordError::Damaged(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_upcoming_key_seals_nothing() {
    let (behind, record) = (MemoryStorage::new(), stored());
    let storage = node(&behind, &KeyRing::new(key(1)).with_upcoming(key(2)));
    create(&storage, &record).await;
    assert_eq!(under(&behind, &record, &key(1)).await, (true, true));
    let second = next(&record, 2);
    replace(&storage, &second, Expected::Revision(record.revision)).await;
    assert_eq!(under(&behind, &record, &key(1)).await, (true, true));
}

#[test]
fn keys_that_contradict_each_other_are_a_mistake() {
    let twice = KeyRing::new(key(1)).rotate(key(2)).rotate(key(1));
    let built = EncryptedStorage::new(MemoryStorage::new(), &twice);
    assert!(matches!(built, Err(ConfigError::DuplicateKey)));
}

#[tokio::test]
async fn a_session_beyond_what_can_be_kept_is_refused_and_not_written() {
    let behind = MemoryStorage::new();
    let storage = node(&behind, &KeyRing::new(key(1)));
    let mut record = stored();
    record.client_context = Some(vec![7; 5 << 20].into());
    let id = key_of(&record);
    let now = sessions_core::storage::contract::NOW;
    let created = storage.create(id, record.clone().into(), now).await;
    assert!(matches!(created, Err(StorageError::Unavailable(_))));
    let expected = Expected::Revision(Revision([0; 16]));
    let replaced = storage.replace(id, record.into(), expected, now).await;
    assert!(matches!(replaced, Err(StorageError::Unavailable(_))));
    assert!(!behind.delete(id, now).await.unwrap());
}
