//! An application whose sessions are in Redis: what a request costs, and what it is told when Redis is away.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use servers::Redis;
use tests::{client::Client, process::Process};

/// The application, in a process of its own.
fn application(kind: &str, redis: &Redis, staleness: Duration) -> (Process, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_session_server"));
    command
        .arg(kind)
        .arg(redis.url())
        .arg(staleness.as_millis().to_string());
    let process = Process::start(command).unwrap();
    let listening = |line: &str| line.strip_prefix("Listening on http://")?.parse().ok();
    let address = process.wait_for(Duration::from_secs(30), listening).unwrap();
    (process, address)
}

/// What Redis is told, as it says itself.
struct Monitor {
    seeing: BufReader<TcpStream>,
    telling: TcpStream,
    marks: u32,
}

impl Monitor {
    fn of(redis: &Redis) -> Self {
        let connect = || TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
        let mut seeing = connect();
        seeing.write_all(b"MONITOR\r\n").unwrap();
        let mut seeing = BufReader::new(seeing);
        seeing.read_line(&mut String::new()).unwrap();
        Self {
            seeing,
            telling: connect(),
            marks: 0,
        }
    }

    /// How many commands about sessions came since it was asked last. What a script does of itself is no round trip.
    fn since_last(&mut self) -> usize {
        self.marks += 1;
        let mark = format!("mark{}", self.marks);
        self.telling
            .write_all(format!("ECHO {mark}\r\n").as_bytes())
            .unwrap();
        let mut count = 0;
        loop {
            let mut line = String::new();
            self.seeing.read_line(&mut line).unwrap();
            if line.contains(&mark) {
                return count;
            }
            count += usize::from(line.contains("\"sessions:") && !line.contains(" lua] "));
        }
    }
}

fn logged_in(address: SocketAddr) -> Client {
    let mut client = Client::new(address);
    assert_eq!(client.send("POST", "/login", &[], b"").unwrap().status, 204);
    client
}

/// So that each worker has its connection, and Redis knows the scripts.
fn warmed_up(client: &mut Client) {
    for _ in 0..20 {
        assert_eq!(client.send("POST", "/add", &[], b"").unwrap().status, 200);
    }
}

#[test]
fn a_request_costs_a_round_trip_to_read_another_to_write_and_none_without_a_session() {
    let redis = Redis::start();
    let (_process, address) = application("redis", &redis, Duration::ZERO);
    let mut client = logged_in(address);
    warmed_up(&mut client);
    assert_eq!(client.send("POST", "/write/0", &[], b"").unwrap().status, 204);
    let mut monitor = Monitor::of(&redis);
    monitor.since_last();
    for count in (21..).step_by(2).take(10) {
        assert_eq!(client.get("/about").unwrap().text(), "about");
        assert_eq!(monitor.since_last(), 0, "a session that nobody asks for");
        assert_eq!(client.get("/").unwrap().text(), count.to_string());
        assert_eq!(monitor.since_last(), 1, "a session that is read");
        assert_eq!(client.send("POST", "/write/0", &[], b"").unwrap().status, 204);
        assert_eq!(monitor.since_last(), 2, "a session that is read and set");
        let updated = client.send("POST", "/add", &[], b"").unwrap().text();
        assert_eq!(updated, (count + 2).to_string());
        assert_eq!(monitor.since_last(), 2, "a session that is read and updated");
    }
}

/// The index is read and compared each time that it is changed; a session is one command.
#[test]
fn a_login_costs_five_round_trips_and_a_logout_four() {
    let redis = Redis::start();
    let (_process, address) = application("redis", &redis, Duration::ZERO);
    // Redis knows the scripts, and each worker has its connection.
    for _ in 0..20 {
        let mut client = logged_in(address);
        assert_eq!(client.send("POST", "/logout", &[], b"").unwrap().status, 204);
    }
    let mut monitor = Monitor::of(&redis);
    monitor.since_last();
    let mut client = logged_in(address);
    assert_eq!(monitor.since_last(), 5);
    assert_eq!(client.send("POST", "/logout", &[], b"").unwrap().status, 204);
    assert_eq!(monitor.since_last(), 4);
}

#[test]
fn a_session_that_redis_tells_of_costs_no_round_trip_to_read() {
    let redis = Redis::start();
    let (_process, address) = application("tracked-redis", &redis, Duration::from_secs(60));
    let mut client = logged_in(address);
    warmed_up(&mut client);
    let mut monitor = Monitor::of(&redis);
    let began = Instant::now();
    // The message of the last write may take it back once more.
    loop {
        monitor.since_last();
        for _ in 0..100 {
            assert_eq!(client.get("/").unwrap().text(), "20");
        }
        if monitor.since_last() == 0 {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it costs some for ever"
        );
    }
    assert_eq!(client.send("POST", "/add", &[], b"").unwrap().text(), "21");
    assert!(
        (1..=2).contains(&monitor.since_last()),
        "an update is decided in Redis"
    );
}

/// The limit of one operation is 2 s, and a request waits for two.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn without_redis_whoever_needs_no_session_is_answered_and_the_others_are_told_503_in_time() {
    for how in ["killed", "hanging"] {
        let redis = Redis::start();
        let (_process, address) = application("redis", &redis, Duration::ZERO);
        let mut client = logged_in(address);
        warmed_up(&mut client);
        match how {
            "killed" => redis.kill(),
            _ => redis.pause(),
        }
        let mut stranger = Client::new(address);
        for _ in 0..5 {
            assert_eq!(client.get("/about").unwrap().text(), "about", "{how}");
            assert_eq!(
                stranger.get("/").unwrap().text(),
                "nobody",
                "{how}: without a token nobody is asked"
            );
        }
        for (method, path) in [
            ("GET", "/"),
            ("POST", "/add"),
            ("POST", "/write/0"),
            ("POST", "/logout"),
        ] {
            let asked = Instant::now();
            let answer = client.send(method, path, &[], b"").unwrap();
            assert_eq!(
                (answer.status, answer.text()),
                (503, String::new()),
                "{how}: {method} {path}"
            );
            assert!(answer.header("set-cookie").is_none(), "{how}: {method} {path}");
            assert!(
                asked.elapsed() < LIMIT,
                "{how}: {method} {path} took {:?}",
                asked.elapsed()
            );
        }
        match how {
            "killed" => redis.run_again(),
            _ => redis.resume(),
        }
        let began = Instant::now();
        let answer = loop {
            let answer = client.get("/").unwrap();
            if answer.status == 200 {
                break answer;
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{how}: it does not come back"
            );
        };
        assert_eq!(
            answer.text(),
            "20",
            "{how}: nobody was logged out, and nothing was lost"
        );
    }
}
