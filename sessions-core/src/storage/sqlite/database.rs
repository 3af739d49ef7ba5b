//! The connections, and who may write.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::{Mutex, MutexGuard},
};

use super::{error, row::Statement};
use crate::{StorageError, secret::random};

pub(super) struct Database {
    readers: SqlitePool,
    writers: Writers,
    /// SQLite has one writer at a time and lets the others ask again and again, in no order. Those of this process
    /// wait in line here instead, without a connection.
    line: Mutex<()>,
}

/// How this process writes.
pub(super) enum Writers {
    /// With the connections that it reads with, which wait for other processes as long as they are set to.
    Shared,
    /// With one that hardly waits, and is asked again for as long as this.
    Own(SqlitePool, Duration),
}

/// What is done in a transaction.
type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'c>>;

impl Database {
    pub(super) fn new(readers: SqlitePool, writers: Writers) -> Self {
        Self {
            readers,
            writers,
            line: Mutex::new(()),
        }
    }

    /// The blob that a query asks for under a key.
    pub(super) async fn blob(
        &self,
        sql: &'static str,
        key: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        blob(&mut *self.connection().await?, sql, key).await
    }

    /// How many rows a statement changes that is a transaction of its own.
    pub(super) async fn write(
        &self,
        statement: impl Fn() -> Result<Statement, StorageError>,
    ) -> Result<u64, StorageError> {
        let mut writer = self.writer().await?;
        loop {
            match statement()?.execute(&mut *writer.connection).await {
                Err(error) if writer.waits.asks_again(&error).await => {}
                done => return Ok(done.map_err(error::committing)?.rows_affected()),
            }
        }
    }

    /// Does this work, and nobody else writes between its first step and its last.
    pub(super) async fn transact<T>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send,
    ) -> Result<T, StorageError> {
        let mut writer = self.writer().await?;
        let mut transaction = loop {
            // Not one that begins to write later: it would find that others have written meanwhile.
            match writer.connection.begin_with("BEGIN IMMEDIATE").await {
                Err(error) if writer.waits.asks_again(&error).await => {}
                begun => break begun.map_err(error::before)?,
            }
        };
        // SQLite may end a transaction by itself, of which the connection would know nothing: then it is of no use.
        let (done, broken) = match work(&mut transaction).await {
            Ok(answer) => match transaction.commit().await {
                Ok(()) => (Ok(answer), false),
                Err(error) => (Err(error::committing(error)), true),
            },
            Err(error) => (Err(error), transaction.rollback().await.is_err()),
        };
        if broken {
            writer.connection.close_on_drop();
        }
        done
    }

    /// Removes at most so many rows, a thousand at a time so that others get their turn, and says how many.
    pub(super) async fn in_batches(
        &self,
        limit: usize,
        delete: impl Fn(i64) -> Statement + Send + Sync,
    ) -> Result<usize, StorageError> {
        const BATCH: usize = 1000;
        let mut removed = 0;
        while removed < limit {
            let batch = BATCH.min(limit - removed);
            let found = usize::try_from(self.write(|| Ok(delete(batch as i64))).await?).unwrap_or(batch);
            removed += found;
            if found < batch {
                break;
            }
        }
        Ok(removed)
    }

    /// How many connections it reads with.
    pub(super) fn readers(&self) -> u32 {
        self.readers.size()
    }

    /// Waits in line, and for a connection.
    async fn writer(&self) -> Result<Writer<'_>, StorageError> {
        let since = Instant::now();
        let (turn, pool, patience) = match &self.writers {
            Writers::Shared => (self.line.lock().await, &self.readers, Duration::ZERO),
            Writers::Own(pool, patience) => {
                let turn = tokio::time::timeout(*patience, self.line.lock()).await;
                let turn = turn.map_err(|_| StorageError::unavailable("others were writing for too long"))?;
                (turn, pool, *patience)
            }
        };
        Ok(Writer {
            connection: connection(pool).await?,
            waits: Waits { since, patience },
            _turn: turn,
        })
    }

    pub(super) async fn connection(&self) -> Result<PoolConnection<Sqlite>, StorageError> {
        connection(&self.readers).await
    }
}

async fn connection(pool: &SqlitePool) -> Result<PoolConnection<Sqlite>, StorageError> {
    // Without a runtime the pool would panic.
    let runtime = Handle::try_current().map_err(StorageError::unavailable)?;
    if !pool.options().get_test_before_acquire() {
        return pool.acquire().await.map_err(error::before);
    }
    // Whoever is dropped while the pool tests a connection for it closes that connection; the last one of
    // `sqlite::memory:` is the database. So the pool is asked by a task, which is not dropped.
    let pool = pool.clone();
    let acquired = runtime.spawn(async move { pool.acquire().await }).await;
    acquired
        .map_err(StorageError::unavailable)?
        .map_err(error::before)
}

/// Whose turn it is.
struct Writer<'a> {
    connection: PoolConnection<Sqlite>,
    waits: Waits,
    _turn: MutexGuard<'a, ()>,
}

/// How long a writer has waited for those of other processes.
struct Waits {
    since: Instant,
    patience: Duration,
}

impl Waits {
    const LONGEST_PAUSE: Duration = Duration::from_millis(4);

    /// Waits for a moment if somebody else was writing, and if there is time. SQLite itself would ask the less often the
    /// longer it has waited, so that whoever has waited long is overtaken by whoever has just come. Who asks at any time
    /// as often as all others has its turn in time.
    async fn asks_again(&self, error: &sqlx::Error) -> bool {
        if !error::is_busy(error) || self.since.elapsed() >= self.patience {
            return false;
        }
        let Ok([random]) = random::<1>() else {
            return false;
        };
        tokio::time::sleep(Self::LONGEST_PAUSE * u32::from(random) / 256).await;
        true
    }
}

/// The blob that a query asks for under a key.
pub(super) async fn blob(
    connection: &mut SqliteConnection,
    sql: &'static str,
    key: Vec<u8>,
) -> Result<Option<Vec<u8>>, StorageError> {
    let blob = sqlx::query_scalar(sql).bind(key).fetch_optional(connection).await;
    blob.map_err(error::before)
}

/// How many rows a statement changes within a transaction.
pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<u64, StorageError> {
    let done = statement.execute(connection).await;
    Ok(done.map_err(error::before)?.rows_affected())
}
