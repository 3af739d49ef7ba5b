//! Servers that are real processes, and clients that all come at once: no acknowledged update is lost, and no logout is
//! undone.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{
    net::SocketAddr,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use tests::{client::Client, process::Process};

const CLIENTS: u64 = 16;
const INCREMENTS: u64 = 10_000;
const RACES: usize = 1000;

/// Servers of one storage, each a process of its own.
struct Servers {
    addresses: Vec<SocketAddr>,
    _processes: Vec<Process>,
    _folder: tempfile::TempDir,
}

impl Servers {
    fn start(kind: &str, count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let started = (0..count).map(|_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_session_server"));
            command.arg(kind).arg(folder.path()).arg("5000");
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
            addresses,
            _processes: processes,
            _folder: folder,
        }
    }

    fn logged_in(&self) -> Client {
        let mut client = Client::new(self.addresses[0]);
        assert_eq!(client.send("POST", "/login", &[], b"").unwrap().status, 204);
        client
    }
}

/// Ten thousand increments of one session, spread over all servers; whoever is told to try again does.
fn counts_exactly(kind: &str, servers: usize) {
    let servers = Servers::start(kind, servers);
    let client = servers.logged_in();
    let again = AtomicU64::new(0);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = client.clone();
            let (servers, again) = (&servers, &again);
            client.moved_to(servers.addresses[usize::try_from(number).unwrap() % servers.addresses.len()]);
            scope.spawn(move || {
                for _ in 0..INCREMENTS / CLIENTS {
                    loop {
                        match client.send("POST", "/add", &[], b"").unwrap().status {
                            200 => break,
                            503 => again.fetch_add(1, Ordering::Relaxed),
                            status => panic!("{status}"),
                        };
                    }
                }
            });
        }
    });
    // Of a cache that others have written behind: what one's own update sees is what is stored.
    let mut client = client;
    let last = client.send("POST", "/add", &[], b"").unwrap();
    assert_eq!(last.text(), (INCREMENTS + 1).to_string());
    println!("{kind}: {} were told to try again", again.into_inner());
}

/// A logout while slow requests write back what they have read: nobody is logged in again.
fn no_logout_is_undone(kind: &str) {
    let servers = Servers::start(kind, 1);
    let threads = 8;
    thread::scope(|scope| {
        for thread in 0..threads {
            let servers = &servers;
            scope.spawn(move || {
                for race in 0..RACES / threads {
                    let client = servers.logged_in();
                    thread::scope(|scope| {
                        for wait in [race % 4, (race + thread) % 3] {
                            let mut slow = client.clone();
                            scope.spawn(move || {
                                slow.send("POST", &format!("/write/{wait}"), &[], b"").unwrap()
                            });
                        }
                        let mut adding = client.clone();
                        scope.spawn(move || adding.send("POST", "/add", &[], b"").unwrap());
                        let mut leaving = client.clone();
                        scope.spawn(move || {
                            assert_eq!(leaving.send("POST", "/logout", &[], b"").unwrap().status, 204)
                        });
                    });
                    assert_eq!(client.clone().get("/").unwrap().text(), "nobody");
                }
            });
        }
    });
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
fn a_thousand_logouts_from_memory_are_not_undone() {
    no_logout_is_undone("memory");
}

#[test]
fn a_thousand_logouts_from_a_folder_are_not_undone() {
    no_logout_is_undone("directory");
}

#[test]
fn a_thousand_logouts_from_a_cached_folder_are_not_undone() {
    no_logout_is_undone("cached-directory");
}

#[test]
fn ten_thousand_increments_in_a_database_are_ten_thousand() {
    counts_exactly("sqlite", 1);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_a_database_are_ten_thousand() {
    counts_exactly("sqlite", 4);
}
