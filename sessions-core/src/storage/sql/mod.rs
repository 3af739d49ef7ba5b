//! Sessions in a database server: PostgreSQL, and MySQL or MariaDB.

mod columns;
mod dialect;
mod error;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod rosters;
mod statements;
mod tables;

use std::{fmt, sync::Arc};

use sqlx::{Pool, SqlStr};

use self::{
    columns::{moment, stored, times},
    dialect::Value::{Bytes, Int},
    statements::Statements,
};
use super::{
    CachedStorage, Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageError,
    StorageFuture, Touch, Touched, parts,
};
use crate::{Record, RecordError, Revision, StorageKey, Timestamp, secret::random};

pub use self::{dialect::Dialect, tables::SqlTables};

/// Keeps sessions in PostgreSQL, 12 or later. See [`SqlStorage`].
#[cfg(feature = "postgres")]
pub type PostgresStorage = SqlStorage<sqlx::Postgres>;

/// Keeps sessions in MySQL, 8.0 or later, or MariaDB, 10.5 or later. See [`SqlStorage`].
///
/// Without TLS, MySQL's own way to log in (`caching_sha2_password`) works only for passwords that the server has
/// remembered; build `sqlx` with one of its TLS features.
#[cfg(feature = "mysql")]
pub type MySqlStorage = SqlStorage<sqlx::MySql>;

/// Keeps sessions in a database server that several machines share: [`PostgresStorage`] or [`MySqlStorage`].
///
/// Clones share their connections. Each operation is one statement that is a transaction of its own, so it neither
/// begins one nor holds a lock between two: one round trip to load a session, one to create, replace, touch or delete it.
/// A write that finds nothing to change asks once more to say why. A change of a principal's index is a read and a write
/// that succeeds only if nobody else has written in between.
///
/// What is acknowledged is as lasting as a commit of the server is: with the defaults of PostgreSQL and InnoDB it outlasts
/// a loss of power. A server that fails over to a replica which had not yet received the last commits loses those, a logout
/// among them, unless it commits synchronously. Sessions are loaded from where they are written: give it no read replica.
///
/// - A connection that cannot be had within 0.9 s is [`Unavailable`](StorageError::Unavailable), as is a statement that the
///   server refuses or that waits for others for a second. With one's own pool it waits as long as that says.
/// - Of statements that the server undoes because of one another, as under isolation stricter than `READ COMMITTED`, one is
///   as if it had come later.
/// - One's own pool has to commit each statement (`autocommit`). Behind PgBouncer, use one's own pool: `connect` sets
///   `statement_timeout` where PgBouncer takes no settings, and in transaction mode it needs version 1.21 and
///   `max_prepared_statements`.
/// - A connection that is lost while a write is under way is [`OutcomeUnknown`](StorageError::OutcomeUnknown).
/// - A row that this version cannot read, one of a newer version perhaps, is [`Unreadable`](StorageError::Unreadable) to
///   load, replace and touch; its key is taken until its deadline; a delete removes it, and so does a purge after its
///   deadline.
///
/// It is to be awaited in a runtime of `tokio`.
///
/// ```no_run
/// # #[cfg(feature = "postgres")]
/// # async fn open() -> Result<(), sessions_core::StorageError> {
/// use sessions_core::storage::PostgresStorage;
///
/// let storage = PostgresStorage::connect("postgres://shop@localhost/shop").await?;
/// // The same with the sessions in use kept in memory, where another process's writes are seen after 5 s.
/// let cached = storage.clone().cached();
/// # Ok(())
/// # }
/// ```
pub struct SqlStorage<D: Dialect> {
    shared: Arc<Shared<D>>,
}

struct Shared<D: Dialect> {
    pool: Pool<D>,
    statements: Statements,
}

impl<D: Dialect> SqlStorage<D> {
    /// The storage in this database, such as `postgres://user:password@host/database`, with ten connections of its own, in
    /// which it makes its tables.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if the address is none, if the database does not answer, or if it has another table
    /// of the same name.
    pub async fn connect(url: &str) -> Result<Self, StorageError> {
        Self::from_pool(D::pool(url).await?).await
    }

    /// The storage in the application's own database, in which it makes its tables.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn from_pool(pool: Pool<D>) -> Result<Self, StorageError> {
        Self::from_pool_in(pool, &SqlTables::new()).await
    }

    /// As [`from_pool`](Self::from_pool), in tables of one's own names.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn from_pool_in(pool: Pool<D>, tables: &SqlTables) -> Result<Self, StorageError> {
        // Not where they are: to make an index that is there locks the table, and takes more rights than to use it.
        if let Ok(storage) = Self::from_migrated_pool_in(pool.clone(), tables).await {
            return Ok(storage);
        }
        dialect::migrate(&pool, Self::migrations(tables)).await?;
        Self::from_migrated_pool_in(pool, tables).await
    }

    /// As [`from_pool_in`](Self::from_pool_in), for a database where [`migrations`](Self::migrations) have been run: it
    /// makes no tables.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and if the tables are not there.
    pub async fn from_migrated_pool_in(pool: Pool<D>, tables: &SqlTables) -> Result<Self, StorageError> {
        let storage = Self {
            shared: Arc::new(Shared {
                pool,
                statements: Statements::of::<D>(tables),
            }),
        };
        storage.verify().await?;
        Ok(storage)
    }

    /// The statements that make these tables and their indexes, for the application's own migrations. They change nothing
    /// where those are. In PostgreSQL they wait even then for whoever works on the tables, and keep writers waiting.
    #[must_use]
    pub fn migrations(tables: &SqlTables) -> String {
        tables.name_in::<D>(D::MIGRATIONS)
    }

    /// This storage behind a cache.
    #[must_use]
    pub fn cached(self) -> CachedStorage<Self> {
        CachedStorage::new(self)
    }

    /// Whether the tables are there, and ours: another library may call one `sessions`, too.
    async fn verify(&self) -> Result<(), StorageError> {
        let statements = self.statements();
        for sql in [&statements.columns_of_sessions, &statements.columns_of_rosters] {
            self.row(sql, Vec::new(), |_| Ok(())).await?;
        }
        let Some(sql) = D::COMMITS_EACH else {
            return Ok(());
        };
        let commits = self
            .row(&SqlStr::from_static(sql), Vec::new(), |row| D::int(row, 0))
            .await?;
        if commits != Some(1) {
            return Err(StorageError::unavailable(
                "the connections leave transactions open: set `autocommit = 1`, or a logout is undone",
            ));
        }
        Ok(())
    }

    fn statements(&self) -> &Statements {
        &self.shared.statements
    }

    /// Whether there is a live row, readable or not.
    async fn is_taken(&self, key: &StorageKey, now: Timestamp) -> Result<bool, StorageError> {
        let values = vec![Bytes(key.as_bytes()), Int(moment(now))];
        let found = self.row(&self.statements().standing, values, |_| Ok(()));
        Ok(found.await?.is_some())
    }

    /// Why a write has found nothing to change.
    async fn standing(&self, key: &StorageKey, now: Timestamp) -> Result<Option<Standing>, StorageError> {
        let values = vec![Bytes(key.as_bytes()), Int(moment(now))];
        let found = self.row(&self.statements().standing, values, |row| {
            let form = D::int(row, 0)?;
            Ok((form, D::bytes(row, 1)?, D::int(row, 2)?, D::int(row, 3)?))
        });
        match found.await? {
            None => Ok(None),
            Some((form, ..)) if form != i64::from(Record::FORM) => Err(RecordError::Version.into()),
            Some((_, revision, epoch, version)) => Ok(Some(Standing {
                revision,
                epoch,
                version,
            })),
        }
    }
}

/// What tells writers apart.
struct Standing {
    revision: Vec<u8>,
    epoch: i64,
    version: i64,
}

impl Standing {
    /// Whether a record of this version may be written in its place.
    fn is(&self, expected: Expected, version: i64) -> bool {
        match expected {
            Expected::Revision(Revision(revision)) => self.revision == revision,
            Expected::Epoch(epoch) => self.epoch == columns::epoch(epoch) && self.version <= version,
        }
    }
}

impl<D: Dialect> SessionStorage for SqlStorage<D> {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        StorageFuture::boxed(async move {
            let head = parts::head(&record)?;
            let kind = parts::kind(&record.application, &record.name);
            let [seen, idle, absolute, ends, deadline] = times(&record.times);
            let values = || {
                vec![
                    Bytes(key.as_bytes()),
                    Bytes(&kind),
                    Int(i64::from(Record::FORM)),
                    Bytes(&record.revision.0),
                    Int(columns::epoch(record.epoch)),
                    Int(i64::from(record.schema.version)),
                    Bytes(&record.schema.fingerprint.0),
                    Int(seen),
                    Int(idle),
                    Int(absolute),
                    Int(ends),
                    Int(deadline),
                    Bytes(&head),
                    Bytes(record.payload.as_bytes()),
                ]
            };
            loop {
                if self.inserts(&self.statements().insert, values()).await? {
                    return Ok(Created::Created);
                }
                let mut expired = values();
                expired.extend([Bytes(key.as_bytes()), Int(moment(now))]);
                if self.write(&self.statements().replace_expired, expired).await? == 1 {
                    return Ok(Created::Created);
                }
                if self.is_taken(&key, now).await? {
                    return Ok(Created::Exists);
                }
            }
        })
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::boxed(async move {
            let values = vec![Bytes(key.as_bytes()), Int(moment(now))];
            let found = self.row(&self.statements().select, values, |row| {
                Ok(columns::Stored {
                    revision: D::bytes(row, 0)?,
                    version: D::int(row, 1)?,
                    fingerprint: D::bytes(row, 2)?,
                    last_seen: D::int(row, 3)?,
                    idle_deadline: D::int(row, 4)?,
                    head: D::bytes(row, 5)?,
                    payload: D::bytes(row, 6)?,
                })
            });
            match found.await? {
                None => Ok(None),
                Some(columns) => Ok(Some(Arc::new(stored(columns)?))),
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
            let head = parts::head(&record)?;
            let [seen, idle, absolute, ends, _] = times(&record.times);
            let form = Int(i64::from(Record::FORM));
            let schema = [
                Int(i64::from(record.schema.version)),
                Bytes(&record.schema.fingerprint.0),
            ];
            loop {
                let (sql, values) = match expected {
                    Expected::Revision(ref revision) => (
                        &self.statements().replace_at_revision,
                        vec![
                            Bytes(&record.revision.0),
                            Int(columns::epoch(record.epoch)),
                            schema[0],
                            schema[1],
                            Int(seen),
                            Int(idle),
                            Int(absolute),
                            Int(ends),
                            Int(idle),
                            Int(absolute),
                            Int(absolute),
                            Int(ends),
                            Bytes(&head),
                            Bytes(record.payload.as_bytes()),
                            Bytes(key.as_bytes()),
                            Int(moment(now)),
                            form,
                            Bytes(&revision.0),
                        ],
                    ),
                    Expected::Epoch(epoch) => (
                        &self.statements().replace_within_epoch,
                        vec![
                            Bytes(&record.revision.0),
                            schema[0],
                            schema[1],
                            Int(seen),
                            Int(idle),
                            Int(idle),
                            Bytes(record.payload.as_bytes()),
                            Bytes(key.as_bytes()),
                            Int(moment(now)),
                            form,
                            Int(columns::epoch(epoch)),
                            schema[0],
                        ],
                    ),
                };
                if self.write(sql, values).await? == 1 {
                    return Ok(Replaced::Done);
                }
                match self.standing(&key, now).await? {
                    None => return Ok(Replaced::NotFound),
                    Some(standing) if !standing.is(expected, i64::from(record.schema.version)) => {
                        return Ok(Replaced::Conflict);
                    }
                    // It has come to be what was expected since.
                    Some(_) => {}
                }
            }
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        StorageFuture::boxed(async move {
            let (seen, idle) = (columns::time(touch.last_seen), columns::time(touch.idle_deadline));
            loop {
                let values = vec![
                    Int(seen),
                    Int(idle),
                    Int(idle),
                    Bytes(key.as_bytes()),
                    Int(moment(now)),
                    Int(i64::from(Record::FORM)),
                    Int(columns::epoch(touch.epoch)),
                ];
                if self.write(&self.statements().touch, values).await? == 1 {
                    return Ok(Touched::Touched);
                }
                match self.standing(&key, now).await? {
                    None => return Ok(Touched::Gone),
                    Some(standing) if standing.epoch != columns::epoch(touch.epoch) => {
                        return Ok(Touched::Superseded);
                    }
                    Some(_) => {}
                }
            }
        })
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(async move {
            let values = vec![Bytes(key.as_bytes()), Int(moment(now))];
            Ok(self.write(&self.statements().delete, values).await? == 1)
        })
    }

    /// Others write between one batch of a thousand and the next, and several nodes may purge at once. It also frees what
    /// the index does not need any more.
    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::boxed(async move {
            let statements = self.statements();
            let freed = self
                .in_batches(&statements.purge, &[Int(moment(now))], limit)
                .await?;
            self.in_batches(&statements.purge_rosters, &[Int(moment(now))], limit)
                .await?;
            Ok(freed)
        })
    }

    /// Writes a row and removes it.
    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::boxed(async move {
            let key: [u8; 32] = random().map_err(StorageError::unavailable)?;
            let statements = self.statements();
            let values = vec![Bytes(&key), Bytes(&key[..16]), Int(0), Bytes(b"")];
            self.inserts(&statements.insert_roster, values).await?;
            let values = vec![Bytes(&key), Bytes(&key[..16])];
            self.write(&statements.delete_roster, values).await.map(|_| ())
        })
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }
}

impl<D: Dialect> Clone for SqlStorage<D> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<D: Dialect> fmt::Debug for SqlStorage<D> {
    /// How many connections it has; neither the database's address nor a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStorage")
            .field("connections", &self.shared.pool.size())
            .finish()
    }
}
