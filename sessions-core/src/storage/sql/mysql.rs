//! MySQL and MariaDB.

use sqlx::{
    Arguments as _, ConnectOptions as _, Connection as _, Executor as _, MySql, Pool, Row as _, SqlStr,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};

use super::dialect::{Answer, IDLE, PATIENCE, Value, sealed, through_sqlx};
use crate::StorageError;

impl sealed::Dialect for MySql {
    const MIGRATIONS: &'static str = include_str!("mysql.sql");
    // With the count of rows that were found, which tells whether an update did something, the server does not tell
    // an insert from a row that was there.
    const UNLESS_THERE: &'static str = "";
    const COMMITS_EACH: Option<&'static str> = Some("SELECT CAST(@@autocommit AS SIGNED)");
    const PURGE: &'static str = "DELETE FROM {sessions} WHERE deadline <= ? ORDER BY deadline LIMIT ?";
    const PURGE_ROSTERS: &'static str = "DELETE FROM {rosters} WHERE deadline <= ? ORDER BY deadline LIMIT ?";
    const DELETE_SOME: &'static str = "DELETE FROM {sessions} WHERE kind = ? AND deadline > ? LIMIT ?";

    fn placeholder(_: usize) -> String {
        "?".to_owned()
    }

    fn quoted(name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    async fn pool(url: &str) -> Result<Pool<Self>, StorageError> {
        let options: MySqlConnectOptions = url.parse().map_err(StorageError::unavailable)?;
        MySqlPoolOptions::new()
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move { Ok(meta.idle_for < IDLE || connection.ping().await.is_ok()) })
            })
            // Each statement is a transaction, whatever the server is set to; and waits for the shortest time that there is,
            // so that nobody has to guess what became of it.
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection
                        .execute(
                            "SET SESSION autocommit = 1, innodb_lock_wait_timeout = 1, lock_wait_timeout = 1",
                        )
                        .await
                        .map(|_| ())
                })
            })
            .connect_with(options.disable_statement_logging())
            .await
            .map_err(StorageError::unavailable)
    }

    through_sqlx!();

    fn is_contended(code: &str) -> bool {
        code == "40001"
    }

    fn is_full(_: &str) -> bool {
        false
    }

    /// The server is shutting down.
    fn leaves_open(code: &str) -> bool {
        code.starts_with("08")
    }
}
