//! Servers that are real processes, and clients that all come at once: no acknowledged update is lost, and no logout is
//! undone.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{
    net::SocketAddr,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use tests::{
    client::{Client, Response},
    process::Process,
    storage::Place,
};

const CLIENTS: u64 = 8;
const INCREMENTS: u64 = 10_000;
/// Of so many at most several processes may leave it open whether they were written.
const UNKNOWN: u64 = 10;
const RACES: u64 = 1000;
const THREADS: u64 = 8;
/// How old a copy may be where others write, too; so short that a test can wait for its end.
const STALENESS: Duration = Duration::from_millis(100);
/// So long that only a copy which never ends makes a test fail.
const PATIENCE: Duration = Duration::from_secs(20);

/// Servers of one storage, each a process of its own.
struct Servers {
    cached: bool,
    addresses: Vec<SocketAddr>,
    _processes: Vec<Process>,
    place: Place,
}

impl Servers {
    fn start(kind: &str, count: usize) -> Self {
        let place = Place::of(kind).unwrap();
        let started = (0..count).map(|_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_session_server"));
            let staleness = STALENESS.as_millis().to_string();
            command.arg(kind).arg(place.path()).arg(staleness);
            let process = Process::start(command).unwrap();
            let address = process
                .wait_for(Duration::from_secs(30), |line| {
                    line.strip_prefix("Listening on http://")?
                        .parse::<SocketAddr>()
                        .ok()
                })
                .unwrap();
            (address, process)
        });
        let (addresses, processes) = started.unzip();
        Self {
            cached: kind.starts_with("cached-"),
            addresses,
            _processes: processes,
            place,
        }
    }

    /// The address of one of them, by turns.
    fn address(&self, number: u64) -> SocketAddr {
        self.addresses[usize::try_from(number).unwrap() % self.addresses.len()]
    }

    /// Whether one of them may not know yet what another one has done.
    fn may_be_stale(&self) -> bool {
        self.cached && self.addresses.len() > 1
    }

    fn logged_in(&self) -> Client {
        let mut client = Client::new(self.addresses[0]);
        // Many at once are of one principal, and may have to try again.
        while client.cookie_names().is_empty() {
            let status = client.send("POST", "/login", &[], b"").unwrap().status;
            assert!(matches!(status, 204 | 503), "{status}");
        }
        client
    }
}

/// Ten thousand increments of one session, spread over all servers. Whoever is told that nothing was written tries again;
/// what nobody knows of is not tried again, and may be there or not.
fn counts_exactly(kind: &str, servers: usize) {
    // Nothing fails here. But on a machine that has too much to do, one of several processes may wait for the others for
    // longer than a storage may take, in the middle of a write.
    let allowed = if servers == 1 { 0 } else { UNKNOWN };
    counts(kind, servers, allowed, |_, _| {});
}

/// The same while the database server is killed half-way and runs again.
fn counts_what_was_acknowledged(kind: &str) {
    // At most one for each client and each connection that was lost.
    counts(kind, 2, 10 * CLIENTS, |place, acknowledged| {
        while acknowledged.load(Ordering::Relaxed) < INCREMENTS / 2 {
            thread::sleep(Duration::from_millis(1));
        }
        match place {
            Place::Postgres(server) => {
                server.kill();
                thread::sleep(Duration::from_secs(1));
                server.run_again();
            }
            Place::MariaDb(server) => {
                server.kill();
                thread::sleep(Duration::from_secs(1));
                server.run_again();
            }
            Place::Folder(_) => panic!("a folder cannot be killed"),
        }
    });
}

/// `disturb` is done meanwhile.
fn counts(kind: &str, servers: usize, allowed: u64, disturb: impl FnOnce(&Place, &AtomicU64)) {
    let began = Instant::now();
    let servers = Servers::start(kind, servers);
    let mut client = servers.logged_in();
    let (again, unknown, written) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = client.clone();
            client.moved_to(servers.address(number));
            let (again, unknown, written) = (&again, &unknown, &written);
            scope.spawn(move || {
                let mut acknowledged = 0;
                while acknowledged < INCREMENTS / CLIENTS {
                    let answer = client.send("POST", "/add", &[], b"").unwrap();
                    match (answer.status, answer.header("x-written")) {
                        (200, _) => {
                            acknowledged += 1;
                            written.fetch_add(1, Ordering::Relaxed);
                        }
                        (503, Some("no")) => drop(again.fetch_add(1, Ordering::Relaxed)),
                        (503, Some("perhaps")) => drop(unknown.fetch_add(1, Ordering::Relaxed)),
                        _ => panic!("{answer:?}"),
                    }
                }
            });
        }
        disturb(&servers.place, &written);
    });
    // Of a cache that others have written behind: what one's own update sees is what is stored.
    let last = loop {
        let answer = client.send("POST", "/add", &[], b"").unwrap();
        match (answer.status, answer.header("x-written")) {
            (200, _) => break answer,
            (503, Some("perhaps")) => drop(unknown.fetch_add(1, Ordering::Relaxed)),
            _ => assert_eq!(answer.status, 503),
        }
    };
    let (again, unknown) = (again.into_inner(), unknown.into_inner());
    let counted = last.text().parse::<u64>().unwrap() - 1;
    assert!(unknown <= allowed, "of {unknown} nobody knows");
    assert!(
        (INCREMENTS..=INCREMENTS + unknown).contains(&counted),
        "{counted}, and of {unknown} nobody knows"
    );
    println!(
        "{kind}: {counted}, {again} were told to try again, of {unknown} nobody knows, {:?}",
        began.elapsed()
    );
}

/// What those who raced with a logout were told.
#[derive(Debug, Default)]
struct Racers {
    /// One more was written.
    added: AtomicU64,
    /// They had a session when they came. What they wrote back was written, or dropped because of the logout.
    let_in: AtomicU64,
    /// There was no session any more when they came.
    refused: AtomicU64,
    /// They have met too many others, and nothing was written.
    contended: AtomicU64,
}

impl Racers {
    fn count(&self, answer: &Response) {
        let counter = match answer.status {
            200 => &self.added,
            204 => &self.let_in,
            401 => &self.refused,
            503 => &self.contended,
            _ => panic!("{answer:?}"),
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A logout while slow requests write back what they have read: nobody is logged in again, at any server; not even
/// whoever has come with such a request, and may have been given a token.
fn no_logout_is_undone(kind: &str, servers: usize) {
    let began = Instant::now();
    let servers = Servers::start(kind, servers);
    let (late, racers) = (AtomicU64::new(0), Racers::default());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (servers, late, racers) = (&servers, &late, &racers);
            scope.spawn(move || {
                for race in 0..RACES / THREADS {
                    let waited = race_a_logout(servers, race + thread, racers);
                    late.fetch_max(waited.as_micros().try_into().unwrap(), Ordering::Relaxed);
                }
            });
        }
    });
    println!(
        "{kind}: {RACES} logouts, seen by all after {:?}, {racers:?}, {:?}",
        Duration::from_micros(late.into_inner()),
        began.elapsed()
    );
    // There was a race: some came before the logout, and others after it.
    assert!(racers.added.into_inner() > 0, "nobody wrote");
    for racers in [racers.let_in, racers.refused] {
        assert!(racers.into_inner() >= RACES / 20, "it was no race");
    }
}

/// Says how long it took until all servers knew of the logout.
fn race_a_logout(servers: &Servers, race: u64, racers: &Racers) -> Duration {
    let client = servers.logged_in();
    let paths = [
        format!("/write/{}", race % 4),
        format!("/write/{}", (race / 4) % 3),
        "/add".to_owned(),
    ];
    let clients: Vec<_> = thread::scope(|scope| {
        let racing = paths.iter().zip(race..).map(|(path, server)| {
            let mut client = client.clone();
            client.moved_to(servers.address(server));
            scope.spawn(move || {
                let answer = client.send("POST", path, &[], b"").unwrap();
                racers.count(&answer);
                client
            })
        });
        let racing: Vec<_> = racing.collect();
        let mut leaving = client.clone();
        leaving.moved_to(servers.address(race / 2));
        // It may be repeated, whatever has become of it.
        while leaving.send("POST", "/logout", &[], b"").unwrap().status != 204 {}
        let racing = racing.into_iter().map(|racing| racing.join().unwrap());
        racing.chain([client.clone()]).collect()
    });
    let over = Instant::now();
    for mut client in clients {
        for &address in &servers.addresses {
            client.moved_to(address);
            let kept = client.clone();
            while client.get("/").unwrap().text() != "nobody" {
                assert!(servers.may_be_stale(), "a logout was undone");
                assert!(over.elapsed() < PATIENCE, "a copy lasts for ever");
            }
            // It is over for good. The cookie was removed.
            assert_eq!(kept.clone().get("/").unwrap().text(), "nobody");
        }
    }
    over.elapsed()
}

#[test]
fn ten_thousand_increments_in_memory_are_ten_thousand() {
    counts_exactly("memory", 1);
}

#[test]
fn ten_thousand_increments_behind_a_cache_are_ten_thousand() {
    counts_exactly("cached-memory", 1);
}

#[test]
fn ten_thousand_increments_in_a_folder_are_ten_thousand() {
    counts_exactly("directory", 1);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_a_folder_are_ten_thousand() {
    counts_exactly("directory", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_with_caches_over_a_folder_are_ten_thousand() {
    counts_exactly("cached-directory", 4);
}

#[test]
fn ten_thousand_increments_in_a_database_are_ten_thousand() {
    counts_exactly("sqlite", 1);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_a_database_are_ten_thousand() {
    counts_exactly("sqlite", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_postgres_are_ten_thousand() {
    counts_exactly("postgres", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_mariadb_are_ten_thousand() {
    counts_exactly("mariadb", 4);
}

#[test]
fn a_thousand_logouts_from_memory_are_not_undone() {
    no_logout_is_undone("memory", 1);
}

#[test]
fn a_thousand_logouts_from_a_folder_are_not_undone() {
    no_logout_is_undone("directory", 1);
}

#[test]
fn a_thousand_logouts_from_a_cached_folder_are_not_undone() {
    no_logout_is_undone("cached-directory", 1);
}

#[test]
fn a_thousand_logouts_from_a_database_are_not_undone() {
    no_logout_is_undone("sqlite", 1);
}

#[test]
fn a_thousand_logouts_from_a_cached_database_are_not_undone() {
    no_logout_is_undone("cached-sqlite", 1);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_a_folder_are_not_undone() {
    no_logout_is_undone("directory", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_a_database_are_not_undone() {
    no_logout_is_undone("sqlite", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_caches_over_a_folder_are_seen_by_both() {
    no_logout_is_undone("cached-directory", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_caches_over_a_database_are_seen_by_both() {
    no_logout_is_undone("cached-sqlite", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_postgres_are_not_undone() {
    no_logout_is_undone("postgres", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_mariadb_are_not_undone() {
    no_logout_is_undone("mariadb", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_caches_over_postgres_are_seen_by_both() {
    no_logout_is_undone("cached-postgres", 2);
}

#[test]
fn no_increment_is_lost_when_postgres_is_killed_half_way_and_runs_again() {
    counts_what_was_acknowledged("postgres");
}

#[test]
fn no_increment_is_lost_when_mariadb_is_killed_half_way_and_runs_again() {
    counts_what_was_acknowledged("mariadb");
}
