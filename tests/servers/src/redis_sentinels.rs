//! A Redis with replicas, and sentinels that make one of these the master when it fails.

use crate::{
    process::wait_until,
    redis::{KEEPS, Redis, words},
};

/// What the sentinels call the master.
const NAME: &str = "sessions";

/// How many must find that it fails.
const QUORUM: usize = 2;

/// A master, two replicas and three sentinels.
#[derive(Debug)]
pub struct RedisSentinels {
    // Before the servers, because they are dropped in this order: nothing is there to be elected any more.
    sentinels: Vec<Redis>,
    servers: Vec<Redis>,
}

impl RedisSentinels {
    /// Some that are stopped when they are dropped.
    ///
    /// # Panics
    /// Redis is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let servers: Vec<_> = (0..3).map(|_| server()).collect();
        let master = servers[0].port();
        for replica in &servers[1..] {
            replica.tell(&["REPLICAOF", "127.0.0.1", &master.to_string()]);
            // As the sentinels do, so that it is what it was when it is run again.
            replica.tell(&["CONFIG", "REWRITE"]);
        }
        let are_replicas = || servers[1..].iter().all(|server| replicates(server, master));
        // They ask the master but seldom which replicas it has.
        wait_until(are_replicas, || "Redis is not replicated".to_owned());
        let sentinels = (0..3).map(|_| sentinel(master)).collect();
        let all = Self { sentinels, servers };
        all.wait_until_whole();
        all
    }

    /// A sentinel that calls another server the master: it has not been told of a failover.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn behind(master: &Redis) -> Redis {
        sentinel(master.port())
    }

    /// Where the sentinels are.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(Redis::url).collect()
    }

    /// What the sentinels call the master.
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// The servers, to kill one and run it again.
    pub fn servers(&self) -> &[Redis] {
        &self.servers
    }

    /// The sentinels, to kill one and run it again.
    pub fn sentinels(&self) -> &[Redis] {
        &self.sentinels
    }

    /// Which of the servers most sentinels call the master now.
    ///
    /// # Panics
    /// They do not agree in a minute.
    pub fn master(&self) -> usize {
        let mut master = None;
        wait_until(
            || {
                let votes: Vec<_> = self.sentinels.iter().filter_map(vote).collect();
                let has_most = |server: &Redis| {
                    let votes = votes.iter().filter(|&&port| port == server.port());
                    votes.count() >= QUORUM
                };
                master = self.servers.iter().position(has_most);
                master.is_some()
            },
            || "the sentinels do not agree".to_owned(),
        );
        master.unwrap_or_default()
    }

    /// Until all run, the sentinels know each other and call one server the master, and the others replicate it.
    ///
    /// # Panics
    /// That is not so in a minute.
    pub fn wait_until_whole(&self) {
        wait_until(
            || self.is_whole(),
            || {
                let says = |sentinel: &Redis| sentinel.ask(&["SENTINEL", "MASTER", NAME]);
                let all: Vec<_> = self.sentinels.iter().map(says).collect();
                format!("the sentinels do not find what they should: {all:?}")
            },
        );
    }

    fn is_whole(&self) -> bool {
        let Some(master) = vote(&self.sentinels[0]) else {
            return false;
        };
        let knows_all = |sentinel: &Redis| {
            let fields = fields(sentinel, &["SENTINEL", "MASTER", NAME]);
            let has =
                |field: &str, value: &str| fields.iter().any(|(name, this)| name == field && this == value);
            has("port", &master.to_string())
                && has("flags", "master")
                && has("num-slaves", "2")
                && has("num-other-sentinels", "2")
                && sentinel.ask(&["SENTINEL", "CKQUORUM", NAME]).is_ok()
        };
        let is_as_it_should = |server: &Redis| {
            if server.port() == master {
                info(server).contains("role:master")
            } else {
                replicates(server, master)
            }
        };
        self.sentinels.iter().all(knows_all) && self.servers.iter().all(is_as_it_should)
    }
}

/// One that no sentinel knows yet.
fn server() -> Redis {
    Redis::launch("", |_, port| {
        // Otherwise a master waits for more replicas, for seconds, before it sends the first what it has.
        let at_once = ["--repl-diskless-sync-delay", "0"];
        // One that the sentinels took for dead is not to go on alone: what it acknowledged would be lost.
        let not_alone = ["--min-replicas-to-write", "1"];
        words(&[&["--port", port], &at_once, &not_alone, &KEEPS])
    })
}

fn sentinel(master: u16) -> Redis {
    let config = format!(
        "sentinel monitor {NAME} 127.0.0.1 {master} {QUORUM}\n\
         sentinel down-after-milliseconds {NAME} 500\n\
         sentinel failover-timeout {NAME} 3000\n\
         sentinel parallel-syncs {NAME} 1\n"
    );
    Redis::launch(&config, |_, port| words(&[&["--sentinel", "--port", port]]))
}

/// The port of the server that a sentinel calls the master.
fn vote(sentinel: &Redis) -> Option<u16> {
    let address = sentinel.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]);
    address.ok()?.lines().nth(1)?.parse().ok()
}

/// Whether it has what the master has that has this port.
fn replicates(server: &Redis, master: u16) -> bool {
    let info = info(server);
    let says = |line: &str| info.lines().any(|this| this == line);
    says("role:slave") && says(&format!("master_port:{master}")) && says("master_link_status:up")
}

fn info(server: &Redis) -> String {
    server.ask(&["INFO", "replication"]).unwrap_or_default()
}

/// An answer of names and values, each in a line.
fn fields(server: &Redis, words: &[&str]) -> Vec<(String, String)> {
    let answer = server.ask(words).unwrap_or_default();
    let lines: Vec<_> = answer.lines().map(str::to_owned).collect();
    let pairs = lines.chunks_exact(2);
    pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}
