//! Who has which of the sessions: a file for each principal, in a folder beside the sessions.

use super::{
    DirectoryStorage,
    files::Lasting,
    folder::{Folder, failed, keys},
    lock::{Lock, LockNumber},
    turns::{Turn, Waiting},
};
use crate::{
    Record, StorageKey, Timestamp,
    storage::{IndexKey, Member, Reservation, Reserved, Roster, SessionIndex, StorageError, StorageFuture},
};

impl Folder {
    fn change<T>(
        &self,
        turn: &Turn,
        index: IndexKey,
        lasting: Lasting,
        work: impl FnOnce(&mut Roster) -> T,
    ) -> Result<T, StorageError> {
        let lock = self.lock(turn)?;
        self.change_locked(&lock, index, lasting, work)
    }

    /// Changes one roster, and keeps it unless it is empty.
    fn change_locked<T>(
        &self,
        lock: &Lock,
        index: IndexKey,
        lasting: Lasting,
        work: impl FnOnce(&mut Roster) -> T,
    ) -> Result<T, StorageError> {
        let file = self.rosters.join(index.to_string());
        let before = self.read(&file, Roster::from_bytes)?.unwrap_or_default();
        let mut roster = before.clone();
        let done = work(&mut roster);
        if roster == before {
            return Ok(done);
        }
        if roster.is_empty() {
            self.remove(&file, lasting)?;
        } else {
            let bytes = roster.to_bytes().map_err(|_| StorageError::Full)?;
            self.put(lock, &file, &bytes, lasting)?;
        }
        Ok(done)
    }

    /// Gives back the place of a session that is no longer there. A place that stays for a failure is found by whoever
    /// looks for its session.
    pub(super) fn release(&self, key: &StorageKey, record: &Record) {
        if let Some(index) = IndexKey::of(record)
            && let Ok(lock) = self.locks.lock(LockNumber::of_principal(&index))
        {
            let _ = self.change_locked(&lock, index, Lasting::Whole, |roster| roster.release(key));
        }
    }

    /// Removes the rosters of those who have not come back.
    pub(super) fn tidy_rosters(&self, waiting: &Waiting, now: Timestamp) -> Result<(), StorageError> {
        for index in keys(&self.rosters, waiting)? {
            let index = IndexKey::from_bytes(index?);
            let lock = self
                .locks
                .lock(LockNumber::of_principal(&index))
                .map_err(failed)?;
            match self.change_locked(&lock, index, Lasting::Whole, |roster| roster.members(now)) {
                Ok(_) | Err(StorageError::Unreadable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn count(
        &self,
        waiting: &Waiting,
        application: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let mut count = 0;
        for key in self.keys(waiting)? {
            match self.load(StorageKey::from_bytes(key?), now) {
                Ok(record) => count += usize::from(record.is_some_and(|it| it.is_of(application, name, now))),
                Err(StorageError::Unreadable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    fn delete_some(
        &self,
        waiting: &Waiting,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let mut deleted = 0;
        let mut failure = None;
        for key in self.keys(waiting)? {
            if deleted == limit {
                // What has not been looked at is for the next call.
                failure = None;
                break;
            }
            let key = StorageKey::from_bytes(key?);
            match self.delete_if(&key, |record| record.is_of(application, name, now)) {
                Ok(gone) => deleted += usize::from(gone),
                Err(error) => failure = Some(error),
            }
        }
        // Also if there were none: as with a delete.
        self.settle(self.path(), Lasting::Everything)?;
        // What cannot be read may be one of them: nobody is told that all have ended.
        failure.map_or(Ok(deleted), Err)
    }
}

impl DirectoryStorage {
    fn change<T: Send + 'static>(
        &self,
        index: IndexKey,
        lasting: Lasting,
        work: impl FnOnce(&mut Roster) -> T + Send + 'static,
    ) -> StorageFuture<'_, T> {
        self.write(LockNumber::of_principal(&index), move |folder, turn| {
            folder.change(turn, index, lasting, work)
        })
    }
}

impl SessionIndex for DirectoryStorage {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        self.change(index, Lasting::Whole, move |roster| roster.reserve(place, now))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        // Who has a token is in the index, whatever happens.
        self.change(index, Lasting::Everything, move |roster| {
            roster.confirm(&session, now)
        })
    }

    fn release(&self, index: IndexKey, session: StorageKey, _: Timestamp) -> StorageFuture<'_, ()> {
        self.change(index, Lasting::Whole, move |roster| roster.release(&session))
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.change(index, Lasting::Whole, move |roster| roster.members(now))
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.change(index, Lasting::Whole, move |roster| roster.cut_off(now))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        let (application, name) = (application.to_owned(), name.to_owned());
        self.run(move |folder, waiting| folder.count(waiting, &application, &name, now))
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        let (application, name) = (application.to_owned(), name.to_owned());
        self.run(move |folder, waiting| folder.delete_some(waiting, &application, &name, limit, now))
    }
}
