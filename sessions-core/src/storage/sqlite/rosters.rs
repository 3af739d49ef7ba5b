//! The index by principal: one roster in one row.

use super::{
    SqliteStorage,
    database::{blob, execute},
    error,
    row::{moment, time},
};
use crate::{
    StorageError, StorageKey, Timestamp,
    storage::{IndexKey, Member, Reservation, Reserved, Roster, SessionIndex, StorageFuture},
};

const SELECT: &str = "SELECT roster FROM session_rosters WHERE key = ?1";

const PUT: &str = "
    INSERT INTO session_rosters (key, deadline, roster) VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET deadline = excluded.deadline, roster = excluded.roster";

const DELETE: &str = "DELETE FROM session_rosters WHERE key = ?1";

const COUNT: &str = "SELECT count(*) FROM sessions WHERE application = ?1 AND name = ?2 AND deadline > ?3";

const DELETE_SOME: &str = "
    DELETE FROM sessions WHERE rowid IN (
        SELECT rowid FROM sessions WHERE application = ?1 AND name = ?2 AND deadline > ?3 LIMIT ?4
    )";

/// Frees rosters that say nothing any more.
pub(super) const PURGE: &str = "
    DELETE FROM session_rosters WHERE rowid IN (
        SELECT rowid FROM session_rosters WHERE deadline <= ?1 ORDER BY deadline LIMIT ?2
    )";

fn read(bytes: Option<Vec<u8>>) -> Result<Roster, StorageError> {
    bytes.map_or_else(|| Ok(Roster::default()), |bytes| Ok(Roster::from_bytes(&bytes)?))
}

impl SqliteStorage {
    fn change_roster<T: Send + 'static>(
        &self,
        index: IndexKey,
        change: impl FnOnce(&mut Roster) -> T + Send + 'static,
    ) -> StorageFuture<'_, T> {
        StorageFuture::boxed(self.database.transact(move |transaction| {
            Box::pin(async move {
                let key = index.as_bytes().to_vec();
                let before = read(blob(transaction, SELECT, key.clone()).await?)?;
                let mut roster = before.clone();
                let answer = change(&mut roster);
                if roster.is_empty() {
                    execute(transaction, sqlx::query(DELETE).bind(key)).await?;
                } else if roster != before {
                    let bytes = roster.to_bytes().map_err(StorageError::unavailable)?;
                    let put = sqlx::query(PUT).bind(key).bind(time(roster.ends())).bind(bytes);
                    execute(transaction, put).await?;
                }
                Ok(answer)
            })
        }))
    }
}

impl SessionIndex for SqliteStorage {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        self.change_roster(index, move |roster| roster.reserve(place, now))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.change_roster(index, move |roster| roster.confirm(&session, now))
    }

    fn release(&self, index: IndexKey, session: StorageKey, _: Timestamp) -> StorageFuture<'_, ()> {
        self.change_roster(index, move |roster| roster.release(&session))
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        StorageFuture::boxed(async move {
            let stored = self.database.blob(SELECT, index.as_bytes().to_vec()).await?;
            Ok(read(stored)?.members(now))
        })
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.change_roster(index, move |roster| roster.cut_off(now))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        let count = sqlx::query_scalar::<_, i64>(COUNT)
            .bind(application.to_owned())
            .bind(name.to_owned())
            .bind(moment(now));
        StorageFuture::boxed(async move {
            let mut connection = self.database.connection().await?;
            let count = count.fetch_one(&mut *connection).await;
            let count = count.map_err(error::before)?;
            Ok(usize::try_from(count).unwrap_or_default())
        })
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        let (application, name) = (application.to_owned(), name.to_owned());
        let delete = move |limit: i64| {
            sqlx::query(DELETE_SOME)
                .bind(application.clone())
                .bind(name.clone())
                .bind(moment(now))
                .bind(limit)
        };
        StorageFuture::boxed(self.database.in_batches(limit, delete))
    }
}
