//! The storage as the engine calls it: bounded in time, and with lost replies resolved where that can be done.

use std::{sync::Arc, time::Duration};

use crate::{
    PublicId, Record, SessionError, SessionStorage, StorageError, StorageKey, Timestamp, event,
    options::{OnConflict, OnReuse, OverLimit},
    protection::BoundProtection,
    storage::{Created, Expected, Read, Replaced, StorageFuture, Touch, Touched},
};

pub(super) struct Server {
    pub(super) storage: Arc<dyn SessionStorage>,
    pub(super) signed: Option<Box<dyn BoundProtection>>,
    pub(super) grace: Duration,
    pub(super) on_reuse: OnReuse,
    pub(super) on_conflict: OnConflict,
    /// How many sessions a principal may have, and what happens to one more.
    pub(super) limit: Option<(usize, OverLimit)>,
    pub(super) application: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) timeout: Duration,
}

impl Server {
    pub(super) fn key(&self, id: &PublicId) -> StorageKey {
        StorageKey::new(&self.application, &self.name, id)
    }

    /// The answer, or an error within the time limit. One that is there already costs no timer.
    pub(super) async fn bounded<R>(
        &self,
        operation: &'static str,
        answer: StorageFuture<'_, R>,
    ) -> Result<R, StorageError> {
        let answer = if answer.is_ready() {
            answer.await
        } else {
            tokio::time::timeout(self.timeout, answer)
                .await
                .unwrap_or(Err(StorageError::Timeout(self.timeout)))
        };
        answer.inspect_err(|failure| event::storage_failed(&self.name, operation, failure))
    }

    pub(super) async fn load(
        &self,
        key: StorageKey,
        read: Read,
        now: Timestamp,
    ) -> Result<Option<Arc<Record>>, SessionError> {
        match self.bounded("load", self.storage.load(key, read, now)).await {
            // As good as none: it will never be readable.
            Err(StorageError::Unreadable(_)) => Ok(None),
            answer => answer.map_err(SessionError::reading),
        }
    }

    pub(super) async fn create(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        now: Timestamp,
    ) -> Result<Created, SessionError> {
        let revision = record.revision;
        match self
            .bounded("create", self.storage.create(key, record, now))
            .await
        {
            Err(failure) if failure.may_have_written() => match self.load(key, Read::Latest, now).await {
                Ok(Some(record)) if record.revision == revision => Ok(Created::Created),
                _ => Err(SessionError::writing(failure)),
            },
            answer => answer.map_err(SessionError::writing),
        }
    }

    pub(super) async fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> Result<Replaced, SessionError> {
        let revision = record.revision;
        match self
            .bounded("replace", self.storage.replace(key, record, expected, now))
            .await
        {
            Err(failure) if failure.may_have_written() => match self.load(key, Read::Latest, now).await {
                Ok(Some(record)) if record.revision == revision => Ok(Replaced::Done),
                _ => Err(SessionError::writing(failure)),
            },
            answer => answer.map_err(SessionError::writing),
        }
    }

    /// Writes activity down. Nothing that is sent depends on it, so a failure is told and forgotten: the session ends
    /// earlier by as much, if nothing else comes.
    pub(super) async fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> Option<Touched> {
        self.bounded("touch", self.storage.touch(key, touch, now))
            .await
            .ok()
    }

    /// Deletes for exactly one caller.
    pub(super) async fn delete(&self, key: StorageKey, now: Timestamp) -> Result<bool, SessionError> {
        self.bounded("delete", self.storage.delete(key, now))
            .await
            .map_err(SessionError::writing)
    }

    /// Sees to it that there is no such session; whoever deleted it.
    pub(super) async fn end(&self, key: StorageKey, now: Timestamp) -> Result<(), SessionError> {
        match self.bounded("delete", self.storage.delete(key, now)).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.may_have_written() => match self.load(key, Read::Latest, now).await {
                Ok(None) => Ok(()),
                _ => Err(SessionError::writing(failure)),
            },
            Err(failure) => Err(SessionError::writing(failure)),
        }
    }
}
