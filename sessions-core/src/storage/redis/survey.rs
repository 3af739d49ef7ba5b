//! What every server has to be asked for: how many sessions there are, the end of all, and whether none is thrown out.

use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use redis::{Cmd, RedisResult, Value, cmd, from_redis_value, pipe};

use super::{
    RedisStorage,
    connections::{Link, field, lock},
    error::Failure,
    layout::{self, HEADER, Kind},
    scripts::Outcome,
    servers::Server,
};
use crate::{StorageError, Timestamp};

/// How many keys are asked for at once.
const PAGE: usize = 1000;

/// Where the deletion of a kind goes on: what is before has been looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    server: usize,
    cursor: u64,
}

/// What a deletion has looked at.
enum Seen {
    /// There was more than it may delete.
    Part,
    /// All from where it began.
    Rest,
}

impl RedisStorage {
    pub(super) async fn count_of(&self, kind: &Kind, now: Timestamp) -> Result<usize, StorageError> {
        let masters = self.masters().await?;
        let counts = masters.iter().map(async |server| {
            let (mut count, mut cursor) = (0, 0);
            loop {
                let (next, keys) = self.page(server, cursor).await?;
                count += self.live(server, keys, kind, now).await?.len();
                if next == 0 {
                    return Ok::<_, StorageError>(count);
                }
                cursor = next;
            }
        });
        Ok(try_join_all(counts).await?.into_iter().sum())
    }

    /// Whoever deletes all asks again until there are none. So that not each time all are looked at, it goes on where it
    /// has stopped, also where nobody has waited for the end; that there are none is only said when all have been looked at.
    pub(super) async fn delete_of(
        &self,
        kind: &Kind,
        limit: usize,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        if limit == 0 {
            return Ok(0);
        }
        let mut deleted = 0;
        loop {
            let began = self.deletion(kind);
            let outcome = self.delete_from(began, kind, limit, &mut deleted, now).await;
            return match outcome {
                Ok(Seen::Part) if deleted == 0 => continue,
                Ok(Seen::Rest) if deleted == 0 && began != Place::default() => continue,
                // What has been done has to be said.
                Err(_) if deleted > 0 => Ok(deleted),
                outcome => outcome.map(|_| deleted),
            };
        }
    }

    async fn delete_from(
        &self,
        mut place: Place,
        kind: &Kind,
        limit: usize,
        deleted: &mut usize,
        now: Timestamp,
    ) -> Result<Seen, StorageError> {
        let moment = layout::moment(now).to_string();
        let masters = self.masters().await?;
        while let Some(server) = masters.get(place.server) {
            let (next, keys) = self.page(server, place.cursor).await?;
            let mut live = self.live(server, keys, kind, now).await?;
            let left = limit - *deleted;
            let all = live.len() <= left;
            live.truncate(left);
            let outcomes = live.iter().map(|key| {
                let script = &self.shared.scripts.delete_of_kind;
                let arguments = [moment.as_bytes(), kind];
                async move { self.run(script, key, &arguments).await }
            });
            let mut error = None;
            for outcome in join_all(outcomes).await {
                match outcome {
                    Ok(outcome) => *deleted += usize::from(outcome == Outcome::Done),
                    Err(failed) => error = Some(failed),
                }
            }
            if let Some(error) = error {
                return Err(error);
            }
            if !all {
                return Ok(Seen::Part);
            }
            place = match next {
                0 => Place {
                    server: place.server + 1,
                    cursor: 0,
                },
                cursor => Place { cursor, ..place },
            };
            lock(&self.shared.deletions).insert(*kind, place);
        }
        lock(&self.shared.deletions).remove(kind);
        Ok(Seen::Rest)
    }

    fn deletion(&self, kind: &Kind) -> Place {
        let deletions = lock(&self.shared.deletions);
        deletions.get(kind).copied().unwrap_or_default()
    }

    /// An error if a server throws sessions out when its memory is full: it would log their users out, and what is thrown out
    /// of the index cannot be revoked.
    pub(super) async fn keeps_everything(&self) -> Result<(), StorageError> {
        for server in self.masters().await? {
            let told = self.ask_server(&server, cmd("INFO").arg("memory")).await?;
            let told: String = from_redis_value(told).map_err(StorageError::unavailable)?;
            if field(&told, "maxmemory") != Some("0")
                && field(&told, "maxmemory_policy") != Some("noeviction")
            {
                return Err(StorageError::unavailable(
                    "Redis throws sessions out when its memory is full: set `maxmemory-policy noeviction`",
                ));
            }
        }
        Ok(())
    }

    /// All that have sessions now.
    async fn masters(&self) -> Result<Vec<Server>, StorageError> {
        let servers = &self.shared.servers;
        if !servers.is_cluster() {
            return Ok(vec![Server::Only]);
        }
        let worker = self.shared.worker().map_err(not_asked)?;
        // Of those who have lost theirs since nobody may have been asked for a key.
        worker.forget_slots();
        Ok(worker.slots(servers).await.map_err(not_asked)?.masters())
    }

    /// Some keys of sessions, and where to go on; at 0 there are no more.
    async fn page(&self, server: &Server, cursor: u64) -> Result<(u64, Vec<Vec<u8>>), StorageError> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor)
            .arg("MATCH")
            .arg(&self.shared.all_sessions)
            .arg("COUNT")
            .arg(PAGE);
        let told = self.ask_server(server, &scan).await?;
        from_redis_value(told).map_err(StorageError::unavailable)
    }

    /// Those of them that are of live sessions of this kind.
    async fn live(
        &self,
        server: &Server,
        mut keys: Vec<Vec<u8>>,
        kind: &Kind,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, StorageError> {
        if keys.is_empty() {
            return Ok(keys);
        }
        let mut headers = pipe();
        for key in &keys {
            headers.cmd("GETRANGE").arg(key).arg(0).arg(HEADER - 1);
        }
        let link = self.link(server).await?;
        let headers: RedisResult<Vec<Vec<u8>>> = headers.query_async(&mut link.connection()).await;
        let headers = headers.map_err(|error| Failure::of(error).reading())?;
        let mut headers = headers.into_iter();
        keys.retain(|_| {
            let header = headers.next().unwrap_or_default();
            layout::is_live_of(&header, kind, now)
        });
        Ok(keys)
    }

    async fn ask_server(&self, server: &Server, command: &Cmd) -> Result<Value, StorageError> {
        let link = self.link(server).await?;
        let answer = command.query_async(&mut link.connection()).await;
        answer.map_err(|error| Failure::of(error).reading())
    }

    async fn link(&self, server: &Server) -> Result<Arc<Link>, StorageError> {
        let worker = self.shared.worker().map_err(not_asked)?;
        worker.link(&self.shared.servers, server).await.map_err(not_asked)
    }
}

fn not_asked(error: redis::RedisError) -> StorageError {
    Failure::NotDone(error).reading()
}
