use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::{self, Command},
};

use servers::RedisCluster;

use crate::support::{Traces, talk, talk_with, until};

/// Of a key that tests use.
const SLOT: u16 = 15_495;

/// Without following redirections.
fn ask(cluster: &RedisCluster, node: usize, command: &str) -> String {
    talk_with(&["-u", &cluster.urls()[node]], command)
}

#[test]
fn a_cluster_serves_every_key_by_every_node() {
    let cluster = RedisCluster::shared();
    assert_eq!(cluster.nodes().len(), 6);
    assert_eq!(cluster.masters().len(), 3);
    for url in cluster.urls() {
        assert_eq!(talk(&url, "PING\nSET a 1\nGET a"), "PONG\nOK\n1");
        assert_eq!(talk(&url, "SET b 1\nSET c 1"), "OK\nOK");
    }
}

#[test]
fn a_cluster_elects_another_master_when_one_is_killed() {
    let cluster = RedisCluster::start();
    let killed = 2;
    let other = &cluster.urls()[0];
    assert_eq!(talk(other, "SET a 1\nWAIT 1 10000"), "OK\n1");
    assert!(cluster.masters().contains(&killed));
    cluster.nodes()[killed].kill();
    until(|| !cluster.masters().contains(&killed));
    assert_eq!(cluster.masters().len(), 3);
    until(|| talk(other, "GET a") == "1");
    cluster.nodes()[killed].run_again();
    cluster.wait_until_whole();
    assert!(ask(&cluster, killed, "ROLE").starts_with("slave"));
    assert_eq!(talk(&cluster.urls()[killed], "GET a"), "1");
}

#[test]
fn a_cluster_that_is_killed_runs_again_with_what_it_had() {
    let cluster = RedisCluster::start();
    assert_eq!(talk(&cluster.urls()[0], "SET a 1\nSET b 2"), "OK\nOK");
    for node in cluster.nodes() {
        node.kill();
    }
    for node in cluster.nodes() {
        node.run_again();
    }
    cluster.wait_until_whole();
    assert_eq!(talk(&cluster.urls()[0], "GET a\nGET b"), "1\n2");
    assert_eq!(cluster.masters().len(), 3);
}

#[test]
fn a_slot_moves_with_its_keys_in_two_halves() {
    let mut cluster = RedisCluster::start();
    let url = cluster.urls()[0].clone();
    assert_eq!(talk(&url, "CLUSTER KEYSLOT a"), SLOT.to_string());
    let tagged = "SET a 1\nSET {a}b 2\nSET {a}c 3 PX 600000";
    assert_eq!(talk(&url, tagged), "OK\nOK\nOK");
    let from = cluster.masters()[2];
    let to = cluster.start_empty_master();
    assert_eq!((to, cluster.nodes().len()), (6, 7));
    assert!(!cluster.masters().contains(&to));

    cluster.begin_to_move(SLOT, to);
    let port = cluster.nodes()[to].port();
    assert_eq!(
        ask(&cluster, from, "GET a"),
        format!("ASK {SLOT} 127.0.0.1:{port}")
    );
    assert_eq!(ask(&cluster, to, "ASKING\nGET {a}b"), "OK\n2");
    assert!(!cluster.masters().contains(&to));

    cluster.end_to_move(SLOT, to);
    assert_eq!(
        ask(&cluster, from, "GET a"),
        format!("MOVED {SLOT} 127.0.0.1:{port}")
    );
    assert_eq!(ask(&cluster, to, "MGET a {a}b {a}c"), "1\n2\n3");
    cluster.wait_until_whole();
    assert_eq!(cluster.masters(), [0, 1, 2, to]);

    cluster.move_slot(SLOT, from);
    cluster.wait_until_whole();
    assert_eq!(ask(&cluster, from, "MGET a {a}b {a}c"), "1\n2\n3");
}

#[test]
fn nothing_is_left_of_a_cluster() {
    let mut cluster = RedisCluster::start();
    cluster.start_empty_master();
    let traces = Traces::of(&cluster.urls());
    drop(cluster);
    traces.are_gone();
}

#[test]
fn nothing_is_left_of_a_cluster_that_tests_share_when_they_have_ended() {
    let folder = env::temp_dir().join(format!("tests-{}", process::id()));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    let mut tests = Command::new(env::current_exe().unwrap());
    let test = "redis_cluster::a_cluster_serves_every_key_by_every_node";
    let run = tests.args(["--exact", test]).env("TMPDIR", &folder);
    let output = run.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("1 passed"), "{printed}");
    // Each folder goes when its server is gone.
    until(|| fs::read_dir(&folder).unwrap().next().is_none());
    fs::remove_dir(&folder).unwrap();
}
