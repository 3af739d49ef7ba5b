//! Sessions in Redis.

mod commands;
mod connections;
mod error;
mod layout;
mod rosters;
mod scripts;
mod servers;
mod slots;
mod survey;
mod tracking;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::{Value, cmd};
use tokio::runtime;

pub use self::servers::RedisServers;
use self::{
    connections::{Worker, lock},
    layout::Kind,
    scripts::{Outcome, Scripts},
    survey::Place,
    tracking::Moves,
};
use super::{
    CachedStorage, Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageError,
    StorageFuture, Touch, Touched,
};
use crate::{Record, RecordError, StorageKey, Timestamp, secret::random};

/// Keeps sessions in Redis 7 or later: on one server, on the master of sentinels, or in a cluster.
///
/// Each operation is one script on one key, and one round trip; what has to be known of the latest state is decided where
/// it is. Each runtime has a connection of its own to each server, which carries the commands of all its requests; so it is
/// with each worker of actix. The memory of a session is freed by Redis, a minute after its deadline by Redis's own clock.
///
/// # What it promises
///
/// On one server, and on a cluster or a master that does not fail over, all that [`SessionStorage`] promises. Of its disk:
/// what `appendfsync` says; with `everysec` a loss of power costs the last second. **A failover loses the writes that the
/// replica has not got yet, a logout among them**: Redis acknowledges before it replicates. `min-replicas-to-write` with a
/// short `min-replicas-max-lag` bounds how many, and nothing excludes it; where no logout may ever be undone, use
/// [`PostgresStorage`](super::SqlStorage) with synchronous commit.
///
/// # What it asks of the server
///
/// - `maxmemory-policy noeviction`, or no `maxmemory`: or a session is thrown out when memory is full, which logs its user
///   out, or an index, which hides its sessions from [`cut_off`](SessionIndex::cut_off). [`health`](SessionStorage::health)
///   says so.
/// - An account may be restricted to the keys of the [prefix](RedisServers::prefix), and to `+evalsha +eval +get +set
///   +getrange +setrange +pexpire +del +scan +info +role`; in a cluster with `+cluster|info +cluster|slots +asking`; in another
///   database than 0 with `+select`; for [`tracked`](Self::tracked) with `+client|tracking`. One for the sentinels needs `+info
///   +sentinel|get-master-addr-by-name +sentinel|master`.
/// - While slots are moved from one server of a cluster to another, [`count`](SessionIndex::count) and
///   [`delete_some`](SessionIndex::delete_some) may miss what is just being moved.
/// - A server that is made a replica and keeps its clients' connections is read until it refuses the first write. Sentinels
///   end them, and in a cluster it says who has its keys now.
///
/// # Failures
///
/// A server that cannot be reached, or refuses, is [`Unavailable`](StorageError::Unavailable), within a second. A connection
/// that is lost while a write is under way is [`OutcomeUnknown`](StorageError::OutcomeUnknown): no write is ever sent again,
/// also in a cluster, where only what a server has refused goes to another one. So it is after an answer that took longer
/// than a second. Lost connections are made anew when they are needed.
///
/// With TLS, and where the application has chosen none, the process's default of `rustls` becomes `aws-lc-rs`; an application
/// that is to install another one does so before.
///
/// A session of a layout that this version cannot read is [`Unreadable`](StorageError::Unreadable).
///
/// It is to be awaited in a runtime of `tokio`.
///
/// ```no_run
/// # async fn open() -> Result<(), sessions_core::StorageError> {
/// use sessions_core::storage::{RedisServers, RedisStorage};
///
/// let storage = RedisStorage::connect("redis://localhost").await?;
/// let cluster = RedisServers::cluster(["redis://10.0.0.1", "redis://10.0.0.2"])?;
/// let storage = RedisStorage::connect_to(cluster.prefix("shop:")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStorage {
    shared: Arc<Shared>,
}

struct Shared {
    servers: RedisServers,
    scripts: Scripts,
    /// What matches the keys of all sessions.
    all_sessions: String,
    workers: Mutex<HashMap<runtime::Id, Arc<Worker>>>,
    deletions: Mutex<HashMap<Kind, Place>>,
    moves: Moves,
}

impl RedisStorage {
    /// The storage on the server with this address.
    ///
    /// # Errors
    /// As [`connect_to`](Self::connect_to), and if the address is none.
    pub async fn connect(url: &str) -> Result<Self, StorageError> {
        Self::connect_to(RedisServers::one(url)?).await
    }

    /// The storage on these servers.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if they cannot be reached, or do not let this account write.
    pub async fn connect_to(servers: RedisServers) -> Result<Self, StorageError> {
        let all_sessions = format!("{}id:*", escaped(&servers.prefix));
        let storage = Self {
            shared: Arc::new(Shared {
                servers,
                scripts: Scripts::new(),
                all_sessions,
                workers: Mutex::default(),
                deletions: Mutex::default(),
                moves: Moves::default(),
            }),
        };
        storage.writes().await?;
        Ok(storage)
    }

    /// This storage behind a cache.
    #[must_use]
    pub fn cached(self) -> CachedStorage<Self> {
        CachedStorage::new(self)
    }

    fn key(&self, of: &str, bytes: &[u8; 32]) -> Vec<u8> {
        let prefix = &self.shared.servers.prefix;
        let mut key = String::with_capacity(prefix.len() + of.len() + 43);
        key.push_str(prefix);
        key.push_str(of);
        URL_SAFE_NO_PAD.encode_string(bytes, &mut key);
        key.into_bytes()
    }

    fn session(&self, key: &StorageKey) -> Vec<u8> {
        self.key("id:", key.as_bytes())
    }

    /// Writes something and removes it.
    async fn writes(&self) -> Result<(), StorageError> {
        let bytes: [u8; 32] = random().map_err(StorageError::unavailable)?;
        let (key, script) = (self.key("of:", &bytes), &self.shared.scripts.replace_roster);
        let revision = &bytes[..16];
        self.run(script, &key, &[b"", revision, b"60000"]).await?;
        self.run(script, &key, &[revision, b"", b"0"]).await?;
        Ok(())
    }
}

impl SessionStorage for RedisStorage {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        StorageFuture::boxed(async move {
            let (now, whole) = (layout::moment(now).to_string(), layout::whole(&record)?);
            let script = &self.shared.scripts.create;
            let done = self
                .run(script, &self.session(&key), &[now.as_bytes(), &whole])
                .await?;
            match done {
                Outcome::Done => Ok(Created::Created),
                Outcome::Absent | Outcome::Other | Outcome::Unreadable => Ok(Created::Exists),
            }
        })
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::boxed(async move {
            let key = self.session(&key);
            let answer = self.ask(&key, cmd("GET").arg(&key)).await;
            match answer.map_err(|failure| failure.reading())? {
                Value::BulkString(bytes) => Ok(layout::record(&bytes, now)?.map(Arc::new)),
                Value::Nil => Ok(None),
                _ => Err(error::no_answer()),
            }
        })
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        StorageFuture::boxed(async move {
            let (key, now) = (self.session(&key), layout::moment(now).to_string());
            let scripts = &self.shared.scripts;
            let done = match expected {
                Expected::Revision(revision) => {
                    let whole = layout::whole(&record)?;
                    let arguments: [&[u8]; 3] = [now.as_bytes(), &revision.0, &whole];
                    self.run(&scripts.replace_at_revision, &key, &arguments).await
                }
                Expected::Epoch(epoch) => {
                    let new = layout::without_head(&record);
                    let arguments: [&[u8]; 3] = [now.as_bytes(), &epoch.to_be_bytes(), &new];
                    self.run(&scripts.replace_within_epoch, &key, &arguments).await
                }
            };
            match done? {
                Outcome::Done => Ok(Replaced::Done),
                Outcome::Absent => Ok(Replaced::NotFound),
                Outcome::Other => Ok(Replaced::Conflict),
                Outcome::Unreadable => Err(RecordError::Version.into()),
            }
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        StorageFuture::boxed(async move {
            let (key, now) = (self.session(&key), layout::moment(now).to_string());
            let [seen, idle] =
                [touch.last_seen, touch.idle_deadline].map(|time| layout::time(time).to_string());
            let arguments: [&[u8]; 4] = [
                now.as_bytes(),
                &touch.epoch.to_be_bytes(),
                seen.as_bytes(),
                idle.as_bytes(),
            ];
            match self.run(&self.shared.scripts.touch, &key, &arguments).await? {
                Outcome::Done => Ok(Touched::Touched),
                Outcome::Absent => Ok(Touched::Gone),
                Outcome::Other => Ok(Touched::Superseded),
                Outcome::Unreadable => Err(RecordError::Version.into()),
            }
        })
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(async move {
            let now = layout::moment(now).to_string();
            let script = &self.shared.scripts.delete;
            let done = self.run(script, &self.session(&key), &[now.as_bytes()]).await?;
            Ok(done == Outcome::Done)
        })
    }

    /// Redis does that by itself.
    fn purge_expired(&self, _: usize, _: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::ready(Ok(0))
    }

    /// Writes something and removes it, and asks each server whether it throws sessions out when its memory is full.
    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::boxed(async move {
            self.writes().await?;
            self.keeps_everything().await
        })
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }
}

/// What matches exactly this.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
        escaped
    })
}

impl fmt::Debug for RedisStorage {
    /// Which servers it is on; neither their addresses nor a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStorage")
            .field("servers", &self.shared.servers)
            .field("workers", &lock(&self.shared.workers).len())
            .finish()
    }
}
