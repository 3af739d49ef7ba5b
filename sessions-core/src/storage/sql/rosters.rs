//! The index by principal: one roster in one row, which is written only where nobody else has written since it was read.

use super::{
    Dialect, SqlStorage,
    columns::{moment, time},
    dialect::Value::{Bytes, Int},
};
use crate::{
    StorageError, StorageKey, Timestamp,
    secret::random,
    storage::{IndexKey, Member, Reservation, Reserved, Roster, SessionIndex, StorageFuture, parts},
};

impl<D: Dialect> SqlStorage<D> {
    /// The roster, and what names this state of it; none if there is no row.
    async fn roster(&self, index: &IndexKey) -> Result<(Roster, Option<Vec<u8>>), StorageError> {
        let values = vec![Bytes(index.as_bytes())];
        let found = self.row(&self.statements().select_roster, values, |row| {
            Ok((D::bytes(row, 0)?, D::bytes(row, 1)?))
        });
        match found.await? {
            None => Ok((Roster::default(), None)),
            Some((revision, roster)) => Ok((Roster::from_bytes(&roster)?, Some(revision))),
        }
    }

    async fn change_roster<T>(
        &self,
        index: IndexKey,
        change: impl Fn(&mut Roster) -> T + Send,
    ) -> Result<T, StorageError> {
        loop {
            let (before, revision) = self.roster(&index).await?;
            let (answer, changed) = before.changed(revision.is_some(), &change);
            let Some(roster) = changed else {
                return Ok(answer);
            };
            if self.put(&index, &roster, revision.as_deref()).await? {
                return Ok(answer);
            }
        }
    }

    /// Whether nobody else has written meanwhile.
    async fn put(
        &self,
        index: &IndexKey,
        roster: &Roster,
        revision: Option<&[u8]>,
    ) -> Result<bool, StorageError> {
        let statements = self.statements();
        let next: [u8; 16] = random().map_err(StorageError::unavailable)?;
        let deadline = Int(time(roster.ends()));
        let key = Bytes(index.as_bytes());
        let bytes = roster.to_bytes().map_err(StorageError::unavailable)?;
        match revision {
            None => {
                let values = vec![key, Bytes(&next), deadline, Bytes(&bytes)];
                self.inserts(&statements.insert_roster, values).await
            }
            Some(revision) if roster.is_empty() => {
                let values = vec![key, Bytes(revision)];
                Ok(self.write(&statements.delete_roster, values).await? == 1)
            }
            Some(revision) => {
                let values = vec![Bytes(&next), deadline, Bytes(&bytes), key, Bytes(revision)];
                Ok(self.write(&statements.replace_roster, values).await? == 1)
            }
        }
    }
}

impl<D: Dialect> SessionIndex for SqlStorage<D> {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        StorageFuture::boxed(self.change_roster(index, move |roster| roster.reserve(place.clone(), now)))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(self.change_roster(index, move |roster| roster.confirm(&session, now)))
    }

    fn release(&self, index: IndexKey, session: StorageKey, _: Timestamp) -> StorageFuture<'_, ()> {
        StorageFuture::boxed(self.change_roster(index, move |roster| roster.release(&session)))
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        StorageFuture::boxed(async move { Ok(self.roster(&index).await?.0.members(now)) })
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        StorageFuture::boxed(self.change_roster(index, move |roster| roster.cut_off(now)))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        let kind = parts::kind(application, name);
        StorageFuture::boxed(async move {
            let values = vec![Bytes(&kind), Int(moment(now))];
            let count = self
                .row(&self.statements().count, values, |row| D::int(row, 0))
                .await?;
            Ok(count
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or_default())
        })
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        let kind = parts::kind(application, name);
        StorageFuture::boxed(async move {
            let values = [Bytes(&kind), Int(moment(now))];
            self.in_batches(&self.statements().delete_some, &values, limit)
                .await
        })
    }
}
