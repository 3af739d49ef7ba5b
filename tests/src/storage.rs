//! The storages that several processes share, by their names.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sessions_actix::storage::{
    CachedStorage, DirectoryStorage, MemoryStorage, MySqlStorage, PostgresStorage, SessionStorage,
    SqliteStorage,
};

/// Where sessions of one kind are kept, for as long as it lives.
#[derive(Debug)]
pub enum Place {
    /// A folder of its own.
    Folder(tempfile::TempDir),
    /// A server of its own.
    Postgres(servers::Postgres),
    /// A server of its own.
    MariaDb(servers::MariaDb),
}

impl Place {
    /// One for this kind.
    ///
    /// # Errors
    /// No folder can be made.
    pub fn of(kind: &str) -> std::io::Result<Self> {
        Ok(match kind.trim_start_matches("cached-") {
            "postgres" => Self::Postgres(servers::Postgres::start()),
            "mariadb" => Self::MariaDb(servers::MariaDb::start()),
            _ => Self::Folder(tempfile::tempdir()?),
        })
    }

    /// What [`open`] is given to find it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().into(),
            Self::Postgres(server) => server.url().into(),
            Self::MariaDb(server) => server.url().into(),
        }
    }
}

/// Opens the storage of this kind, in this folder, or at this address. A kind that is `cached-` has copies that are
/// at most `staleness` old.
///
/// # Errors
/// When it cannot be opened, or there is none of this kind.
pub async fn open(
    kind: &str,
    place: &Path,
    staleness: Duration,
) -> Result<Arc<dyn SessionStorage>, Box<dyn Error>> {
    let (cached, kind) = match kind.strip_prefix("cached-") {
        Some(kind) => (true, kind),
        None => (false, kind),
    };
    let storage: Arc<dyn SessionStorage> = match kind {
        "memory" => Arc::new(MemoryStorage::new()),
        "directory" => Arc::new(DirectoryStorage::open(place)?),
        "directory-without-fsync" => Arc::new(DirectoryStorage::open(place)?.without_fsync()),
        "sqlite" => Arc::new(SqliteStorage::open(place.join("sessions.db")).await?),
        "postgres" => Arc::new(PostgresStorage::connect(&place.to_string_lossy()).await?),
        "mariadb" => Arc::new(MySqlStorage::connect(&place.to_string_lossy()).await?),
        unknown => return Err(format!("there is no storage `{unknown}`").into()),
    };
    Ok(if cached {
        Arc::new(CachedStorage::new(storage).staleness(staleness))
    } else {
        storage
    })
}
