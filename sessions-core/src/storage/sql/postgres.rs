//! PostgreSQL.

use std::time::Duration;

use sqlx::{
    Arguments as _, ConnectOptions as _, Connection as _, Pool, Postgres, Row as _, SqlStr,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::dialect::{Answer, IDLE, PATIENCE, Value, sealed, through_sqlx};
use crate::StorageError;

/// A statement that waits for longer is given up by the server, so that nobody has to guess what became of it.
const STATEMENT: Duration = Duration::from_millis(1000);

impl sealed::Dialect for Postgres {
    const MIGRATIONS: &'static str = include_str!("postgres.sql");
    const UNLESS_THERE: &'static str = " ON CONFLICT DO NOTHING";
    const COMMITS_EACH: Option<&'static str> = None;
    // Nodes that purge at once take different rows.
    const PURGE: &'static str = "
        DELETE FROM {sessions} WHERE storage_key IN (
            SELECT storage_key FROM {sessions} WHERE deadline <= ? ORDER BY deadline LIMIT ? FOR UPDATE SKIP LOCKED
        )";
    const PURGE_ROSTERS: &'static str = "
        DELETE FROM {rosters} WHERE roster_key IN (
            SELECT roster_key FROM {rosters} WHERE deadline <= ? ORDER BY deadline LIMIT ? FOR UPDATE SKIP LOCKED
        )";
    const DELETE_SOME: &'static str = "
        DELETE FROM {sessions} WHERE storage_key IN (
            SELECT storage_key FROM {sessions} WHERE kind = ? AND deadline > ? LIMIT ?
            FOR UPDATE SKIP LOCKED
        )";

    fn placeholder(number: usize) -> String {
        format!("${number}")
    }

    fn quoted(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    async fn pool(url: &str) -> Result<Pool<Self>, StorageError> {
        let options: PgConnectOptions = url.parse().map_err(StorageError::unavailable)?;
        let limit = STATEMENT.as_millis().to_string();
        let options = options
            .application_name("sessions")
            .options([("statement_timeout", limit.as_str())])
            .disable_statement_logging();
        PgPoolOptions::new()
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move { Ok(meta.idle_for < IDLE || connection.ping().await.is_ok()) })
            })
            .connect_with(options)
            .await
            .map_err(StorageError::unavailable)
    }

    through_sqlx!();

    fn is_contended(code: &str) -> bool {
        matches!(code, "40001" | "40P01")
    }

    // https://www.postgresql.org/docs/current/errcodes-appendix.html: disk_full, out_of_memory, too large.
    fn is_full(code: &str) -> bool {
        matches!(code, "53100" | "53200" | "54000")
    }

    /// The server or the connection is ending: it says so between a commit and its answer, too.
    fn leaves_open(code: &str) -> bool {
        code.starts_with("57P") || code.starts_with("08")
    }
}
