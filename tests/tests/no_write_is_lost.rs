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
/// Of so many acknowledged writes another server may not know when it takes the place of the one that is lost: of those of
/// some hundredths of a second.
const REPLICATED_LATE: u64 = 100;
/// What is acknowledged so shortly before a server is lost may be lost with it.
const AT_ONCE: Duration = Duration::from_millis(500);
const RACES: u64 = 1000;
const THREADS: u64 = 8;
/// How old a copy may be where others write, too; so short that a test can wait for its end.
const STALENESS: Duration = Duration::from_millis(100);
/// A clock of milliseconds may say that less has passed.
const ROUNDING: Duration = Duration::from_millis(2);

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
            cached: kind.starts_with("cached-") || kind.starts_with("tracked-"),
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
    let unknown = if servers == 1 { 0 } else { UNKNOWN };
    counts(kind, servers, &Allowed { unknown, lost: 0 }, |_, _| {});
}

/// The same while the server is killed half-way and runs again.
fn counts_what_was_acknowledged(kind: &str) {
    counts_but_for(kind, 0);
}

/// The same where another server takes its place, which may not have got yet what was acknowledged last.
fn counts_what_was_replicated(kind: &str) {
    counts_but_for(kind, REPLICATED_LATE);
}

fn counts_but_for(kind: &str, lost: u64) {
    let allowed = Allowed {
        // At most one for each client and each connection that was lost.
        unknown: 10 * CLIENTS,
        lost,
    };
    counts(kind, 2, &allowed, |place, acknowledged| {
        while acknowledged.load(Ordering::Relaxed) < INCREMENTS / 2 {
            thread::sleep(Duration::from_millis(1));
        }
        place.lose_a_server();
    });
}

/// What may not be as it was acknowledged.
struct Allowed {
    unknown: u64,
    lost: u64,
}

/// `disturb` is done meanwhile.
fn counts(kind: &str, servers: usize, allowed: &Allowed, disturb: impl FnOnce(&Place, &AtomicU64)) {
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
    assert!(unknown <= allowed.unknown, "of {unknown} nobody knows");
    assert!(
        (INCREMENTS - allowed.lost..=INCREMENTS + unknown).contains(&counted),
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

/// Who a server says that the client is, once its storage has answered: one that has too much to do tells nothing of anybody.
fn who(client: &mut Client) -> String {
    loop {
        let answer = client.get("/").unwrap();
        match answer.status {
            200 => return answer.text().to_owned(),
            status => assert_eq!(status, 503),
        }
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
            loop {
                let asked = over.elapsed();
                if who(&mut client) == "nobody" {
                    break;
                }
                assert!(servers.may_be_stale(), "a logout was undone");
                assert!(
                    asked < STALENESS + ROUNDING,
                    "a copy lasts for longer than {STALENESS:?}"
                );
            }
            // It is over for good. The cookie was removed.
            assert_eq!(who(&mut kept.clone()), "nobody");
        }
    }
    over.elapsed()
}

/// Logins and logouts while a server is killed half-way and another one takes its place. Whoever has logged out since then is
/// out; of those before, all but who did so at the last moment.
fn logouts_last_but_for_the_last_before_a_failover(kind: &str) {
    const LOGOUTS: u64 = 4000;
    let servers = Servers::start(kind, 2);
    let done = AtomicU64::new(0);
    let (lost, left): (Instant, Vec<(Client, Instant)>) = thread::scope(|scope| {
        let leaving = (0..THREADS).map(|number| {
            let (servers, done) = (&servers, &done);
            scope.spawn(move || {
                let mut left = Vec::new();
                for _ in 0..LOGOUTS / THREADS {
                    let mut client = servers.logged_in();
                    client.moved_to(servers.address(number));
                    let kept = client.clone();
                    while client.send("POST", "/logout", &[], b"").unwrap().status != 204 {}
                    left.push((kept, Instant::now()));
                    done.fetch_add(1, Ordering::Relaxed);
                }
                left
            })
        });
        let leaving: Vec<_> = leaving.collect();
        while done.load(Ordering::Relaxed) < LOGOUTS / 2 {
            thread::sleep(Duration::from_millis(1));
        }
        let lost = Instant::now();
        servers.place.lose_a_server();
        let left = leaving.into_iter().flat_map(|left| left.join().unwrap());
        (lost, left.collect())
    });
    let late = left.iter().filter(|(_, when)| *when > lost).count();
    let mut undone = 0;
    for (mut client, when) in left {
        let who = who(&mut client);
        if who != "nobody" {
            undone += 1;
            assert!(
                when <= lost + AT_ONCE,
                "a logout was undone of after a server was lost"
            );
            assert!(
                lost.saturating_duration_since(when) < AT_ONCE,
                "and one of long before"
            );
        }
    }
    println!("{kind}: of {LOGOUTS} logouts {undone} were undone, and {late} came after a server was lost");
    assert!(late > 0, "nobody has left since");
    assert!(undone <= REPLICATED_LATE, "{undone} logouts were undone");
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

#[test]
fn ten_thousand_increments_by_four_processes_in_redis_are_ten_thousand() {
    counts_exactly("redis", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_that_redis_tells_of_changes_are_ten_thousand() {
    counts_exactly("tracked-redis", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_a_cluster_are_ten_thousand() {
    counts_exactly("redis-cluster", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_on_the_master_of_sentinels_are_ten_thousand() {
    counts_exactly("redis-sentinels", 4);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_redis_are_not_undone() {
    no_logout_is_undone("redis", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_a_cluster_are_not_undone() {
    no_logout_is_undone("redis-cluster", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_that_redis_tells_of_changes_are_seen_by_both() {
    no_logout_is_undone("tracked-redis", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_that_a_cluster_tells_of_changes_are_seen_by_both() {
    no_logout_is_undone("tracked-redis-cluster", 2);
}

#[test]
fn no_increment_is_lost_when_redis_is_killed_half_way_and_runs_again() {
    counts_what_was_acknowledged("redis");
}

#[test]
fn no_replicated_increment_is_lost_when_a_node_of_a_cluster_is_killed_half_way() {
    counts_what_was_replicated("redis-cluster-in-one-slot");
}

#[test]
fn no_replicated_increment_is_lost_when_the_master_of_sentinels_is_killed_half_way() {
    counts_what_was_replicated("redis-sentinels");
}

#[test]
fn no_replicated_logout_is_undone_when_a_node_of_a_cluster_is_killed_half_way() {
    logouts_last_but_for_the_last_before_a_failover("redis-cluster-in-one-slot");
}

#[test]
fn no_replicated_logout_is_undone_when_the_master_of_sentinels_is_killed_half_way() {
    logouts_last_but_for_the_last_before_a_failover("redis-sentinels");
}
