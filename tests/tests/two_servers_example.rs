//! The `two_servers` example as real processes, behind nginx, with a Redis of their own.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use servers::{Nginx, Redis};
use tests::{TestResult, client::Client, example::Example};

fn server(redis: &Redis, release: &str) -> std::io::Result<Example> {
    Example::start(
        "two_servers",
        &[("REDIS_URL", &redis.url()), ("RELEASE", release)],
    )
}

fn addresses(servers: &[Example]) -> Vec<SocketAddr> {
    servers.iter().map(Example::address).collect()
}

#[test]
fn whoever_logs_in_at_one_server_is_logged_in_and_out_at_both() -> TestResult {
    let redis = Redis::start();
    let servers = [server(&redis, "1")?, server(&redis, "1")?];
    let mut client = servers[0].client();
    assert_eq!(client.get("/")?.status, 401);
    assert_eq!(client.post_form("/login", &[("user", "ada")])?.status, 204);
    client.moved_to(servers[1].address());
    assert_eq!(
        client.post_form("/add", &[("item", "tea")])?.text(),
        "ada: 1 tea\n"
    );
    client.moved_to(servers[0].address());
    assert_eq!(
        client.post_form("/add", &[("item", "tea")])?.text(),
        "ada: 2 tea\n"
    );
    let kept = client.clone();
    assert_eq!(client.post_form("/logout", &[])?.status, 204);
    for address in addresses(&servers) {
        let mut other = kept.clone();
        other.moved_to(address);
        assert_eq!(other.get("/")?.status, 401);
    }
    Ok(())
}

/// What a client sees while servers are replaced.
struct Shopper {
    name: String,
    client: Client,
    bought: u32,
}

impl Shopper {
    fn logged_in(name: String, at: SocketAddr) -> std::io::Result<Self> {
        let mut client = Client::new(at);
        assert_eq!(client.post_form("/login", &[("user", &name)])?.status, 204);
        Ok(Self {
            name,
            client,
            bought: 0,
        })
    }

    fn shop(&mut self) {
        self.bought += 1;
        let added = self.client.post_form("/add", &[("item", "tea")]);
        let added = added.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let expected = format!("{}: {} tea\n", self.name, self.bought);
        assert_eq!((added.status, added.text()), (200, expected.clone()));
        let listed = self.client.get("/");
        let listed = listed.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert_eq!((listed.status, listed.text()), (200, expected));
    }
}

#[test]
fn a_rolling_deploy_with_a_changed_data_class_loses_nobody_and_nothing() -> TestResult {
    let redis = Redis::start();
    let mut servers = vec![server(&redis, "1")?, server(&redis, "1")?];
    let nginx = Nginx::in_front_of(&addresses(&servers));
    let names = (0..4).map(|number| format!("user{number}"));
    let shoppers: std::io::Result<Vec<_>> = names
        .map(|name| Shopper::logged_in(name, nginx.address()))
        .collect();
    let (over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| -> TestResult {
        for mut shopper in shoppers? {
            let (over, rounds) = (&over, &rounds);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    shopper.shop();
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let deployed = deploy(&redis, &mut servers, &nginx, &rounds);
        over.store(true, Ordering::Relaxed);
        deployed
    })?;
    println!("{} rounds of two requests", rounds.into_inner());
    Ok(())
}

/// All by the second release, one after the other, and then by the third; and back to the second.
fn deploy(redis: &Redis, servers: &mut [Example], nginx: &Nginx, rounds: &AtomicUsize) -> TestResult {
    some_rounds(rounds);
    for release in ["2", "3", "2"] {
        for number in 0..servers.len() {
            let mut old = std::mem::replace(&mut servers[number], server(redis, release)?);
            nginx.reload(&addresses(servers));
            some_rounds(rounds);
            old.end()?;
            some_rounds(rounds);
        }
    }
    Ok(())
}

/// Until everybody has met both servers.
fn some_rounds(rounds: &AtomicUsize) {
    let (before, began) = (rounds.load(Ordering::Relaxed), Instant::now());
    while rounds.load(Ordering::Relaxed) < before + 50 {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody gets an answer");
        thread::sleep(Duration::from_millis(5));
    }
}
