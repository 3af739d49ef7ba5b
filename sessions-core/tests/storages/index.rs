//! What the indexes of these storages do beyond the contract.

use std::{
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use sessions_core::{
    Principal, Record, StorageError, StorageKey, Timestamp,
    storage::{
        CachedStorage, DirectoryStorage, IndexKey, Member, MemoryStorage, Read, Reservation, Reserved,
        Roster, SessionIndex, SessionStorage,
        contract::{NOW, record},
    },
};
use tempfile::TempDir;

use crate::around::Around;

const KEY: StorageKey = StorageKey::from_bytes([7; 32]);

/// Anna's session, which ends after half an hour if it is idle, and after eight at the latest.
fn annas() -> Record {
    let mut record = record([]);
    record.application = "shop".into();
    record.name = "login".into();
    record.principal = Some(Principal::new("anna"));
    record
}

fn anna() -> IndexKey {
    IndexKey::new("shop", "login", &Principal::new("anna"))
}

fn place(key: StorageKey, record: &Record) -> Reservation {
    Reservation {
        session: Member {
            key,
            public_id: record.public_id.clone(),
            created: record.times.created,
            ends: record.times.absolute_deadline,
        },
        began: NOW,
        replaces: None,
        limit: None,
    }
}

async fn log_in(storage: &impl SessionStorage, key: StorageKey, record: &Record) {
    let index = storage.index().unwrap();
    let reserved = index.reserve(anna(), place(key, record), NOW).await.unwrap();
    assert_eq!(reserved, Reserved::Reserved);
    storage.create(key, record.clone().into(), NOW).await.unwrap();
    assert!(index.confirm(anna(), key, NOW).await.unwrap());
}

async fn members(storage: &impl SessionStorage, now: Timestamp) -> Vec<StorageKey> {
    let members = storage.index().unwrap().members(anna(), now).await.unwrap();
    members.into_iter().map(|member| member.key).collect()
}

mod memory {
    use super::*;

    fn principals(storage: &MemoryStorage, count: usize) -> bool {
        format!("{storage:?}").ends_with(&format!("principals: {count} }}"))
    }

    #[tokio::test]
    async fn who_has_no_session_takes_no_memory() {
        let storage = MemoryStorage::new();
        assert_eq!(members(&storage, NOW).await, []);
        assert!(!storage.confirm(anna(), KEY, NOW).await.unwrap());
        assert!(principals(&storage, 0));
        log_in(&storage, KEY, &annas()).await;
        assert!(principals(&storage, 1));
        storage.release(anna(), KEY, NOW).await.unwrap();
        assert!(principals(&storage, 0));
    }

    #[tokio::test]
    async fn an_expired_session_takes_its_place_with_it() {
        let storage = MemoryStorage::new();
        log_in(&storage, KEY, &annas()).await;
        let end = annas().times.deadline();
        assert_eq!(members(&storage, end).await, [KEY]);
        assert_eq!(storage.purge_expired(10, end).await.unwrap(), 1);
        assert!(principals(&storage, 0));
    }

    #[tokio::test]
    async fn who_does_not_come_back_is_forgotten() {
        let storage = MemoryStorage::new();
        log_in(&storage, KEY, &annas()).await;
        storage.cut_off(anna(), NOW).await.unwrap();
        storage.delete(KEY, NOW).await.unwrap();
        storage.release(anna(), KEY, NOW).await.unwrap();
        let end = NOW.after(Roster::CUT_OFF_KEPT);
        storage.purge_expired(10, NOW).await.unwrap();
        assert!(principals(&storage, 1));
        storage.purge_expired(10, end).await.unwrap();
        assert!(principals(&storage, 0));
    }

    #[tokio::test]
    async fn as_many_are_forgotten_at_once_as_a_purge_may_free() {
        let storage = MemoryStorage::new();
        for number in 0..1000 {
            let whose = IndexKey::new("shop", "login", &Principal::new(&number.to_string()));
            storage.cut_off(whose, NOW).await.unwrap();
        }
        assert!(principals(&storage, 1000));
        let end = NOW.after(Roster::CUT_OFF_KEPT);
        storage.purge_expired(300, end).await.unwrap();
        assert!(principals(&storage, 700));
        storage.purge_expired(1000, end).await.unwrap();
        assert!(principals(&storage, 0));
    }

    #[tokio::test]
    async fn sessions_that_are_deleted_by_name_take_their_places_with_them() {
        let storage = MemoryStorage::new();
        log_in(&storage, KEY, &annas()).await;
        assert_eq!(storage.delete_some("shop", "login", 10, NOW).await.unwrap(), 1);
        assert!(principals(&storage, 0));
    }
}

mod directory {
    use super::*;

    fn folder() -> (TempDir, PathBuf) {
        let around = TempDir::new().unwrap();
        let path = around.path().join("sessions");
        (around, path)
    }

    fn file(path: &Path) -> PathBuf {
        path.join("by").join(anna().to_string())
    }

    fn rosters(path: &Path) -> usize {
        fs::read_dir(path.join("by")).unwrap().count()
    }

    #[tokio::test]
    async fn the_index_outlasts_the_storage() {
        let (_around, path) = folder();
        log_in(&DirectoryStorage::open(&path).unwrap(), KEY, &annas()).await;
        let storage = DirectoryStorage::open(&path).unwrap();
        assert_eq!(members(&storage, NOW).await, [KEY]);
    }

    #[tokio::test]
    async fn a_principal_has_one_file_for_as_long_as_there_is_a_session() {
        let (_around, path) = folder();
        let storage = DirectoryStorage::open(&path).unwrap();
        members(&storage, NOW).await;
        assert!(!storage.confirm(anna(), KEY, NOW).await.unwrap());
        assert_eq!(rosters(&path), 0);
        log_in(&storage, KEY, &annas()).await;
        assert!(file(&path).exists());
        assert_eq!(rosters(&path), 1);
        storage.release(anna(), KEY, NOW).await.unwrap();
        assert_eq!(rosters(&path), 0);
        assert!(fs::read_dir(path.join(".locks")).unwrap().count() <= 2);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_index_is_the_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let (_around, path) = folder();
        let storage = DirectoryStorage::open(&path).unwrap();
        log_in(&storage, KEY, &annas()).await;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path.join("by")), 0o700);
        assert_eq!(mode(&file(&path)), 0o600);
        for lock in fs::read_dir(path.join(".locks")).unwrap() {
            assert_eq!(mode(&lock.unwrap().path()), 0o600);
        }
    }

    #[tokio::test]
    async fn an_unreadable_roster_is_said_to_be_and_left_alone() {
        let (_around, path) = folder();
        let storage = DirectoryStorage::open(&path).unwrap();
        log_in(&storage, KEY, &annas()).await;
        let whole = fs::read(file(&path)).unwrap();
        for garbage in [&b""[..], b"garbage", &whole[..whole.len() - 1]] {
            fs::write(file(&path), garbage).unwrap();
            let errors = [
                storage
                    .reserve(anna(), place(KEY, &annas()), NOW)
                    .await
                    .unwrap_err(),
                storage.confirm(anna(), KEY, NOW).await.unwrap_err(),
                storage.release(anna(), KEY, NOW).await.unwrap_err(),
                storage.members(anna(), NOW).await.unwrap_err(),
                storage.cut_off(anna(), NOW).await.unwrap_err(),
            ];
            for error in errors {
                assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
            }
            storage.purge_expired(10, Timestamp::MAX).await.unwrap();
            assert_eq!(fs::read(file(&path)).unwrap(), garbage);
            storage.create(KEY, annas().into(), NOW).await.unwrap();
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_in_the_place_of_a_roster_is_not_followed() {
        let (around, path) = folder();
        let storage = DirectoryStorage::open(&path).unwrap();
        log_in(&storage, KEY, &annas()).await;
        let elsewhere = around.path().join("elsewhere");
        fs::rename(file(&path), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, file(&path)).unwrap();
        let error = storage.members(anna(), NOW).await.unwrap_err();
        assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
    }

    #[tokio::test]
    async fn what_a_crash_has_left_is_written_over() {
        let (_around, path) = folder();
        let storage = DirectoryStorage::open(&path).unwrap();
        for number in 0..64 {
            fs::write(
                path.join(format!(".locks/by-{number:02x}.draft")),
                "half a roster",
            )
            .unwrap();
        }
        log_in(&storage, KEY, &annas()).await;
        assert_eq!(members(&storage, NOW).await, [KEY]);
        assert_eq!(rosters(&path), 1);
    }

    #[tokio::test]
    async fn a_purge_takes_places_and_those_who_do_not_come_back() {
        let (_around, path) = folder();
        let storage = DirectoryStorage::open(&path).unwrap();
        log_in(&storage, KEY, &annas()).await;
        let end = annas().times.deadline();
        assert_eq!(members(&storage, end).await, [KEY]);
        assert_eq!(storage.purge_expired(10, end).await.unwrap(), 1);
        assert_eq!(rosters(&path), 0);
        storage.cut_off(anna(), end).await.unwrap();
        storage.purge_expired(10, end).await.unwrap();
        assert_eq!(rosters(&path), 1);
        storage
            .purge_expired(10, end.after(Roster::CUT_OFF_KEPT))
            .await
            .unwrap();
        assert_eq!(rosters(&path), 0);
    }

    #[tokio::test]
    async fn nobody_is_told_that_all_have_ended_when_one_cannot_be_read() {
        let (_around, path) = folder();
        let storage = DirectoryStorage::open(&path).unwrap();
        fs::write(path.join("00".repeat(32)), "garbage").unwrap();
        log_in(&storage, KEY, &annas()).await;
        let error = storage.delete_some("shop", "login", 10, NOW).await.unwrap_err();
        assert!(matches!(error, StorageError::Unreadable(_)), "{error:?}");
        assert_eq!(storage.load(KEY, Read::Latest, NOW).await.unwrap(), None);
        assert_eq!(rosters(&path), 0);
        assert_eq!(storage.count("shop", "login", NOW).await.unwrap(), 0);
    }
}

mod cached {
    use super::*;

    #[tokio::test]
    async fn no_copy_outlasts_a_deletion_by_name() {
        let storage = CachedStorage::new(MemoryStorage::new());
        log_in(&storage, KEY, &annas()).await;
        assert!(storage.load(KEY, Read::Any, NOW).await.unwrap().is_some());
        storage.delete_some("shop", "login", 10, NOW).await.unwrap();
        assert_eq!(storage.load(KEY, Read::Any, NOW).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_load_that_began_before_a_deletion_by_name_leaves_no_copy() {
        let memory = MemoryStorage::new();
        let mut behind = Around::new(memory.clone());
        behind.slow = true;
        let storage = CachedStorage::new(behind);
        memory.create(KEY, annas().into(), NOW).await.unwrap();
        let mut load = storage.load(KEY, Read::Any, NOW);
        let mut context = Context::from_waker(Waker::noop());
        // It has read, and is held up on its way back.
        for _ in 0..2 {
            assert!(Pin::new(&mut load).poll(&mut context).is_pending());
        }
        storage.delete_some("shop", "login", 10, NOW).await.unwrap();
        assert!(load.await.unwrap().is_some());
        assert_eq!(storage.load(KEY, Read::Any, NOW).await.unwrap(), None);
    }

    #[test]
    fn there_is_an_index_where_there_is_one_behind() {
        assert!(CachedStorage::new(MemoryStorage::new()).index().is_some());
    }

    #[tokio::test]
    async fn a_deletion_that_is_given_up_leaves_no_copy() {
        let storage = CachedStorage::new(MemoryStorage::new());
        log_in(&storage, KEY, &annas()).await;
        // The memory has done it before it is waited for.
        drop(storage.delete_some("shop", "login", 10, NOW));
        assert_eq!(storage.load(KEY, Read::Any, NOW).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_index_shows_what_is_stored() {
        let behind = MemoryStorage::new();
        let storage = CachedStorage::new(behind.clone());
        log_in(&storage, KEY, &annas()).await;
        behind.release(anna(), KEY, NOW).await.unwrap();
        assert_eq!(members(&storage, NOW.after(Duration::from_millis(1))).await, []);
    }
}
