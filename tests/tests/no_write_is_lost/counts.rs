//! Increments by clients that all come at once: no acknowledged one is lost.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use tests::storage::Place;

use crate::servers::{REPLICATED_LATE, Servers};

const CLIENTS: u64 = 8;
const INCREMENTS: u64 = 10_000;
/// Of so many at most several processes may leave it open whether they were written.
const UNKNOWN: u64 = 10;

/// Ten thousand increments of one session, spread over all servers. Whoever is told that nothing was written tries again;
/// what nobody knows of is not tried again, and may be there or not.
pub(crate) fn counts_exactly(kind: &str, servers: usize) {
    // Nothing fails here. But on a machine that has too much to do, one of several processes may wait for the others for
    // longer than a storage may take, in the middle of a write.
    let unknown = if servers == 1 { 0 } else { UNKNOWN };
    counts(kind, servers, &Allowed { unknown, lost: 0 }, |_, _| {});
}

/// The same while the server is killed half-way and runs again.
pub(crate) fn counts_what_was_acknowledged(kind: &str) {
    counts_but_for(kind, 0);
}

/// The same where another server takes its place, which may not have got yet what was acknowledged last.
pub(crate) fn counts_what_was_replicated(kind: &str) {
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
