use std::{os::unix::fs::PermissionsExt as _, process::Command, thread, time::Duration};

use servers::Redis;

use crate::support::{Traces, info, talk, talk_with};

#[test]
fn a_redis_that_is_killed_runs_again_where_it_was_with_what_it_had() {
    let redis = Redis::start();
    assert_eq!(talk(&redis.url(), "PING\nSET a 1"), "PONG\nOK");
    let before = info(&redis.url(), "process_id");
    redis.kill();
    assert!(talk(&redis.url(), "PING").contains("Connection refused"));
    redis.run_again();
    assert_eq!(talk(&redis.url(), "GET a"), "1");
    assert_ne!(info(&redis.url(), "process_id"), before);
    assert_eq!(redis.url(), format!("redis://127.0.0.1:{}", redis.port()));
}

#[test]
fn a_paused_redis_answers_when_it_goes_on() {
    let redis = Redis::start();
    redis.pause();
    let url = redis.url();
    let answer = thread::spawn(move || talk(&url, "PING"));
    thread::sleep(Duration::from_millis(200));
    assert!(!answer.is_finished());
    redis.resume();
    assert_eq!(answer.join().unwrap(), "PONG");
}

#[test]
fn a_redis_has_the_settings_that_it_is_given() {
    let redis = Redis::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let asked = talk(&redis.url(), "CONFIG GET maxmemory-policy\nCONFIG GET maxmemory");
    assert_eq!(asked, "maxmemory-policy\nallkeys-lru\nmaxmemory\n104857600");
}

#[test]
fn a_redis_has_users_that_may_do_what_they_are_let() {
    let shop = ["--user", "shop", "on", ">secret", "~sessions:*", "+@all"];
    let redis = Redis::start_with(&[&shop[..], &["--user", "default", "off"]].concat());
    let url = format!("redis://shop:secret@127.0.0.1:{}", redis.port());
    let one_restart_later = || {
        redis.kill();
        redis.run_again();
    };
    for restart in [&(|| ()) as &dyn Fn(), &one_restart_later] {
        restart();
        assert_eq!(talk(&url, "SET sessions:a 1"), "OK");
        assert!(talk(&url, "SET other:a 1").contains("NOPERM"));
        assert!(talk(&redis.url(), "SET sessions:a 1").contains("NOAUTH"));
    }
}

#[test]
fn a_redis_with_tls_shows_a_certificate_that_its_authority_vouches_for() {
    let redis = Redis::start_with_tls();
    let authority = redis.certificate_authority();
    let trusting = ["--cacert", authority.to_str().unwrap()];
    let talk_tls = |url: &str| talk_with(&[&["-u", url], &trusting[..]].concat(), "PING");
    assert_eq!(talk_tls(&redis.tls_url()), "PONG");
    assert!(talk(&redis.tls_url(), "PING").contains("certificate verify failed"));
    assert_ne!(talk(&redis.url(), "PING"), "PONG");
    for name in ["-verify_hostname localhost", "-verify_ip 127.0.0.1"] {
        let mut verify = Command::new("openssl");
        verify
            .args(["verify", "-x509_strict", "-purpose", "sslserver"])
            .args(name.split(' '));
        verify.arg("-CAfile").arg(&authority);
        let verified = verify
            .arg(authority.with_file_name("server.crt"))
            .output()
            .unwrap();
        assert!(verified.status.success(), "{verified:?}");
    }
    redis.kill();
    redis.run_again();
    assert_eq!(talk_tls(&redis.tls_url()), "PONG");
}

#[test]
fn everyone_may_read_the_authority_and_nobody_its_key() {
    let redis = Redis::start_with_tls();
    let authority = redis.certificate_authority();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode();
    assert_eq!(mode(authority.parent().unwrap()) & 0o007, 0o001);
    assert_eq!(mode(&authority) & 0o004, 0o004);
    assert_eq!(mode(&authority.with_file_name("ca.key")) & 0o077, 0);
    assert_eq!(mode(&authority.with_file_name("server.key")) & 0o077, 0);
}

#[test]
fn many_start_at_once_each_with_a_port_of_its_own() {
    let start = || thread::spawn(Redis::start);
    let starting: Vec<_> = (0..10).map(|_| start()).collect();
    let all: Vec<_> = starting
        .into_iter()
        .map(|starting| starting.join().unwrap())
        .collect();
    let mut ports: Vec<_> = all.iter().map(Redis::port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), all.len());
}

#[test]
fn nothing_is_left_of_a_redis() {
    let redis = Redis::start();
    let traces = Traces::of(&[redis.url()]);
    drop(redis);
    traces.are_gone();
}
