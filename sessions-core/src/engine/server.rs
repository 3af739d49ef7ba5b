//! The storage as the engine calls it: bounded in time, and with lost replies resolved where that can be done.

use std::{ops::Deref, sync::Arc, time::Duration};

use super::Environment;
use crate::{
    PublicId, Record, SessionError, SessionSpec, SessionStorage, StorageError, StorageKey, Timestamp,
    events::Events,
    log,
    options::{OnConflict, OnReuse, OverLimit},
    protection::BoundProtection,
    storage::{Created, Expected, Read, Replaced, StorageFuture, Touch, Touched},
};

/// What there is under a key.
pub(super) enum Stored {
    Record(Arc<Record>),
    /// Something that this version cannot read: a session of a newer one, perhaps.
    Unreadable,
    Nothing,
}

/// How long what concerns all sessions may take at least: a storage may have to read them all.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The storage, and whose sessions of which name it is asked for.
pub(super) struct Backend {
    pub(super) storage: Arc<dyn SessionStorage>,
    pub(super) application: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) timeout: Duration,
}

/// Sessions that a storage keeps.
pub(super) struct Server {
    pub(super) backend: Backend,
    pub(super) signed: Option<Box<dyn BoundProtection>>,
    pub(super) grace: Duration,
    pub(super) on_reuse: OnReuse,
    pub(super) on_conflict: OnConflict,
    /// How many sessions a principal may have, and what happens to one more.
    pub(super) limit: Option<(usize, OverLimit)>,
    pub(super) events: Events,
}

impl Deref for Server {
    type Target = Backend;

    fn deref(&self) -> &Backend {
        &self.backend
    }
}

impl Server {
    pub(super) fn key(&self, id: &PublicId) -> StorageKey {
        StorageKey::new(&self.application, &self.name, id)
    }
}

impl Backend {
    pub(super) fn new(
        environment: &Environment,
        storage: Arc<dyn SessionStorage>,
        spec: &SessionSpec,
    ) -> Self {
        Self {
            storage,
            application: Arc::clone(&environment.application),
            name: spec.name.as_ref().into(),
            timeout: environment.storage_timeout,
        }
    }

    /// The answer, or an error within the time limit. One that is there already costs neither a timer nor an allocation,
    /// and a future that waits for it has room for no more than that.
    pub(super) fn bounded<'a, R: Send + 'a>(
        &'a self,
        operation: &'static str,
        answer: StorageFuture<'a, R>,
    ) -> StorageFuture<'a, R> {
        self.within(self.timeout, operation, answer)
    }

    /// As [`bounded`](Self::bounded), for what concerns all sessions.
    pub(super) fn patiently<'a, R: Send + 'a>(
        &'a self,
        operation: &'static str,
        answer: StorageFuture<'a, R>,
    ) -> StorageFuture<'a, R> {
        self.within(self.timeout.max(PATIENCE), operation, answer)
    }

    fn within<'a, R: Send + 'a>(
        &'a self,
        limit: Duration,
        operation: &'static str,
        answer: StorageFuture<'a, R>,
    ) -> StorageFuture<'a, R> {
        let told = move |failure: &StorageError| log::storage_failed(&self.name, operation, failure);
        match answer.at_once() {
            Ok(answer) => StorageFuture::ready(answer.inspect_err(told)),
            Err(waiting) => StorageFuture::boxed(async move {
                let answer = tokio::time::timeout(limit, waiting).await;
                answer
                    .unwrap_or(Err(StorageError::Timeout(limit)))
                    .inspect_err(told)
            }),
        }
    }

    pub(super) async fn find(
        &self,
        key: StorageKey,
        read: Read,
        now: Timestamp,
    ) -> Result<Stored, SessionError> {
        match self.bounded("load", self.storage.load(key, read, now)).await {
            Ok(Some(record)) => Ok(Stored::Record(record)),
            Ok(None) => Ok(Stored::Nothing),
            Err(StorageError::Unreadable(_)) => Ok(Stored::Unreadable),
            Err(failure) => Err(SessionError::reading(failure)),
        }
    }

    pub(super) async fn load(
        &self,
        key: StorageKey,
        read: Read,
        now: Timestamp,
    ) -> Result<Option<Arc<Record>>, SessionError> {
        Ok(match self.find(key, read, now).await? {
            Stored::Record(record) => Some(record),
            // As good as none, for whoever wants to use it.
            Stored::Unreadable | Stored::Nothing => None,
        })
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
            Err(failure) if failure.is_unknown() => match Box::pin(self.load(key, Read::Latest, now)).await {
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
            Err(failure) if failure.is_unknown() => match Box::pin(self.load(key, Read::Latest, now)).await {
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

    /// Sees to it that there is no such session, whoever deleted it; says whether it was this call, as far as is known.
    pub(super) async fn end(&self, key: StorageKey, now: Timestamp) -> Result<bool, SessionError> {
        match self.bounded("delete", self.storage.delete(key, now)).await {
            Ok(deleted) => Ok(deleted),
            Err(failure) if failure.is_unknown() => match self.find(key, Read::Latest, now).await {
                Ok(Stored::Nothing) => Ok(true),
                _ => Err(SessionError::writing(failure)),
            },
            Err(failure) => Err(SessionError::writing(failure)),
        }
    }
}
