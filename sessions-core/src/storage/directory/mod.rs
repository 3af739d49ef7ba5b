//! Sessions in a folder.

mod files;
mod folder;
mod index;
mod lock;
mod turns;

use std::{fmt, path::Path, sync::Arc};

use tokio::runtime::Handle;

use self::{
    folder::Folder,
    lock::LockNumber,
    turns::{Caller, Turn, Turns, Waiting},
};
use super::{
    CachedStorage, Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageError,
    StorageFuture, Touch, Touched,
};
use crate::{Record, StorageKey, Timestamp};

/// Keeps sessions in a folder, one file each: they outlast this process, and all processes of one machine that open
/// the folder share them.
///
/// A file is named by the hash of the session's handle, so no client can choose a name, and is only ever replaced as
/// a whole: who reads it sees one write, and needs no lock. Writers of one key take turns, threads and processes
/// alike, by a lock on a file; so the folder belongs on a local file system, one that has locks.
///
/// An acknowledged write outlasts the end of the process, whenever and however that comes: a file is as it was before a
/// write or as it is after it.
///
/// A file that this version cannot read, one of a newer version perhaps, is [`StorageError::Unreadable`] to load,
/// replace and touch; its key is taken; a delete removes it and is true; a purge leaves it alone. What is not named
/// like a session is ignored.
///
/// A folder that went away, or whose volume is not mounted, is [`StorageError::Unavailable`]: its sessions have not ended.
///
/// The index has a file for each principal, in the folder `by`, which is kept in the same way and goes when its last
/// session does.
///
/// Its work is done on the blocking threads of `tokio`, in whose runtime it has to be awaited. Clones share at most
/// 128 of these among all their writers. A write that nobody waits for any more before it has its lock is not done;
/// after that it is brought to its end.
///
/// # What a loss of power costs
///
/// As it is opened, a touch: the session is then as it was before it. Every other acknowledged write has waited for the
/// disk, with its data and its name. The index may name sessions that have ended, and misses none that a client was told
/// of.
///
/// [`without_fsync`](Self::without_fsync) waits for nothing. Then a loss of power, or of the system, may
/// - undo the last acknowledged writes, a logout among them, so that a session which had been ended is there again;
/// - leave a file empty or in part, which is [`Unreadable`](StorageError::Unreadable): such a session is none, and the
///   file stays until somebody removes it. A principal whose file it is cannot log in before that;
/// - leave a session that the index does not name, which ending all of its principal's sessions then misses.
///
/// So it suits sessions that are no great loss, where whoever starts the system again empties the folder first. What it
/// saves is the disk's to say: on a virtual one, one writer created 900 sessions a second with the wait and 4,400
/// without, and replaced 900 and 3,000; sixteen at once created 3,500 and 8,500, and replaced 2,200 and 4,000.
///
/// ```no_run
/// use sessions_core::storage::DirectoryStorage;
///
/// let storage = DirectoryStorage::open("/var/lib/shop/sessions")?;
/// // The same with the sessions in use kept in memory, where another process's writes are seen after 5 s.
/// let cached = storage.clone().cached();
/// # Ok::<(), sessions_core::StorageError>(())
/// ```
#[derive(Clone)]
pub struct DirectoryStorage {
    folder: Arc<Folder>,
    turns: Arc<Turns>,
}

impl DirectoryStorage {
    /// The storage in this folder, which is made if it is not there, for this user alone; the folder around it has to
    /// be there.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if there is something else, a symbolic link also, if anybody may write into it, whoever
    /// that is on this machine, or if it cannot be made. Whose folder it is, is not looked at: let the folder around it be
    /// one that only the server's user may write into.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let folder = Folder::open(path.as_ref()).map_err(|error| {
            let path = path.as_ref().display();
            StorageError::unavailable(format!(
                "the folder of sessions `{path}` cannot be opened: {error}"
            ))
        })?;
        Ok(Self {
            folder: Arc::new(folder),
            turns: Arc::new(Turns::new()),
        })
    }

    /// The same storage, but no operation waits for the disk. What other clones of it do stays as it was.
    ///
    /// All that is promised for the end of a process still is. A loss of power, or of the system, can cost more: see
    /// [above](Self#what-a-loss-of-power-costs).
    #[must_use]
    pub fn without_fsync(self) -> Self {
        let folder = Arc::unwrap_or_clone(self.folder).without_fsync();
        Self {
            folder: Arc::new(folder),
            turns: self.turns,
        }
    }

    /// This storage behind a cache.
    #[must_use]
    pub fn cached(self) -> CachedStorage<Self> {
        CachedStorage::new(self)
    }

    /// Does this work, which takes no turn, where it may block. What reads many files ends when nobody waits for it.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder, &Waiting) -> Result<T, StorageError> + Send + 'static,
    ) -> StorageFuture<'_, T> {
        StorageFuture::boxed(async move {
            let runtime = Handle::try_current().map_err(StorageError::unavailable)?;
            let folder = Arc::clone(&self.folder);
            let caller = Arc::new(Caller);
            let waiting = Waiting::of(&caller);
            let answer = blocking(&runtime, move || work(&folder, &waiting)).await;
            drop(caller);
            answer
        })
    }

    /// Does this work where it may block, when its turn has come.
    fn write<T: Send + 'static>(
        &self,
        number: LockNumber,
        work: impl FnOnce(&Folder, &Turn) -> Result<T, StorageError> + Send + 'static,
    ) -> StorageFuture<'_, T> {
        StorageFuture::boxed(async move {
            let runtime = Handle::try_current().map_err(StorageError::unavailable)?;
            let caller = Arc::new(Caller);
            let turn = self.turns.wait(number, &caller).await;
            let folder = Arc::clone(&self.folder);
            // The turn goes with the work, which may outlast this future.
            let answer = blocking(&runtime, move || work(&folder, &turn)).await;
            drop(caller);
            answer
        })
    }
}

async fn blocking<T: Send + 'static>(
    runtime: &Handle,
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    match runtime.spawn_blocking(work).await {
        Ok(answer) => answer,
        // The runtime ended before it began.
        Err(error) if error.is_cancelled() => Err(StorageError::unavailable(error)),
        Err(error) => Err(StorageError::outcome_unknown(error)),
    }
}

impl SessionStorage for DirectoryStorage {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.write(LockNumber::of(&key), move |folder, turn| {
            folder.create(turn, key, &record, now)
        })
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.run(move |folder, _| Ok(folder.load(key, now)?.map(Arc::new)))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.write(LockNumber::of(&key), move |folder, turn| {
            folder.replace(turn, key, &record, expected, now)
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.write(LockNumber::of(&key), move |folder, turn| {
            folder.touch(turn, key, &touch, now)
        })
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.write(LockNumber::of(&key), move |folder, turn| {
            folder.delete(turn, key, now)
        })
    }

    /// Reads every file of the folder, until it has freed as many as it may, and then the index. It ends when nobody waits
    /// for it.
    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.run(move |folder, waiting| folder.purge(waiting, limit, now))
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }

    /// Writes a file and removes it.
    fn health(&self) -> StorageFuture<'_, ()> {
        self.write(LockNumber::ANY, Folder::probe)
    }
}

impl fmt::Debug for DirectoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryStorage")
            .field("path", &self.folder.path())
            .finish()
    }
}
