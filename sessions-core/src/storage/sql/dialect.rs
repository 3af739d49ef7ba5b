//! What servers do differently, and how a statement gets to one.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use sqlx::{Database, Pool, SqlStr, pool::PoolConnection};
use tokio::runtime::Handle;

use super::{SqlStorage, error};
use crate::StorageError;

/// With the longest that a statement takes it is shorter than a request waits for its storage, so that it is told that
/// nothing was written, not left to guess.
pub(super) const PATIENCE: Duration = Duration::from_millis(900);

/// A connection that has lain idle for longer may have been lost, and is tried before it is used.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) const IDLE: Duration = Duration::from_secs(5);

/// A database server: `sqlx::Postgres` or `sqlx::MySql`.
pub trait Dialect: sealed::Dialect {}

impl<D: sealed::Dialect> Dialect for D {}

/// What a statement is given.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Bytes(&'a [u8]),
    Int(i64),
}

/// What comes of a statement.
pub(super) type Answer<'c, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'c>>;

pub(super) mod sealed {
    use super::*;

    pub trait Dialect: Database<Arguments: Send> + fmt::Debug {
        const MIGRATIONS: &'static str;
        /// After an insert: the row that is there stays. Where it is empty the server reports it instead.
        const UNLESS_THERE: &'static str;
        /// Asks for 1, where a connection may be set to leave transactions open.
        const COMMITS_EACH: Option<&'static str>;
        const PURGE: &'static str;
        const PURGE_ROSTERS: &'static str;
        const DELETE_SOME: &'static str;

        fn placeholder(number: usize) -> String;

        fn quoted(name: &str) -> String;

        /// Connections of one's own.
        fn pool(url: &str) -> impl Future<Output = Result<Pool<Self>, StorageError>> + Send;

        fn arguments(values: &[Value<'_>]) -> Result<Self::Arguments, sqlx::Error>;

        fn execute(
            connection: &mut Self::Connection,
            sql: SqlStr,
            arguments: Self::Arguments,
        ) -> Answer<'_, u64>;

        fn fetch(
            connection: &mut Self::Connection,
            sql: SqlStr,
            arguments: Self::Arguments,
        ) -> Answer<'_, Option<Self::Row>>;

        /// Several statements at once.
        fn run(connection: &mut Self::Connection, sql: String) -> Answer<'_, ()>;

        fn bytes(row: &Self::Row, column: usize) -> Result<Vec<u8>, sqlx::Error>;

        fn int(row: &Self::Row, column: usize) -> Result<i64, sqlx::Error>;

        /// Whether it has undone a statement because of another one at the same time, by the server's code of an error.
        fn is_contended(code: &str) -> bool;

        /// Whether there is no room, by the server's code of an error.
        fn is_full(code: &str) -> bool;

        /// Whether the server may have committed all the same, by its code.
        fn leaves_open(code: &str) -> bool;
    }
}

/// What is the same in `sqlx` for each server, and cannot be said once for all.
#[cfg(any(feature = "mysql", feature = "postgres"))]
macro_rules! through_sqlx {
    () => {
        fn arguments(values: &[Value<'_>]) -> Result<Self::Arguments, sqlx::Error> {
            let mut arguments = Self::Arguments::default();
            for value in values {
                match value {
                    Value::Bytes(bytes) => arguments.add(*bytes),
                    Value::Int(int) => arguments.add(*int),
                }
                .map_err(sqlx::Error::Encode)?;
            }
            Ok(arguments)
        }

        fn execute(
            connection: &mut Self::Connection,
            sql: SqlStr,
            arguments: Self::Arguments,
        ) -> Answer<'_, u64> {
            Box::pin(async move {
                let done = sqlx::query_with(sql, arguments).execute(connection).await?;
                Ok(done.rows_affected())
            })
        }

        fn fetch(
            connection: &mut Self::Connection,
            sql: SqlStr,
            arguments: Self::Arguments,
        ) -> Answer<'_, Option<Self::Row>> {
            Box::pin(sqlx::query_with(sql, arguments).fetch_optional(connection))
        }

        fn run(connection: &mut Self::Connection, sql: String) -> Answer<'_, ()> {
            Box::pin(async move {
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                    .execute(connection)
                    .await
                    .map(|_| ())
            })
        }

        fn bytes(row: &Self::Row, column: usize) -> Result<Vec<u8>, sqlx::Error> {
            row.try_get(column)
        }

        fn int(row: &Self::Row, column: usize) -> Result<i64, sqlx::Error> {
            row.try_get(column)
        }
    };
}
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) use through_sqlx;

/// Makes the tables that are not there.
pub(super) async fn migrate<D: Dialect>(pool: &Pool<D>, sql: String) -> Result<(), StorageError> {
    let mut connection = connection(pool).await?;
    D::run(&mut connection, sql).await.map_err(error::before::<D>)
}

async fn connection<D: Dialect>(pool: &Pool<D>) -> Result<PoolConnection<D>, StorageError> {
    // Without a runtime the pool would panic.
    Handle::try_current().map_err(StorageError::unavailable)?;
    pool.acquire().await.map_err(StorageError::unavailable)
}

impl<D: Dialect> SqlStorage<D> {
    /// What is made of the row that a query finds.
    pub(super) async fn row<T>(
        &self,
        sql: &SqlStr,
        values: Vec<Value<'_>>,
        read: impl FnOnce(&D::Row) -> Result<T, sqlx::Error> + Send,
    ) -> Result<Option<T>, StorageError> {
        let arguments = D::arguments(&values).map_err(StorageError::unavailable)?;
        let mut connection = connection(&self.shared.pool).await?;
        let row = D::fetch(&mut connection, sql.clone(), arguments)
            .await
            .map_err(error::before::<D>)?;
        row.map(|row| read(&row)).transpose().map_err(error::before::<D>)
    }

    /// How many rows a statement changes.
    pub(super) async fn write(&self, sql: &SqlStr, values: Vec<Value<'_>>) -> Result<u64, StorageError> {
        match self.try_write(sql, values).await? {
            // As if it had come later: whoever asks why nothing was changed finds what the other has left.
            Err(error) if error::is_contended::<D>(&error) => Ok(0),
            done => done.map_err(error::committing::<D>),
        }
    }

    /// Whether a row is inserted; else there is one of its key.
    pub(super) async fn inserts(&self, sql: &SqlStr, values: Vec<Value<'_>>) -> Result<bool, StorageError> {
        match self.try_write(sql, values).await? {
            Ok(inserted) => Ok(inserted == 1),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) if error::is_contended::<D>(&error) => Ok(false),
            Err(error) => Err(error::committing::<D>(error)),
        }
    }

    async fn try_write(
        &self,
        sql: &SqlStr,
        values: Vec<Value<'_>>,
    ) -> Result<Result<u64, sqlx::Error>, StorageError> {
        let arguments = D::arguments(&values).map_err(StorageError::unavailable)?;
        let mut connection = connection(&self.shared.pool).await?;
        Ok(D::execute(&mut connection, sql.clone(), arguments).await)
    }

    /// Removes at most so many rows, a thousand at a time so that others get their turn, and says how many.
    pub(super) async fn in_batches(
        &self,
        sql: &SqlStr,
        values: &[Value<'_>],
        limit: usize,
    ) -> Result<usize, StorageError> {
        const BATCH: usize = 1000;
        let mut removed = 0;
        while removed < limit {
            let batch = BATCH.min(limit - removed);
            let mut values = values.to_vec();
            values.push(Value::Int(batch as i64));
            let found = usize::try_from(self.write(sql, values).await?).unwrap_or(batch);
            removed += found;
            if found < batch {
                break;
            }
        }
        Ok(removed)
    }
}
