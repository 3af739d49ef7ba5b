//! What has gone wrong in session libraries of others, by the number under which it is known, and does not happen here.
//! `ktor`, `actix_session` and `tower_sessions` beside this have what those libraries prove or get wrong themselves.

mod caches_and_logs;
mod cookies;
mod crypto;
mod files;
mod fixation;
mod formats;
mod lost_updates;
mod resurrection;
mod scene;

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use servers::{MariaDb, Postgres, Redis};
use sessions_actix::{
    Sessions, SessionsBuilder,
    storage::{
        CachedStorage, DirectoryStorage, MemoryStorage, MySqlStorage, PostgresStorage, RedisStorage,
        SessionStorage, SqliteStorage,
    },
};
use sqlx::{MySqlPool, PgPool};
use tempfile::TempDir;

use self::scene::Scene;
use crate::support::Visits;

/// Each kind of place where a server keeps sessions, and the ones with copies.
const KINDS: [&str; 8] = [
    "memory",
    "directory",
    "cached-directory",
    "sqlite",
    "postgres",
    "mariadb",
    "redis",
    "tracked-redis",
];

/// A storage of one kind, in a folder of its own or on a server that all tests of this process share.
struct Kept {
    kind: &'static str,
    storage: Arc<dyn SessionStorage>,
    _folder: TempDir,
}

impl Kept {
    /// An application of this name. Two kinds of storage that share a server have two.
    fn application(&self, name: &str) -> String {
        format!("{name} in {}", self.kind)
    }

    fn builder(&self, name: &str) -> SessionsBuilder {
        Sessions::builder().application(&self.application(name))
    }

    /// With `Visits` in it.
    async fn scene(&self, name: &str) -> Scene {
        Scene::of(
            self.builder(name)
                .server_side::<Visits>(Arc::clone(&self.storage)),
        )
        .await
    }
}

async fn every_storage() -> Vec<Kept> {
    let mut all = Vec::new();
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        all.push(Kept {
            kind,
            storage: open(kind, folder.path()).await,
            _folder: folder,
        });
    }
    all
}

async fn open(kind: &str, folder: &Path) -> Arc<dyn SessionStorage> {
    // Copies last for longer than any test, so that it is no question of time whether one is used.
    const STALENESS: Duration = Duration::from_secs(3600);
    let redis = async || RedisStorage::connect(&Redis::shared().url()).await.unwrap();
    let directory = || DirectoryStorage::open(folder).unwrap();
    match kind {
        "memory" => Arc::new(MemoryStorage::new()),
        "directory" => Arc::new(directory()),
        "cached-directory" => Arc::new(CachedStorage::new(directory()).staleness(STALENESS)),
        "sqlite" => Arc::new(SqliteStorage::open(folder.join("sessions.db")).await.unwrap()),
        // Through pools that wait for as long as a machine takes that has much to do.
        "postgres" => {
            let pool = PgPool::connect(&Postgres::shared().url()).await.unwrap();
            Arc::new(PostgresStorage::from_pool(pool).await.unwrap())
        }
        "mariadb" => {
            let pool = MySqlPool::connect(&MariaDb::shared().url()).await.unwrap();
            Arc::new(MySqlStorage::from_pool(pool).await.unwrap())
        }
        "redis" => Arc::new(redis().await),
        "tracked-redis" => Arc::new(redis().await.tracked().staleness(STALENESS)),
        unknown => panic!("there is no storage `{unknown}`"),
    }
}

/// What a Redis answers to this, line by line.
fn ask(redis: &Redis, words: &[&str]) -> Vec<String> {
    let port = redis.port().to_string();
    let asked = Command::new("redis-cli")
        .args(["-p", &port, "--raw"])
        .args(words)
        .output()
        .unwrap();
    assert!(asked.status.success(), "{asked:?}");
    let answer = String::from_utf8(asked.stdout).unwrap();
    let lines = answer.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}
