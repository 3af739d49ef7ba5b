//! Several processes on one file.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use sessions_core::{
    Payload, Record, Revision, StorageError,
    storage::{
        Expected, Replaced, SessionStorage, SqliteStorage,
        contract::{NOW, record},
    },
};

use crate::{KEY, folder, load};

const PROCESSES: u8 = 4;
const UPDATES: u8 = 50;
/// What tells a process that it is one of several: the file, and its number.
const FILE: &str = "SESSIONS_TEST_FILE";
const NUMBER: &str = "SESSIONS_TEST_NUMBER";

#[tokio::test]
async fn updates_of_several_processes_lose_nothing() {
    if let (Ok(file), Ok(number)) = (env::var(FILE), env::var(NUMBER)) {
        return count_up(Path::new(&file), number.parse().unwrap()).await;
    }
    let (_folder, path) = folder();
    let storage = SqliteStorage::open(&path).await.unwrap();
    storage.create(KEY, record([0, 0]).into(), NOW).await.unwrap();
    let children: Vec<_> = (1..=PROCESSES)
        .map(|number| {
            Command::new(env::current_exe().unwrap())
                .args(["--exact", "processes::updates_of_several_processes_lose_nothing"])
                .env(FILE, &path)
                .env(NUMBER, number.to_string())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let sum = u16::from(PROCESSES) * u16::from(UPDATES);
    assert_eq!(counter(&load(&storage).await.unwrap().unwrap()), sum);
}

async fn count_up(path: &Path, number: u8) {
    let storage = SqliteStorage::open(path).await.unwrap();
    for update in 0..UPDATES {
        // None is chosen twice.
        let mut revision = [number; 16];
        revision[0] = update;
        while !increment(&storage, Revision(revision)).await {}
    }
}

async fn increment(storage: &SqliteStorage, revision: Revision) -> bool {
    let stored = load(storage).await.unwrap().unwrap();
    let next = Record {
        revision,
        payload: Payload::new((counter(&stored) + 1).to_be_bytes()),
        ..(*stored).clone()
    };
    match storage
        .replace(KEY, next.into(), Expected::Revision(stored.revision), NOW)
        .await
    {
        Ok(Replaced::Done) => true,
        // SQLite keeps no order among processes, so one may wait for too long; then nothing was written.
        Ok(Replaced::Conflict) | Err(StorageError::Unavailable(_)) => false,
        other => panic!("{other:?}"),
    }
}

fn counter(record: &Record) -> u16 {
    u16::from_be_bytes(record.payload.as_bytes().try_into().unwrap())
}
