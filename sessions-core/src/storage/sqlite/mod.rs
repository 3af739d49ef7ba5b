//! Sessions in a database of SQLite.

mod database;
mod error;
mod open;
mod rosters;
mod row;

use std::{fmt, path::Path, sync::Arc};

use sqlx::SqlitePool;

use self::database::{Database, Writers, blob, execute};
use super::{
    CachedStorage, Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageError,
    StorageFuture, Touch, Touched,
};
use crate::{Record, StorageKey, Timestamp};

/// Keeps sessions in a database of SQLite: one file, which outlasts this process, and which all processes of one machine
/// that open it share. It keeps an index of its sessions.
///
/// Clones share their connections. Every operation is one transaction; those that write take turns, within this
/// process in the order in which they came, and with those of other processes by chance. To load, create and delete is one statement, and so is to replace at a
/// revision; to touch, to replace within an epoch, and to change the index of a principal is to read and to write
/// under the lock.
///
/// An acknowledged write outlasts the end of the process, and with [`open`](Self::open) a loss of power, too; that costs
/// one wait for the disk with each write. The file belongs on a local file system: SQLite's locks do not work on most
/// others.
///
/// - Whoever waits for 1.5 s for a lock that another process holds, or for a connection, is
///   [`Unavailable`](StorageError::Unavailable). With one's own pool it is as long as that says.
/// - A disk that is full is [`Full`](StorageError::Full). A failure in the very step that makes a write lasting is
///   [`OutcomeUnknown`](StorageError::OutcomeUnknown).
/// - A row that this version cannot read, one of a newer version perhaps, is [`Unreadable`](StorageError::Unreadable) to
///   load, replace and touch; its key is taken until its deadline; a delete removes it, and so does a purge after its
///   deadline.
///
/// It is to be awaited in a runtime of `tokio`. The feature `sqlite`, which it needs, compiles SQLite from C with the
/// system's compiler: a clean build takes about 100 s of one core's time more, and Rust 1.94.
///
/// ```
/// use sessions_core::storage::SqliteStorage;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sessions.db");
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
/// let storage = SqliteStorage::open(path).await?;
/// // The same with the sessions in use kept in memory, where another process's writes are seen after 5 s.
/// let cached = storage.clone().cached();
/// # Ok::<(), sessions_core::StorageError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqliteStorage {
    database: Arc<Database>,
}

impl SqliteStorage {
    /// The statements that make its tables: `sessions`, `session_rosters`, and their indexes. They change nothing where
    /// those are, so that they can be run at every start.
    pub const MIGRATIONS: &'static str = include_str!("schema.sql");

    /// The storage in this file, which is made if it is not there, for this user alone; the folder around it has to be
    /// there. Beside it SQLite keeps two more, `-wal` and `-shm`, which belong to it.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if it cannot be made or opened, if it is no database, or if it has another table of
    /// the same name.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::migrated(open::file(path.as_ref()).await?).await
    }

    /// The storage in the application's own database, in which it makes its tables.
    ///
    /// Journal, durability and waiting times are as the pool sets them: with `synchronous` at `NORMAL` in the WAL mode
    /// a loss of power may undo the last acknowledged writes, a logout among them. A transaction of the application's
    /// that has written keeps the sessions waiting until it ends, so end it before you wait for a session; and a pool of
    /// `sqlite::memory:` has to be of one connection that lasts, as each has a database of its own.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if the database does not answer, or if it has another table of the same name.
    pub async fn from_pool(pool: SqlitePool) -> Result<Self, StorageError> {
        Self::migrated(Database::new(pool, Writers::Shared)).await
    }

    /// As [`from_pool`](Self::from_pool), for a database where [`MIGRATIONS`](Self::MIGRATIONS) have been run: it makes no
    /// tables.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if the database does not answer, or if the tables are not there.
    pub async fn from_migrated_pool(pool: SqlitePool) -> Result<Self, StorageError> {
        Self::verified(Database::new(pool, Writers::Shared)).await
    }

    /// This storage behind a cache.
    #[must_use]
    pub fn cached(self) -> CachedStorage<Self> {
        CachedStorage::new(self)
    }

    async fn migrated(database: Database) -> Result<Self, StorageError> {
        open::migrate(&database, Self::MIGRATIONS).await?;
        Self::verified(database).await
    }

    async fn verified(database: Database) -> Result<Self, StorageError> {
        open::verify(&database).await?;
        Ok(Self {
            database: Arc::new(database),
        })
    }

    /// Writes what becomes of a session, if anything does, and answers.
    fn change<T: Send + 'static>(
        &self,
        key: StorageKey,
        absent: T,
        change: impl FnOnce(&Record) -> Result<(Arc<Record>, T), T> + Send + 'static,
    ) -> StorageFuture<'_, T> {
        StorageFuture::boxed(self.database.transact(move |transaction| {
            Box::pin(async move {
                let Some(stored) = blob(transaction, row::SELECT, row::bytes(&key)).await? else {
                    return Ok(absent);
                };
                let stored = Record::from_bytes(&stored)?;
                match change(&stored) {
                    Err(refused) => Ok(refused),
                    Ok((record, done)) => {
                        if *record != stored {
                            execute(transaction, row::update(&key, &record)?).await?;
                        }
                        Ok(done)
                    }
                }
            })
        }))
    }
}

/// Frees sessions whose deadline has passed, which is checked in the statement that removes them.
const PURGE: &str = "
    DELETE FROM sessions WHERE rowid IN (
        SELECT rowid FROM sessions WHERE deadline <= ?1 ORDER BY deadline LIMIT ?2
    )";

impl SessionStorage for SqliteStorage {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        StorageFuture::boxed(async move {
            let inserted = self.database.write(|| row::insert(&key, &record, now)).await?;
            Ok(if inserted == 0 {
                Created::Exists
            } else {
                Created::Created
            })
        })
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::boxed(async move {
            let Some(stored) = self.database.blob(row::SELECT, row::bytes(&key)).await? else {
                return Ok(None);
            };
            let record = Record::from_bytes(&stored)?;
            Ok((!record.times.is_expired(now)).then(|| Arc::new(record)))
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
            // Nearly always all there is to do.
            if let Expected::Revision(revision) = expected {
                let update = || row::update_at(&key, &record, revision, now);
                if self.database.write(update).await? == 1 {
                    return Ok(Replaced::Done);
                }
            }
            self.change(key, Replaced::NotFound, move |stored| {
                let record = stored.replaced_by(&record, expected, now)?;
                Ok((record, Replaced::Done))
            })
            .await
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.change(key, Touched::Gone, move |stored| {
            let record = stored.touched_by(&touch, now)?;
            Ok((record, Touched::Touched))
        })
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(
            async move { Ok(self.database.write(|| Ok(row::delete(&key, now))).await? == 1) },
        )
    }

    /// Others write between one batch of a thousand and the next. It also frees what the index does not need any more.
    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::boxed(async move {
            let now = row::moment(now);
            let purge = |sql| move |limit: i64| sqlx::query(sql).bind(now).bind(limit);
            let freed = self.database.in_batches(limit, purge(PURGE)).await?;
            self.database.in_batches(limit, purge(rosters::PURGE)).await?;
            Ok(freed)
        })
    }

    /// Writes a row and removes it.
    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::boxed(open::probe(&self.database))
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }
}

impl fmt::Debug for SqliteStorage {
    /// How many connections it has; neither the file's name nor a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStorage")
            .field("connections", &self.database.readers())
            .finish()
    }
}
