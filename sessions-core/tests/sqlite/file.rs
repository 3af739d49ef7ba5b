//! A file of one's own.

use std::{
    env, fs,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use sessions_core::storage::{
    Created, SessionStorage, SqliteStorage,
    contract::{NOW, full_record, record},
};
use sqlx::{Connection as _, SqliteConnection};

use crate::{KEY, assert_unavailable, folder, load, options, pool};

#[tokio::test]
async fn sessions_outlast_the_storage() {
    let (_folder, path) = folder();
    let stored = full_record();
    let storage = SqliteStorage::open(&path).await.unwrap();
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    drop(storage);
    let storage = SqliteStorage::open(&path).await.unwrap();
    assert_eq!(*load(&storage).await.unwrap().unwrap(), stored);
}

#[tokio::test]
async fn a_file_without_its_log_has_what_was_written_when_it_was_closed() {
    let (_folder, path) = folder();
    let stored = full_record();
    let pool = pool(&path).await;
    let storage = SqliteStorage::from_pool(pool.clone()).await.unwrap();
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    pool.close().await;
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();
    let storage = SqliteStorage::open(&copy).await.unwrap();
    assert_eq!(*load(&storage).await.unwrap().unwrap(), stored);
}

#[cfg(unix)]
#[tokio::test]
async fn its_files_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = folder();
    let storage = SqliteStorage::open(&path).await.unwrap();
    storage.create(KEY, full_record().into(), NOW).await.unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{entry:?}"
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["sessions.db", "sessions.db-shm", "sessions.db-wal"]);
}

#[tokio::test]
async fn no_folder_is_made() {
    let (folder, _) = folder();
    let path = folder.path().join("below").join("sessions.db");
    assert_unavailable(SqliteStorage::open(path).await);
    assert!(!folder.path().join("below").exists());
    assert_unavailable(SqliteStorage::open(folder.path()).await);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    let text = "a letter to somebody, and no database at all".repeat(100);
    fs::write(&path, &text).unwrap();
    assert_unavailable(SqliteStorage::open(&path).await);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_no_file_makes_none() {
    let (folder, path) = folder();
    let elsewhere = folder.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_unavailable(SqliteStorage::open(&path).await);
    assert!(!elsewhere.exists());
}

#[tokio::test]
async fn a_name_that_means_something_to_sqlite_is_a_file() {
    const HERE: &str = "SESSIONS_TEST_HERE";
    let names = [":memory:", "file:x?mode=memory", "a b%20c?d#e.db"];
    // Of a process of its own, as the names are to stand alone.
    if env::var_os(HERE).is_some() {
        for name in names {
            SqliteStorage::open(name).await.unwrap();
        }
        return;
    }
    let (folder, _) = folder();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "file::a_name_that_means_something_to_sqlite_is_a_file"])
        .env(HERE, "")
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .status();
    assert!(child.unwrap().success());
    for name in names {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_can_be_opened_by_many_at_once() {
    for _ in 0..10 {
        let (_folder, path) = folder();
        let path = Arc::new(path);
        let opened: Vec<_> = (0..8_u8)
            .map(|number| {
                let path = path.clone();
                tokio::spawn(async move {
                    let storage = SqliteStorage::open(&*path).await.unwrap();
                    let key = sessions_core::StorageKey::from_bytes([number; 32]);
                    storage.create(key, record([]).into(), NOW).await.unwrap()
                })
            })
            .collect();
        for opened in opened {
            assert_eq!(opened.await.unwrap(), Created::Created);
        }
    }
}

#[tokio::test]
async fn it_writes_ahead() {
    let (_folder, path) = folder();
    let storage = SqliteStorage::open(&path).await.unwrap();
    storage.create(KEY, full_record().into(), NOW).await.unwrap();
    let pool = pool(&path).await;
    let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode");
    assert_eq!(mode.fetch_one(&pool).await.unwrap(), "wal");
}

#[tokio::test]
async fn its_debug_output_names_no_session() {
    let (_folder, path) = folder();
    let storage = SqliteStorage::open(&path).await.unwrap();
    storage.create(KEY, full_record().into(), NOW).await.unwrap();
    let text = format!("{storage:?}");
    assert!(text.starts_with("SqliteStorage { connections: "), "{text}");
    assert!(!text.contains("sessions.db"), "{text}");
}

#[tokio::test]
async fn a_new_file_that_somebody_writes_to_is_waited_for() {
    let (_folder, path) = folder();
    let mut other = SqliteConnection::connect_with(&options(&path)).await.unwrap();
    let mut writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::raw_sql("CREATE TABLE users (name TEXT)")
        .execute(&mut *writing)
        .await
        .unwrap();
    let mut opening = std::pin::pin!(SqliteStorage::open(&path));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut opening).await;
    assert!(early.is_err(), "{early:?}");
    writing.commit().await.unwrap();
    opening.await.unwrap().health().await.unwrap();
}

#[tokio::test]
async fn whoever_writes_elsewhere_is_waited_for_but_not_for_ever() {
    let (_folder, path) = folder();
    let storage = SqliteStorage::open(&path).await.unwrap();
    let stored = record([]);
    storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    let mut other = SqliteConnection::connect_with(&options(&path)).await.unwrap();
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    // A statement of its own, and a transaction.
    assert_unavailable(storage.delete(KEY, NOW).await);
    assert_unavailable(storage.health().await);
    let mut deleting = std::pin::pin!(storage.delete(KEY, NOW));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut deleting).await;
    assert!(early.is_err(), "{early:?}");
    writing.rollback().await.unwrap();
    assert!(deleting.await.unwrap());
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut probing = std::pin::pin!(storage.health());
    let early = tokio::time::timeout(Duration::from_millis(300), &mut probing).await;
    assert!(early.is_err(), "{early:?}");
    writing.rollback().await.unwrap();
    probing.await.unwrap();
}

#[tokio::test]
async fn whoever_stands_in_line_waits_no_longer_than_who_is_first() {
    let (_folder, path) = folder();
    let storage = SqliteStorage::open(&path).await.unwrap();
    let mut other = SqliteConnection::connect_with(&options(&path)).await.unwrap();
    let _writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    // A request gives up after two seconds, and then has to guess.
    let in_time = tokio::time::timeout(Duration::from_millis(1900), async {
        tokio::join!(
            storage.delete(KEY, NOW),
            storage.health(),
            storage.delete(KEY, NOW)
        )
    });
    let (first, second, third) = in_time.await.unwrap();
    assert_unavailable(first);
    assert_unavailable(second);
    assert_unavailable(third);
}
