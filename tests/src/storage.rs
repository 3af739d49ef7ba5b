//! The storages that several processes share, by their names.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use sessions_actix::storage::{
    CachedStorage, DirectoryStorage, MemoryStorage, MySqlStorage, PostgresStorage, RedisServers,
    RedisStorage, SessionStorage, SqliteStorage,
};

/// Where sessions of one kind are kept, for as long as it lives.
#[derive(Debug)]
pub enum Place {
    /// A folder of its own.
    Folder(tempfile::TempDir),
    /// A server of its own.
    Postgres(servers::Postgres),
    /// A server of its own.
    MariaDb(servers::MariaDb),
    /// A server of its own.
    Redis(servers::Redis),
    /// Six of its own.
    RedisCluster(servers::RedisCluster),
    /// Three of its own, and who says which of them is master.
    RedisSentinels(servers::RedisSentinels),
}

impl Place {
    /// One for this kind.
    ///
    /// # Errors
    /// No folder can be made.
    pub fn of(kind: &str) -> std::io::Result<Self> {
        let kind = kind.trim_start_matches("cached-").trim_start_matches("tracked-");
        Ok(match kind {
            "postgres" => Self::Postgres(servers::Postgres::start()),
            "mariadb" => Self::MariaDb(servers::MariaDb::start()),
            "redis" => Self::Redis(servers::Redis::start()),
            "redis-cluster" | "redis-cluster-in-one-slot" => {
                Self::RedisCluster(servers::RedisCluster::start())
            }
            "redis-sentinels" => Self::RedisSentinels(servers::RedisSentinels::start()),
            _ => Self::Folder(tempfile::tempdir()?),
        })
    }

    /// Ends the server that has the sessions of one slot, or the only one, at once, and starts it again after a while.
    ///
    /// # Panics
    /// It is a folder.
    pub fn lose_a_server(&self) {
        /// The slot of `{test}`.
        const SLOT: u16 = 6918;
        match self {
            Self::Folder(_) => panic!("a folder cannot be killed"),
            Self::Postgres(server) => restart(|| server.kill(), || server.run_again()),
            Self::MariaDb(server) => restart(|| server.kill(), || server.run_again()),
            Self::Redis(server) => restart(|| server.kill(), || server.run_again()),
            // Until another one has taken its place.
            Self::RedisCluster(cluster) => {
                let master = cluster.owner(SLOT);
                master.kill();
                while cluster.owner(SLOT).port() == master.port() {
                    thread::sleep(Duration::from_millis(100));
                }
                master.run_again();
                cluster.wait_until_whole();
            }
            Self::RedisSentinels(sentinels) => {
                let master = sentinels.master();
                sentinels.servers()[master].kill();
                while sentinels.master() == master {
                    thread::sleep(Duration::from_millis(100));
                }
                sentinels.servers()[master].run_again();
                sentinels.wait_until_whole();
            }
        }
    }

    /// What [`open`] is given to find it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().into(),
            Self::Postgres(server) => server.url().into(),
            Self::MariaDb(server) => server.url().into(),
            Self::Redis(server) => server.url().into(),
            Self::RedisCluster(cluster) => cluster.urls().join(" ").into(),
            Self::RedisSentinels(sentinels) => sentinels.urls().join(" ").into(),
        }
    }
}

/// As who looks after a server does: not at once.
fn restart(kill: impl FnOnce(), run_again: impl FnOnce()) {
    kill();
    thread::sleep(Duration::from_secs(1));
    run_again();
}

/// Opens the storage of this kind, in this folder, or at these addresses. A kind that is `cached-` or `tracked-` has copies
/// that are at most `staleness` old.
///
/// # Errors
/// When it cannot be opened, or there is none of this kind.
pub async fn open(
    kind: &str,
    place: &Path,
    staleness: Duration,
) -> Result<Arc<dyn SessionStorage>, Box<dyn Error>> {
    if let Some(kind) = kind.strip_prefix("cached-") {
        let storage = open_uncached(kind, place).await?;
        return Ok(Arc::new(CachedStorage::new(storage).staleness(staleness)));
    }
    if let Some(kind) = kind.strip_prefix("tracked-") {
        let storage = RedisStorage::connect_to(redis(kind, place)?).await?;
        return Ok(Arc::new(storage.tracked().staleness(staleness)));
    }
    open_uncached(kind, place).await
}

async fn open_uncached(kind: &str, place: &Path) -> Result<Arc<dyn SessionStorage>, Box<dyn Error>> {
    Ok(match kind {
        "memory" => Arc::new(MemoryStorage::new()),
        "directory" => Arc::new(DirectoryStorage::open(place)?),
        "directory-without-fsync" => Arc::new(DirectoryStorage::open(place)?.without_fsync()),
        "sqlite" => Arc::new(SqliteStorage::open(place.join("sessions.db")).await?),
        "postgres" => Arc::new(PostgresStorage::connect(&place.to_string_lossy()).await?),
        "mariadb" => Arc::new(MySqlStorage::connect(&place.to_string_lossy()).await?),
        kind => Arc::new(RedisStorage::connect_to(redis(kind, place)?).await?),
    })
}

fn redis(kind: &str, place: &Path) -> Result<RedisServers, Box<dyn Error>> {
    let addresses = place.to_string_lossy();
    let addresses = addresses.split(' ');
    Ok(match kind {
        "redis" => RedisServers::one(&*place.to_string_lossy())?,
        "redis-cluster" => RedisServers::cluster(addresses)?,
        // So that it is known which server has them.
        "redis-cluster-in-one-slot" => RedisServers::cluster(addresses)?.prefix("{test}:"),
        "redis-sentinels" => RedisServers::sentinel(addresses, "sessions", "redis://master")?,
        unknown => return Err(format!("there is no storage `{unknown}`").into()),
    })
}
