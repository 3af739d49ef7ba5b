//! A database file of one's own, and the tables in any database.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind},
    path::{self, Path},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    database::{Database, Writers, execute},
    error,
};
use crate::StorageError;

/// Shorter than a request waits for its storage, so that it is told that nothing was written, not left to guess.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long SQLite itself may wait for another writer: so short that it asks often.
const MOMENT: Duration = Duration::from_millis(3);

/// They read while one more writes.
const READERS: u32 = 7;

/// The database in this file, which is made if it is not there.
pub(super) async fn file(path: &Path) -> Result<Database, StorageError> {
    // Without this, `:memory:` and its like would not be files.
    let path = path::absolute(path).map_err(StorageError::unavailable)?;
    make(&path).map_err(StorageError::unavailable)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(PATIENCE)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let readers = connect(options.clone(), READERS).await?;
    write_ahead(&readers).await?;
    let writer = connect(options.busy_timeout(MOMENT), 1).await?;
    Ok(Database::new(readers, Writers::Own(writer, PATIENCE)))
}

async fn connect(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StorageError> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(error::before)
}

/// Makes an empty file, which is an empty database, for this user alone; SQLite gives the files beside it the same mode.
fn make(path: &Path) -> io::Result<()> {
    // Whoever closes a file loses the locks that the process has on it. The file is closed before the next one is
    // told that it is there.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Lets readers and a writer work at once. The file remembers it.
async fn write_ahead(pool: &SqlitePool) -> Result<(), StorageError> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        match sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await {
            Ok(_) => return Ok(()),
            // For this step alone SQLite does not wait for others that open the file, too.
            Err(error) if error::is_busy(&error) && waited < PATIENCE => {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            Err(error) => return Err(error::before(error)),
        }
    }
}

/// Makes the tables that are not there.
pub(super) async fn migrate(database: &Database, sql: &'static str) -> Result<(), StorageError> {
    let work = database.transact(|transaction| {
        Box::pin(async move {
            let done = sqlx::raw_sql(sql).execute(transaction).await;
            done.map(|_| ()).map_err(error::before)
        })
    });
    work.await
}

/// Whether the tables are there, and ours: another library may call one `sessions`, too.
pub(super) async fn verify(database: &Database) -> Result<(), StorageError> {
    const COLUMNS: [&str; 2] = [
        "SELECT key, application, name, revision, last_seen, idle_deadline, deadline, record FROM sessions LIMIT 0",
        "SELECT key, deadline, roster FROM session_rosters LIMIT 0",
    ];
    let mut connection = database.connection().await?;
    for columns in COLUMNS {
        let found = sqlx::query(columns).execute(&mut *connection).await;
        found.map_err(error::before)?;
    }
    Ok(())
}

/// Does what a write does, beside the sessions.
pub(super) async fn probe(database: &Database) -> Result<(), StorageError> {
    const PROBE: [&str; 2] = [
        "INSERT INTO session_rosters (key, deadline, roster) VALUES (x'', 0, x'')",
        "DELETE FROM session_rosters WHERE key = x''",
    ];
    let work = database.transact(|transaction| {
        Box::pin(async move {
            for statement in PROBE {
                execute(transaction, sqlx::query(statement)).await?;
            }
            Ok(())
        })
    });
    work.await
}
