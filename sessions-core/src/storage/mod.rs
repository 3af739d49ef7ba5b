//! Where sessions are kept on the server, and what every such place promises.

mod cached;
#[cfg(feature = "contract")]
pub mod contract;
mod directory;
mod encrypted;
mod future;
mod hash;
mod index;
mod memory;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "redis"))]
mod parts;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

#[cfg(feature = "redis")]
pub use self::redis::{RedisServers, RedisStorage};
#[cfg(feature = "mysql")]
pub use self::sql::MySqlStorage;
#[cfg(feature = "postgres")]
pub use self::sql::PostgresStorage;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use self::sql::{Dialect, SqlStorage, SqlTables};
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStorage;
pub use self::{
    cached::CachedStorage,
    directory::DirectoryStorage,
    encrypted::EncryptedStorage,
    future::StorageFuture,
    index::{IndexKey, Member, Reservation, Reserved, Roster, SessionIndex},
    memory::MemoryStorage,
};
use crate::{Record, RecordError, Revision, StorageKey, Timestamp, policy::short_name};

/// A place where sessions are kept.
///
/// Five primitives, some upkeep, and perhaps an [`index`](Self::index). Every storage of this library keeps the promise
/// below, and so has one's own; the feature `contract` has the checks, for any storage.
///
/// # Atomicity
///
/// Each primitive is atomic for its key: whoever sees an effect of one sees all of it, and the effects of all on one key
/// have one order, on which every process agrees that shares the storage. What is acknowledged is seen by each
/// [`Read::Latest`] that begins afterwards. There is no promise about two keys.
///
/// A [`replace`](Self::replace), a [`touch`](Self::touch) or a purge never makes a session where there is none: nothing
/// but a [`create`](Self::create) does, and the library never creates a key twice. So a logout is never undone.
///
/// # Expiry
///
/// The time is always the caller's `now`, whatever the backend's clock shows. A record whose first
/// [deadline](crate::Times::deadline) is `now` or earlier is absent to every operation, to the millisecond, whether it
/// has been freed or not; a millisecond before it is there. A backend's own expiry only frees memory, and later than that.
/// A clock that goes back brings nothing back that was deleted or freed, and no write moves a time back with it.
///
/// # Doing it twice
///
/// `load`, `health` and a `touch` may be repeated at will: the times of a touch only move forward. A second `create` is
/// [`Exists`](Created::Exists), a second `replace` at the same revision a [`Conflict`](Replaced::Conflict), a second
/// `delete` false. Each writer chooses a revision of its own, so one that does not know whether its write happened loads
/// the session and finds its own revision, or another one.
///
/// # Errors, and who tries again
///
/// A storage never retries a write, and never says that there is no session because it could not look.
///
/// | error | has it been written? | what the library does |
/// |---|---|---|
/// | [`Unavailable`](StorageError::Unavailable) | no | answers 503 |
/// | [`Full`](StorageError::Full) | no | answers 503 |
/// | [`Unreadable`](StorageError::Unreadable) | no | treats what is stored as no session |
/// | [`OutcomeUnknown`](StorageError::OutcomeUnknown) | perhaps | loads the latest; if that does not tell, answers 503 |
/// | [`Timeout`](StorageError::Timeout) | perhaps, or it may still be | the same |
/// | [`NotLasting`](StorageError::NotLasting) | yes, but a loss of power may undo it | answers 503 |
///
/// The library gives each operation a time limit (`storage_timeout`), and drops its future then, as it does when a client
/// goes away. A future may be dropped at any point: the write has happened as a whole, or has not, or, where others do the
/// work, still will; and nobody waits for a lock that it held. Conflicts are retried by the library's `update`, not here.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session storage",
    label = "does not implement `SessionStorage`",
    note = "`MemoryStorage::new()`, `DirectoryStorage::open(path)?` and (feature `sqlite`) `SqliteStorage::open(path).await?` are storages; there are others for Redis and for database servers"
)]
pub trait SessionStorage: Send + Sync + 'static {
    /// Stores a new session. Nothing happens if the key is taken by a live one, or by something that is no record.
    ///
    /// # Errors
    /// See [`StorageError`]; [`Full`](StorageError::Full) where there is no room: a storage never ends one session to make
    /// room for another.
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created>;

    /// The session under this key.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>>;

    /// The live session under this key, if it is in memory; what [`Read::Any`] may answer with. A [`load`](Self::load)
    /// follows wherever this is `None`, as it is by default: whether there is a session is for that to say.
    ///
    /// It is asked first for each request that reads a session, and saves those that need not wait all that waiting takes.
    fn at_hand(&self, key: StorageKey, now: Timestamp) -> Option<Arc<Record>> {
        let _ = (key, now);
        None
    }

    /// Puts a record in place of another one, if that is still as expected; never inserts.
    ///
    /// With [`Expected::Revision`] the whole record is written. With [`Expected::Epoch`] only payload, schema and
    /// revision are: secrets that another request has changed meanwhile stay; and a record of a newer version of the data
    /// class is a conflict, because an old node would destroy what a new one has written. With both, the times only move
    /// forward.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced>;

    /// Writes down that a session was used. Its times only ever move forward, and never past its absolute deadline;
    /// its revision stays.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched>;

    /// Ends a session. True for exactly one caller, and only if there was a live one.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool>;

    /// Frees at most `limit` expired sessions and says how many. Each is checked once more in the step that removes
    /// it.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize>;

    /// Whether it can do its work now.
    ///
    /// # Errors
    /// Why it cannot.
    fn health(&self) -> StorageFuture<'_, ()>;

    /// The index of its sessions, where it keeps one.
    fn index(&self) -> Option<&dyn SessionIndex> {
        None
    }

    /// Whether [`Read::Any`] may answer with a record that has been replaced or deleted meanwhile.
    fn may_be_stale(&self) -> bool {
        false
    }

    /// What it is called, for a [`Policy`](crate::Policy): by default the name of its type. A storage around another one
    /// has that one's name in its own.
    fn name(&self) -> String {
        short_name::<Self>()
    }
}

/// How current a [`load`](SessionStorage::load) has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// A copy will do, if it shows a live session; that there is none is never said from a copy.
    Any,
    /// What all acknowledged writes have left.
    Latest,
}

/// What [`replace`](SessionStorage::replace) expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this write.
    Revision(Revision),
    /// Any write of this epoch.
    Epoch(u64),
}

/// What [`touch`](SessionStorage::touch) writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The epoch that the session is expected in.
    pub epoch: u64,
    /// When it was used.
    pub last_seen: Timestamp,
    /// Its new idle deadline.
    pub idle_deadline: Timestamp,
}

/// What became of a [`create`](SessionStorage::create).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is stored.
    Created,
    /// The key is taken.
    Exists,
}

/// What became of a [`replace`](SessionStorage::replace).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is written.
    Done,
    /// The session is at another revision or epoch, or of a newer version.
    Conflict,
    /// There is no session.
    NotFound,
}

/// What became of a [`touch`](SessionStorage::touch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// The times are at least the ones given, or at the absolute deadline.
    Touched,
    /// The session is in another epoch.
    Superseded,
    /// There is no session.
    Gone,
}

/// A storage that did not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// It could not be reached or refused; nothing was written.
    #[error("the session storage is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may have been written, or not: the reply was lost.
    #[error("the session storage did not say whether it wrote")]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It has been written, and may be lost with the power: the wait for the disk failed.
    #[error("the session storage cannot say that what it wrote will last")]
    NotLasting(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not answer in time; a write may have happened, or may still.
    #[error("the session storage did not answer within {_0:?}")]
    Timeout(std::time::Duration),
    /// It has no room for a new session.
    #[error("the session storage is full")]
    Full,
    /// What it holds under this key is not a record.
    #[error("the session storage holds something that is not a session")]
    Unreadable(#[from] RecordError),
}

impl StorageError {
    /// A storage that could not be reached, or refused, before anything was written.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// A write whose reply was lost.
    #[must_use]
    pub fn outcome_unknown(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::OutcomeUnknown(source.into())
    }

    /// A write that may not last.
    #[must_use]
    pub fn not_lasting(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::NotLasting(source.into())
    }

    /// Whether a write that failed like this may have happened all the same.
    #[must_use]
    pub fn may_have_written(&self) -> bool {
        matches!(self, Self::NotLasting(_)) || self.is_unknown()
    }

    /// Whether only a load can tell if a write that failed like this has happened.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_) | Self::Timeout(_))
    }
}

macro_rules! forward {
    ($($pointer:ident),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<S: SessionStorage + ?Sized> SessionStorage for $pointer<S> {
            fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
                (**self).create(key, record, now)
            }

            fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
                (**self).load(key, read, now)
            }

            fn at_hand(&self, key: StorageKey, now: Timestamp) -> Option<Arc<Record>> {
                (**self).at_hand(key, now)
            }

            fn replace(
                &self,
                key: StorageKey,
                record: Arc<Record>,
                expected: Expected,
                now: Timestamp,
            ) -> StorageFuture<'_, Replaced> {
                (**self).replace(key, record, expected, now)
            }

            fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
                (**self).touch(key, touch, now)
            }

            fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
                (**self).delete(key, now)
            }

            fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
                (**self).purge_expired(limit, now)
            }

            fn health(&self) -> StorageFuture<'_, ()> {
                (**self).health()
            }

            fn index(&self) -> Option<&dyn SessionIndex> {
                (**self).index()
            }

            fn may_be_stale(&self) -> bool {
                (**self).may_be_stale()
            }

            fn name(&self) -> String {
                (**self).name()
            }
        }
    )*};
}
forward!(Arc, Box);

impl Record {
    /// The record that results from writing `new` over this one, or why it must not be written. Every storage that
    /// compares in its own process decides here.
    ///
    /// # Errors
    /// What [`SessionStorage::replace`] then answers.
    pub fn replaced_by(
        &self,
        new: &Arc<Self>,
        expected: Expected,
        now: Timestamp,
    ) -> Result<Arc<Self>, Replaced> {
        if self.times.is_expired(now) {
            return Err(Replaced::NotFound);
        }
        match expected {
            Expected::Revision(revision) if revision == self.revision => {
                let mut record = Arc::clone(new);
                // A touch leaves the revision, so one may have come since the writer read.
                let (seen, idle) = (self.times.last_seen, self.times.idle_deadline);
                if seen > record.times.last_seen || idle > record.times.idle_deadline {
                    Arc::make_mut(&mut record).move_forward(seen, idle);
                }
                Ok(record)
            }
            Expected::Epoch(epoch) if epoch == self.epoch && new.schema.version >= self.schema.version => {
                let mut record = self.clone();
                record.schema = new.schema;
                record.revision = new.revision;
                record.payload = new.payload.clone();
                record.move_forward(new.times.last_seen, new.times.idle_deadline);
                Ok(Arc::new(record))
            }
            Expected::Revision(_) | Expected::Epoch(_) => Err(Replaced::Conflict),
        }
    }

    /// The record after a touch, or why there is nothing to write.
    ///
    /// # Errors
    /// What [`SessionStorage::touch`] then answers.
    pub fn touched_by(&self, touch: &Touch, now: Timestamp) -> Result<Arc<Self>, Touched> {
        if self.times.is_expired(now) {
            return Err(Touched::Gone);
        }
        if self.epoch != touch.epoch {
            return Err(Touched::Superseded);
        }
        let mut record = self.clone();
        record.move_forward(touch.last_seen, touch.idle_deadline);
        Ok(Arc::new(record))
    }

    fn move_forward(&mut self, last_seen: Timestamp, idle_deadline: Timestamp) {
        let times = &mut self.times;
        times.last_seen = times.last_seen.max(last_seen);
        times.idle_deadline = times
            .idle_deadline
            .max(idle_deadline.min(times.absolute_deadline));
    }
}
