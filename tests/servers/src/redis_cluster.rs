//! A cluster of Redis.

use std::collections::BTreeSet;

use crate::{
    ports,
    process::wait_until,
    redis::{KEEPS, Redis, words},
};

/// All of a cluster's.
const SLOTS: u16 = 16_384;

/// How many masters it starts with, each with one replica.
const MASTERS: u16 = 3;

/// Three masters and a replica of each. Which is which changes, as they are killed.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

/// What one node says of one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Member {
    id: String,
    port: u16,
    bus: String,
    /// Without `myself`, which is another one with every node that is asked.
    flags: BTreeSet<String>,
    /// Whose replica it is.
    master: String,
    slots: Vec<(u16, u16)>,
}

impl RedisCluster {
    /// One that is stopped when it is dropped.
    ///
    /// # Panics
    /// Redis is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let cluster = Self {
            nodes: (0..2 * MASTERS).map(|_| node()).collect(),
        };
        let nodes = &cluster.nodes;
        for (epoch, node) in (1..).zip(nodes) {
            // As `redis-cli` does, so that they need not quarrel about them.
            node.tell(&["CLUSTER", "SET-CONFIG-EPOCH", &format!("{epoch}")]);
        }
        let (masters, replicas) = nodes.split_at(usize::from(MASTERS));
        for (index, master) in (0..MASTERS).zip(masters) {
            let from = |index: u16| u32::from(SLOTS) * u32::from(index) / u32::from(MASTERS);
            let (first, last) = (from(index).to_string(), (from(index + 1) - 1).to_string());
            master.tell(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        }
        for node in &nodes[1..] {
            meet(node, &nodes[0]);
        }
        for (replica, master) in replicas.iter().zip(masters) {
            let id = master.tell(&["CLUSTER", "MYID"]);
            // It has to have heard of it.
            wait_until(
                || replica.ask(&["CLUSTER", "REPLICATE", &id]).is_ok(),
                || "a node of a cluster does not hear of the others".to_owned(),
            );
        }
        cluster.wait_until_whole();
        cluster
    }

    /// Where the nodes are.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The nodes, to kill one and run it again.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// Which of the nodes own slots, as most that answer say now.
    ///
    /// # Panics
    /// None answers.
    pub fn masters(&self) -> Vec<usize> {
        let members = self.members();
        let owns = |node: &Redis| {
            let mut members = members.iter();
            members.any(|member| member.port == node.port() && !member.slots.is_empty())
        };
        (0..self.nodes.len())
            .filter(|&index| owns(&self.nodes[index]))
            .collect()
    }

    /// Until every node runs, all say the same of each, and every replica has what its master has.
    ///
    /// # Panics
    /// That is not so in a minute.
    pub fn wait_until_whole(&self) {
        wait_until(
            || self.is_whole(),
            || format!("a cluster does not become whole: {:?}", self.views()),
        );
    }

    /// Gives a slot, and what is in it, to another master. That others learn of it takes a moment, as it always does.
    ///
    /// # Panics
    /// A node does not do as it is told.
    pub fn move_slot(&self, slot: u16, to: usize) {
        self.begin_to_move(slot, to);
        self.end_to_move(slot, to);
    }

    /// The first half: what was in the slot is with the other master, and the slot is not. Who asks for a key of it is told
    /// to ask there.
    ///
    /// # Panics
    /// A node does not do as it is told.
    pub fn begin_to_move(&self, slot: u16, to: usize) {
        let (from, to) = (self.owner(slot), &self.nodes[to]);
        let slot = &slot.to_string();
        let set = |node: &Redis, state: &str, other: &Redis| {
            let id = other.tell(&["CLUSTER", "MYID"]);
            node.tell(&["CLUSTER", "SETSLOT", slot, state, &id]);
        };
        set(to, "IMPORTING", from);
        set(from, "MIGRATING", to);
        let port = to.port().to_string();
        loop {
            let keys = from.tell(&["CLUSTER", "GETKEYSINSLOT", slot, "100"]);
            if keys.is_empty() {
                break;
            }
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            migrate.extend(keys.lines());
            from.tell(&migrate);
        }
    }

    /// The second half.
    ///
    /// # Panics
    /// A node does not do as it is told.
    pub fn end_to_move(&self, slot: u16, to: usize) {
        let (from, to) = (self.owner(slot), &self.nodes[to]);
        let id = to.tell(&["CLUSTER", "MYID"]);
        let set = ["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", &id];
        // First, because without an owner the slot would be lost if this one were killed in between.
        to.tell(&set);
        for node in &self.nodes {
            // Replicas hear of it from others; so may, before, whoever had no other slot, and be a replica by now.
            let _ = node.ask(&set);
        }
        let has = || owner(&members(from)?, slot).map(|owner| owner.port);
        wait_until(
            || has() == Some(to.port()),
            || format!("slot {slot} is not given away"),
        );
    }

    /// Adds a master without slots, and says which of the nodes it is.
    ///
    /// # Panics
    /// Redis does not start.
    pub fn start_empty_master(&mut self) -> usize {
        let new = node();
        let known = self.nodes.iter().find(|node| node.ask(&["PING"]).is_ok());
        meet(
            &new,
            known.unwrap_or_else(|| panic!("no node of a cluster answers")),
        );
        self.nodes.push(new);
        self.wait_until_whole();
        self.nodes.len() - 1
    }

    /// Who has this slot now.
    ///
    /// # Panics
    /// Nobody has it.
    pub fn owner(&self, slot: u16) -> &Redis {
        let members = self.members();
        let node =
            owner(&members, slot).and_then(|owner| self.nodes.iter().find(|node| node.port() == owner.port));
        node.unwrap_or_else(|| panic!("nobody owns slot {slot}: {members:?}"))
    }

    /// What each node says.
    fn views(&self) -> Vec<Option<Vec<Member>>> {
        self.nodes.iter().map(members).collect()
    }

    /// What most nodes say that answer: one that was just run again does not know yet what it has missed.
    fn members(&self) -> Vec<Member> {
        let views: Vec<_> = self.views().into_iter().flatten().collect();
        let agree = |view: &&Vec<Member>| views.iter().filter(|other| other == view).count();
        let most = views.iter().max_by_key(agree);
        most.cloned()
            .unwrap_or_else(|| panic!("no node of a cluster answers"))
    }

    fn is_whole(&self) -> bool {
        let views = self.views();
        let Some(members) = &views[0] else { return false };
        let troubled = |member: &Member| {
            let mut flags = member.flags.iter();
            flags.any(|flag| flag != "master" && flag != "slave")
        };
        let says = |node: &Redis, section: &[&str], line: &str| {
            let answer = node.ask(section).unwrap_or_default();
            answer.lines().any(|this| this == line)
        };
        members.len() == self.nodes.len()
            && !members.iter().any(troubled)
            && views.iter().all(|view| *view == views[0])
            && self.nodes.iter().all(|node| {
                let replication = ["INFO", "replication"];
                says(node, &["CLUSTER", "INFO"], "cluster_state:ok")
                    && (says(node, &replication, "role:master")
                        || says(node, &replication, "master_link_status:up"))
            })
    }
}

/// One that belongs to no cluster yet.
fn node() -> Redis {
    Redis::launch("", |_, port| {
        let bus = ports::free().to_string();
        let own = ["--port", port, "--cluster-port", &bus, "--cluster-enabled", "yes"];
        let of_all = [
            "--cluster-config-file",
            "nodes.conf",
            "--cluster-node-timeout",
            "1000",
            // Otherwise a master waits for more replicas, for seconds, before it sends the first what it has.
            "--repl-diskless-sync-delay",
            "0",
        ];
        words(&[&own, &of_all, &KEEPS])
    })
}

/// Makes one known to the other, and so to all whom that knows.
fn meet(new: &Redis, known: &Redis) {
    let members = members(known).unwrap_or_default();
    let known = members.iter().find(|member| member.port == known.port());
    let known = known.unwrap_or_else(|| panic!("a node does not know itself: {members:?}"));
    new.tell(&[
        "CLUSTER",
        "MEET",
        "127.0.0.1",
        &known.port.to_string(),
        &known.bus,
    ]);
}

/// What a node says of all, in an order that is the same with each; nothing if it does not answer.
fn members(node: &Redis) -> Option<Vec<Member>> {
    let answer = node.ask(&["CLUSTER", "NODES"]).ok()?;
    let mut members: Vec<_> = answer.lines().filter_map(member).collect();
    members.sort();
    Some(members)
}

/// Who has a slot.
fn owner(members: &[Member], slot: u16) -> Option<&Member> {
    let has = |member: &&Member| {
        let mut slots = member.slots.iter();
        slots.any(|&(first, last)| (first..=last).contains(&slot))
    };
    members.iter().find(has)
}

/// From `ID IP:PORT@BUS FLAGS MASTER PING PONG EPOCH LINK SLOT FIRST-LAST [SLOT->-ID]`.
fn member(line: &str) -> Option<Member> {
    let words: Vec<_> = line.split_whitespace().collect();
    let &[id, address, flags, master, _, _, _, _, ref slots @ ..] = words.as_slice() else {
        return None;
    };
    let (port, bus) = address.rsplit(':').next()?.split_once('@')?;
    let range = |slots: &str| {
        let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
        // Not one in brackets, which moves.
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    let flags = flags.split(',').filter(|&flag| flag != "myself");
    Some(Member {
        id: id.to_owned(),
        port: port.parse().ok()?,
        bus: bus.split(',').next()?.to_owned(),
        flags: flags.map(str::to_owned).collect(),
        master: master.to_owned(),
        slots: slots.iter().filter_map(|slots| range(slots)).collect(),
    })
}
