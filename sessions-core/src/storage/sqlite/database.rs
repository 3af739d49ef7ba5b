//! The connections, and who may write.

use std::pin::Pin;

use sqlx::{Connection as _, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::{Mutex, MutexGuard},
};

use super::{error, row::Statement};
use crate::StorageError;

pub(super) struct Database {
    pool: SqlitePool,
    /// SQLite has one writer at a time and lets the others ask again and again, in no order. Those of this process
    /// wait in line here instead, without a connection.
    writer: Mutex<()>,
}

/// What is done in a transaction.
type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'c>>;

impl Database {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            writer: Mutex::new(()),
        }
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
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
    pub(super) async fn write(&self, statement: Statement) -> Result<u64, StorageError> {
        let _turn = self.turn().await;
        let mut connection = self.connection().await?;
        let done = statement.execute(&mut *connection).await;
        Ok(done.map_err(error::committing)?.rows_affected())
    }

    /// Does this work, and nobody else writes between its first step and its last.
    pub(super) async fn transact<T>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send,
    ) -> Result<T, StorageError> {
        let _turn = self.turn().await;
        let mut connection = self.connection().await?;
        // Not a transaction that becomes one of a writer later: it would find that others have written meanwhile.
        let begun = connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(error::before)?;
        // SQLite may end a transaction by itself, of which the connection would know nothing: then it is of no use.
        let (done, broken) = match work(&mut transaction).await {
            Ok(answer) => match transaction.commit().await {
                Ok(()) => (Ok(answer), false),
                Err(error) => (Err(error::committing(error)), true),
            },
            Err(error) => (Err(error), transaction.rollback().await.is_err()),
        };
        if broken {
            connection.close_on_drop();
        }
        done
    }

    /// Removes at most so many rows, a thousand at a time so that others get their turn, and says how many.
    pub(super) async fn in_batches(
        &self,
        limit: usize,
        delete: impl Fn(i64) -> Statement + Send,
    ) -> Result<usize, StorageError> {
        const BATCH: usize = 1000;
        let mut removed = 0;
        while removed < limit {
            let batch = BATCH.min(limit - removed);
            let found = usize::try_from(self.write(delete(batch as i64)).await?).unwrap_or(batch);
            removed += found;
            if found < batch {
                break;
            }
        }
        Ok(removed)
    }

    async fn turn(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().await
    }

    pub(super) async fn connection(&self) -> Result<PoolConnection<Sqlite>, StorageError> {
        // Without a runtime the pool would panic.
        let runtime = Handle::try_current().map_err(StorageError::unavailable)?;
        if !self.pool.options().get_test_before_acquire() {
            return self.pool.acquire().await.map_err(error::before);
        }
        // Whoever is dropped while the pool tests a connection for it closes that connection; the last one of
        // `sqlite::memory:` is the database. So the pool is asked by a task, which is not dropped.
        let pool = self.pool.clone();
        let acquired = runtime.spawn(async move { pool.acquire().await }).await;
        acquired
            .map_err(StorageError::unavailable)?
            .map_err(error::before)
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
