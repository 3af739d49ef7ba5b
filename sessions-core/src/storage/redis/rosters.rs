//! The index by principal: one roster in one string, which is written only where nobody else has written since it was read.

use redis::{Value, cmd};

use super::{RedisStorage, error, layout, scripts::Outcome};
use crate::{
    RecordError, StorageError, StorageKey, Timestamp,
    secret::random,
    storage::{IndexKey, Member, Reservation, Reserved, Roster, SessionIndex, StorageFuture},
};

/// How many bytes name a state of a roster.
const REVISION: usize = 16;

impl RedisStorage {
    /// The roster, and what names this state of it: nothing if there is none.
    async fn roster(&self, key: &[u8]) -> Result<(Roster, Vec<u8>), StorageError> {
        let asked = self.ask(key, cmd("GET").arg(key)).await;
        match asked.map_err(|failure| failure.reading())? {
            Value::BulkString(bytes) => {
                let (revision, roster) = bytes.split_at_checked(REVISION).ok_or(RecordError::Version)?;
                Ok((Roster::from_bytes(roster)?, revision.to_owned()))
            }
            Value::Nil => Ok((Roster::default(), Vec::new())),
            _ => Err(error::no_answer()),
        }
    }

    async fn change_roster<T>(
        &self,
        index: IndexKey,
        now: Timestamp,
        change: impl Fn(&mut Roster) -> T + Send,
    ) -> Result<T, StorageError> {
        let key = self.key("of:", index.as_bytes());
        loop {
            let (before, revision) = self.roster(&key).await?;
            let (answer, changed) = before.changed(!revision.is_empty(), &change);
            let Some(roster) = changed else {
                return Ok(answer);
            };
            if self.put_roster(&key, &roster, &revision, now).await? {
                return Ok(answer);
            }
        }
    }

    /// Whether nobody else has written meanwhile.
    async fn put_roster(
        &self,
        key: &[u8],
        roster: &Roster,
        revision: &[u8],
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let mut bytes = Vec::new();
        if !roster.is_empty() {
            let next: [u8; REVISION] = random().map_err(StorageError::unavailable)?;
            bytes.extend_from_slice(&next);
            bytes.extend(roster.to_bytes().map_err(StorageError::unavailable)?);
        }
        let script = &self.shared.scripts.replace_roster;
        let kept = layout::kept(roster.ends(), now).to_string();
        let outcome = self
            .run(script, key, &[revision, &bytes, kept.as_bytes()])
            .await?;
        Ok(outcome == Outcome::Done)
    }
}

impl SessionIndex for RedisStorage {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        let change = move |roster: &mut Roster| roster.reserve(place.clone(), now);
        StorageFuture::boxed(self.change_roster(index, now, change))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(self.change_roster(index, now, move |roster| roster.confirm(&session, now)))
    }

    fn release(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, ()> {
        StorageFuture::boxed(self.change_roster(index, now, move |roster| roster.release(&session)))
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        StorageFuture::boxed(async move {
            let key = self.key("of:", index.as_bytes());
            Ok(self.roster(&key).await?.0.members(now))
        })
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        StorageFuture::boxed(self.change_roster(index, now, move |roster| roster.cut_off(now)))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        let kind = layout::kind(application, name);
        StorageFuture::boxed(async move { self.count_of(&kind, now).await })
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        let kind = layout::kind(application, name);
        StorageFuture::boxed(async move { self.delete_of(&kind, limit, now).await })
    }
}
