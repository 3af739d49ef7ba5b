//! A process that writes into a storage and is killed, over and over: what is there is whole, and is what was
//! acknowledged, or the one write after that.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::rt::time::{sleep, timeout};
use sessions_actix::{
    Clock as _, SystemClock, Timestamp,
    storage::{Created, Read, Reservation, Reserved, Roster, SessionIndex, SessionStorage},
};
use tests::{numbered, storage};

/// So long that only a lock which nobody lets go of makes a check fail.
const PATIENCE: Duration = Duration::from_secs(30);

async fn open(kind: &str, folder: &Path) -> Arc<dyn SessionStorage> {
    storage::open(kind, folder, Duration::ZERO).await.unwrap()
}

/// Starts a writer, kills it somewhere behind a few of its lines, and returns all that it has said. It is not the same
/// place each time; every seventh time it is within the first milliseconds, in which the storage is opened.
async fn killed(work: &str, kind: &str, folder: &Path, after: u64, kill: u64) -> Vec<(String, u64)> {
    let mut writer = Command::new(env!("CARGO_BIN_EXE_storage_writer"))
        .args([work, kind])
        .arg(folder)
        .arg(after.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let parse = |line: &str| {
        let (what, number) = line.rsplit_once(' ').unwrap();
        (what.to_owned(), number.parse().unwrap())
    };
    let (lines_before, wait) = match kill % 7 {
        0 => (0, kill * 37 % 5000),
        some => (some, kill * 37 % 2000),
    };
    let mut said: Vec<_> = (0..lines_before)
        .map(|_| parse(&lines.next().unwrap().unwrap()))
        .collect();
    sleep(Duration::from_micros(wait)).await;
    writer.kill().unwrap();
    writer.wait().unwrap();
    // It may have been told of more before it was killed.
    said.extend(lines.map(|line| parse(&line.unwrap())));
    said
}

async fn no_write_is_torn_or_lost(kind: &str, kills: u64) {
    let began = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let (key, now) = (numbered::key(0), SystemClock.now());
    let record = Arc::new(numbered::record(0, now).unwrap());
    let created = open(kind, folder.path()).await.create(key, record, now).await;
    assert_eq!(created.unwrap(), Created::Created);
    let mut stored = 0;
    for kill in 0..kills {
        let said = killed("replace", kind, folder.path(), stored, kill).await;
        let acknowledged = said.last().map_or(stored, |&(_, number)| number);
        let storage = open(kind, folder.path()).await;
        let record = storage.load(key, Read::Latest, SystemClock.now()).await.unwrap();
        stored = numbered::number(&record.unwrap()).expect("a torn record");
        assert!(
            (acknowledged..=acknowledged + 1).contains(&stored),
            "{stored} after {acknowledged}"
        );
    }
    println!("{kind}: {stored} writes, {kills} kills, {:?}", began.elapsed());
}

/// What has become of a session, as far as the writer was told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Reserved,
    Confirmed,
    Ending,
    Ended,
}

/// What the writers have said.
#[derive(Default)]
struct Told {
    sessions: BTreeMap<u64, Known>,
    /// For each principal, when its sessions were ended last.
    cut_off: BTreeMap<u64, Timestamp>,
    last: u64,
}

impl Told {
    fn hear(&mut self, said: Vec<(String, u64)>) {
        for (what, number) in said {
            let known = match what.as_str() {
                "reserved" => {
                    self.last = number;
                    Known::Reserved
                }
                "confirmed" => Known::Confirmed,
                "ending" => Known::Ending,
                "ended" => Known::Ended,
                "cut off" => {
                    let principal = self.last % numbered::PRINCIPALS;
                    self.cut_off.insert(principal, Timestamp::from_millis(number));
                    continue;
                }
                unknown => panic!("{unknown}"),
            };
            self.sessions.insert(number, known);
        }
    }

    /// Compares it with what is there.
    async fn check(&self, storage: &dyn SessionStorage) {
        let index = storage.index().unwrap();
        let now = SystemClock.now();
        let mut members = Vec::new();
        for principal in 0..numbered::PRINCIPALS {
            let of = index.members(numbered::index(principal), now).await.unwrap();
            members.extend(of.iter().map(|member| numbered::member_number(member).unwrap()));
        }
        for (&number, known) in &self.sessions {
            let record = storage
                .load(numbered::key(number), Read::Latest, now)
                .await
                .unwrap();
            if let Some(record) = &record {
                assert_eq!(numbered::number(record), Some(number));
            }
            match known {
                Known::Confirmed => {
                    assert!(record.is_some(), "{number} is lost");
                    assert!(members.contains(&number), "{number} is not in the index");
                }
                Known::Ended => assert!(record.is_none(), "{number} has come back"),
                Known::Reserved if !members.contains(&number) => lapses(index, number, now).await,
                Known::Reserved | Known::Ending => {}
            }
        }
        for (&principal, &cut_off) in &self.cut_off {
            cut_off_holds(index, principal, cut_off).await;
        }
    }

    /// Ends what was left halfway, as its deadline would, so that there is never more than of one writer; what has ended
    /// is looked for a few times more.
    async fn tidy(&mut self, storage: &dyn SessionStorage) {
        let (index, now, last) = (storage.index().unwrap(), SystemClock.now(), self.last);
        for (&number, known) in &mut self.sessions {
            if matches!(known, Known::Reserved | Known::Ending) {
                storage.delete(numbered::key(number), now).await.unwrap();
                let released = index.release(numbered::index(number), numbered::key(number), now);
                released.await.unwrap();
                *known = Known::Ended;
            }
        }
        self.sessions
            .retain(|&number, known| *known != Known::Ended || number + 20 > last);
    }
}

/// A place that was only reserved can be taken by nobody a minute later.
async fn lapses(index: &dyn SessionIndex, number: u64, now: Timestamp) {
    let later = now.after(Roster::LEASE);
    let confirmed = index.confirm(numbered::index(number), numbered::key(number), later);
    assert!(!confirmed.await.unwrap(), "the lease of {number} has not run out");
}

/// Whoever began before the sessions of a principal were ended is refused.
async fn cut_off_holds(index: &dyn SessionIndex, principal: u64, cut_off: Timestamp) {
    let number = u64::MAX;
    let record = numbered::record(number, cut_off).unwrap();
    let late = Reservation {
        session: numbered::member(&record, number),
        began: Timestamp::from_millis(cut_off.as_millis() - 1),
        replaces: None,
        limit: None,
    };
    let reserved = index.reserve(numbered::index(principal), late, SystemClock.now());
    assert_eq!(reserved.await.unwrap(), Reserved::CutOff);
}

async fn no_login_or_logout_is_lost(kind: &str, kills: u64) {
    let began = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    for kill in 0..kills {
        told.hear(killed("index", kind, folder.path(), told.last + 1, kill).await);
        let storage = open(kind, folder.path()).await;
        let checked = timeout(PATIENCE, async {
            told.check(&*storage).await;
            told.tidy(&*storage).await;
        });
        checked.await.expect("somebody who is gone holds a lock");
    }
    println!(
        "{kind}: {} logins, {kills} kills, {:?}",
        told.last,
        began.elapsed()
    );
}

#[actix_web::test]
async fn a_writer_that_is_killed_a_thousand_times_tears_nothing_and_loses_nothing_acknowledged() {
    no_write_is_torn_or_lost("directory", 1000).await;
}

#[actix_web::test]
async fn nor_does_one_that_does_not_wait_for_the_disk() {
    no_write_is_torn_or_lost("directory-without-fsync", 1000).await;
}

#[actix_web::test]
async fn nor_does_one_that_writes_into_a_database() {
    no_write_is_torn_or_lost("sqlite", 300).await;
}

#[actix_web::test]
async fn one_that_logs_in_and_out_and_is_killed_leaves_an_index_that_misses_nothing() {
    no_login_or_logout_is_lost("directory", 500).await;
}

#[actix_web::test]
async fn so_it_does_without_waiting_for_the_disk() {
    no_login_or_logout_is_lost("directory-without-fsync", 500).await;
}

#[actix_web::test]
async fn so_it_does_in_a_database() {
    no_login_or_logout_is_lost("sqlite", 300).await;
}
