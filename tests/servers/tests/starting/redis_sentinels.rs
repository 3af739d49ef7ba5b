use servers::RedisSentinels;

use crate::support::{Traces, info, talk, until};

#[test]
fn sentinels_make_a_replica_the_master_when_the_master_is_killed() {
    let all = RedisSentinels::start();
    let servers = all.servers();
    let killed = all.master();
    assert_eq!(
        talk(&servers[killed].url(), "PING\nSET a 1\nWAIT 2 10000"),
        "PONG\nOK\n2"
    );
    servers[killed].kill();
    until(|| all.master() != killed);
    let master = all.master();
    let port = servers[master].port().to_string();
    for url in all.urls() {
        let asks = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {}", all.name());
        until(|| talk(&url, &asks) == format!("127.0.0.1\n{port}"));
    }
    assert_eq!(talk(&servers[master].url(), "GET a\nSET b 2"), "1\nOK");

    servers[killed].run_again();
    all.wait_until_whole();
    assert_eq!(info(&servers[killed].url(), "master_port"), port);
    assert_eq!(talk(&servers[killed].url(), "GET b"), "2");

    // What they have agreed on is in their files.
    for killed in all.sentinels().iter().chain(servers) {
        killed.kill();
        killed.run_again();
    }
    all.wait_until_whole();
    assert_eq!(talk(&servers[all.master()].url(), "GET a\nGET b"), "1\n2");
}

#[test]
fn two_sentinels_are_enough() {
    let all = RedisSentinels::start();
    all.sentinels()[0].kill();
    let killed = all.master();
    all.servers()[killed].kill();
    until(|| all.master() != killed);
}

#[test]
fn nothing_is_left_of_sentinels_and_their_servers() {
    let all = RedisSentinels::start();
    let mut urls = all.urls();
    urls.extend(all.servers().iter().map(servers::Redis::url));
    let traces = Traces::of(&urls);
    drop(all);
    traces.are_gone();
}
