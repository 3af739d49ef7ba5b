//! A process that writes into a folder and is killed, a thousand times: what is there is whole, and is what it was told
//! was written, or the write after that.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use sessions_actix::{
    Clock as _, Fingerprint, Payload, PublicId, Record, Revision, Schema, SecretHash, Secrets, StorageKey,
    SystemClock, Times,
    storage::{Created, DirectoryStorage, Read, SessionStorage as _},
};
use tests::numbered;

const KILLS: u64 = 1000;

fn record() -> Record {
    let now = SystemClock.now();
    let end = now.after(std::time::Duration::from_secs(24 * 60 * 60));
    Record {
        public_id: PublicId::from_bytes(&[1; 16]).unwrap(),
        application: "".into(),
        name: "numbered".into(),
        schema: Schema {
            version: 1,
            fingerprint: Fingerprint([0; 16]),
        },
        revision: Revision([0; 16]),
        epoch: 0,
        secrets: Secrets {
            current: SecretHash([0; 32]),
            since: now,
            next: None,
            previous: None,
            past: Vec::new(),
        },
        times: Times {
            created: now,
            authenticated: None,
            last_seen: now,
            idle_deadline: end,
            absolute_deadline: end,
            not_after: None,
            remembered: None,
        },
        principal: None,
        label: None,
        client_context: None,
        payload: Payload::new(numbered::payload(0)),
    }
}

#[actix_web::test]
async fn a_writer_that_is_killed_a_thousand_times_tears_nothing_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let storage = DirectoryStorage::open(folder.path()).unwrap();
    let key = StorageKey::from_bytes(numbered::KEY);
    let created = storage
        .create(key, Arc::new(record()), SystemClock.now())
        .await
        .unwrap();
    assert_eq!(created, Created::Created);
    let mut stored = 0;
    for kill in 0..KILLS {
        let mut writer = Command::new(env!("CARGO_BIN_EXE_directory_writer"))
            .arg(folder.path())
            .arg(stored.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut acknowledged = stored;
        for _ in 0..=kill % 3 {
            acknowledged = lines.next().unwrap().unwrap().parse().unwrap();
        }
        // Somewhere within the next write.
        let somewhere = std::time::Duration::from_micros(kill * 37 % 2000);
        actix_web::rt::time::sleep(somewhere).await;
        writer.kill().unwrap();
        writer.wait().unwrap();
        // It may have been told of more before it was killed.
        while let Some(Ok(line)) = lines.next() {
            acknowledged = line.parse().unwrap_or(acknowledged);
        }
        let record = storage
            .load(key, Read::Latest, SystemClock.now())
            .await
            .unwrap()
            .unwrap();
        stored = numbered::number(record.payload.as_bytes()).expect("a torn record");
        assert!(
            (acknowledged..=acknowledged + 1).contains(&stored),
            "{stored} after {acknowledged}"
        );
    }
}
