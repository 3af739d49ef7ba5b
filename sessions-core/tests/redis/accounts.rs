//! With no more rights than it needs.

use std::{sync::Arc, time::Duration};

use crate::cluster::SLOT_OF_TEST;
use redis::{Client, TlsCertificates, cmd};
use servers::{Redis, RedisCluster};
use sessions_core::{
    StorageError, StorageKey,
    storage::{
        Expected, Read, RedisServers, RedisStorage, SessionIndex as _, SessionStorage,
        contract::{self, NOW, record},
    },
};

/// As the documentation of `RedisStorage` has it.
const COMMANDS: &str =
    "+evalsha +eval +get +set +getrange +setrange +pexpire +del +scan +info +role +client|tracking";
const IN_A_CLUSTER: &str = "+cluster|info +cluster|slots +asking";

fn make_account(url: &str, keys: &str, commands: &[&str]) {
    let mut admin = Client::open(url).unwrap().get_connection().unwrap();
    let mut account = cmd("ACL");
    account
        .arg("SETUSER")
        .arg("shop")
        .arg("on")
        .arg(">enigma")
        .arg(keys);
    for command in commands.iter().flat_map(|commands| commands.split(' ')) {
        account.arg(command);
    }
    account.exec(&mut admin).unwrap();
}

/// It is told of changes, too.
async fn does_everything(servers: &RedisServers) {
    let open = async || {
        let storage = RedisStorage::connect_to(servers.clone()).await;
        Arc::new(storage.unwrap().tracked()) as Arc<dyn SessionStorage>
    };
    contract::it_is_healthy(open().await).await;
    contract::a_replace_at_the_revision_keeps_a_touch(open().await).await;
    contract::a_replace_within_the_epoch_keeps_the_secrets(open().await).await;
    contract::a_delete_is_true_once(open().await).await;
    contract::an_expired_session_makes_room(open().await).await;
    contract::a_purge_counts_what_it_frees(open().await).await;
    contract::parallel_logins_keep_to_the_limit(open().await).await;
    contract::sessions_are_counted_and_deleted_by_name(open().await).await;
    let storage = open().await;
    let key = StorageKey::from_bytes([1; 32]);
    storage.create(key, record(*b"value").into(), NOW).await.unwrap();
    while !storage.load(key, Read::Any, NOW).is_ready() {
        storage.load(key, Read::Any, NOW).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(storage.delete(key, NOW).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_with_the_documented_rights_does_for_everything() {
    let server = Redis::start();
    make_account(&server.url(), "~shop:*", &[COMMANDS]);
    let url = format!("redis://shop:enigma@127.0.0.1:{}", server.port());
    let servers = RedisServers::one(url).unwrap();
    does_everything(&servers.clone().prefix("shop:")).await;
    // Not elsewhere.
    let error = RedisStorage::connect_to(servers.prefix("bank:"))
        .await
        .unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    assert!(format!("{error:?}").contains("NoPerm"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn so_does_one_in_a_cluster_whose_slots_move() {
    let cluster = RedisCluster::start();
    for url in cluster.urls() {
        make_account(&url, "~{test}:*", &[COMMANDS, IN_A_CLUSTER]);
    }
    let url = |port| format!("redis://shop:enigma@127.0.0.1:{port}");
    let known: Vec<_> = cluster.nodes().iter().map(|node| url(node.port())).collect();
    let servers = RedisServers::cluster(known).unwrap().prefix("{test}:");
    does_everything(&servers).await;
    let storage = RedisStorage::connect_to(servers).await.unwrap();
    let key = StorageKey::from_bytes([2; 32]);
    storage.create(key, record(*b"value").into(), NOW).await.unwrap();
    let owner = cluster.owner(SLOT_OF_TEST).port();
    let to = cluster
        .masters()
        .into_iter()
        .find(|&node| cluster.nodes()[node].port() != owner);
    let to = to.unwrap();
    cluster.begin_to_move(SLOT_OF_TEST, to);
    assert!(storage.load(key, Read::Latest, NOW).await.unwrap().is_some());
    let stored = storage.load(key, Read::Latest, NOW).await.unwrap().unwrap();
    let expected = Expected::Revision(stored.revision);
    storage.replace(key, stored, expected, NOW).await.unwrap();
    cluster.end_to_move(SLOT_OF_TEST, to);
    assert!(storage.delete(key, NOW).await.unwrap());
}

#[tokio::test]
async fn a_wrong_password_is_unavailable_and_not_told() {
    let server = Redis::start_with(&["--requirepass", "enigma"]);
    let url = format!("redis://:wrong-one@127.0.0.1:{}", server.port());
    let error = RedisStorage::connect(&url).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    let told = format!("{error:?}");
    assert!(!told.contains("wrong-one") && !told.contains("enigma"), "{told}");
    let url = format!("redis://:enigma@127.0.0.1:{}", server.port());
    RedisStorage::connect(&url).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn prefixes_do_not_meet() {
    let server = Redis::start();
    // What is a pattern to Redis is none here.
    let open = async |prefix: &str| {
        let servers = RedisServers::one(server.url()).unwrap().prefix(prefix);
        RedisStorage::connect_to(servers).await.unwrap()
    };
    let (one, other) = (open("[a-z]*:").await, open("a*:").await);
    let key = StorageKey::from_bytes([1; 32]);
    one.create(key, record(*b"value").into(), NOW).await.unwrap();
    assert!(other.load(key, Read::Latest, NOW).await.unwrap().is_none());
    other.create(key, record(*b"value").into(), NOW).await.unwrap();
    let count = async |storage: &RedisStorage| storage.count("", "contract", NOW).await.unwrap();
    assert_eq!((count(&one).await, count(&other).await), (1, 1));
    assert_eq!(one.delete_some("", "contract", 10, NOW).await.unwrap(), 1);
    assert_eq!((count(&one).await, count(&other).await), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_by_tls_is_checked_against_its_certificate() {
    let server = Redis::start_with_tls();
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(std::fs::read(server.certificate_authority()).unwrap()),
    };
    let trusted = Client::build_with_tls(server.tls_url(), certificates).unwrap();
    let servers = RedisServers::one(trusted.get_connection_info().clone()).unwrap();
    let open = async || {
        let storage = RedisStorage::connect_to(servers.clone()).await;
        Arc::new(storage.unwrap().tracked()) as Arc<dyn SessionStorage>
    };
    contract::it_is_healthy(open().await).await;
    contract::parallel_updates_lose_nothing(open().await).await;
    // Signed by nobody whom the system trusts.
    let error = RedisStorage::connect(&server.tls_url()).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    assert!(
        format!("{error:?}").to_lowercase().contains("certificate"),
        "{error:?}"
    );
    // And none by plain words to such a server.
    let plain = server.tls_url().replace("rediss:", "redis:");
    let error = RedisStorage::connect(&plain).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
}
