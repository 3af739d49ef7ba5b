//! Logouts while others write: none is undone.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use tests::client::{Client, Response};

use crate::servers::{REPLICATED_LATE, STALENESS, Servers};

const RACES: u64 = 1000;
const THREADS: u64 = 8;
/// What is acknowledged so shortly before a server is lost may be lost with it.
const AT_ONCE: Duration = Duration::from_millis(500);
/// A clock of milliseconds may say that less has passed.
const ROUNDING: Duration = Duration::from_millis(2);

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
pub(crate) fn no_logout_is_undone(kind: &str, servers: usize) {
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
pub(crate) fn logouts_last_but_for_the_last_before_a_failover(kind: &str) {
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
