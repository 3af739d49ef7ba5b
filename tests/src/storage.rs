//! The storages that several processes share, by their names.

use std::{error::Error, path::Path, sync::Arc, time::Duration};

use sessions_actix::storage::{
    CachedStorage, DirectoryStorage, MemoryStorage, SessionStorage, SqliteStorage,
};

/// Opens the storage of this kind, in this folder where it is kept in one. A kind that is `cached-` has copies that are
/// at most `staleness` old.
///
/// # Errors
/// When it cannot be opened, or there is none of this kind.
pub async fn open(
    kind: &str,
    folder: &Path,
    staleness: Duration,
) -> Result<Arc<dyn SessionStorage>, Box<dyn Error>> {
    let (cached, kind) = match kind.strip_prefix("cached-") {
        Some(kind) => (true, kind),
        None => (false, kind),
    };
    let storage: Arc<dyn SessionStorage> = match kind {
        "memory" => Arc::new(MemoryStorage::new()),
        "directory" => Arc::new(DirectoryStorage::open(folder)?),
        "directory-without-fsync" => Arc::new(DirectoryStorage::open(folder)?.without_fsync()),
        "sqlite" => Arc::new(SqliteStorage::open(folder.join("sessions.db")).await?),
        unknown => return Err(format!("there is no storage `{unknown}`").into()),
    };
    Ok(if cached {
        Arc::new(CachedStorage::new(storage).staleness(staleness))
    } else {
        storage
    })
}
