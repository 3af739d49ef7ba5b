//! What is done to the files of a folder, where it may block.

use std::{
    fs, io,
    path::{self, Path, PathBuf},
    sync::Arc,
};

use super::{
    files::{self, Lasting},
    lock::{Lock, LockNumber, Locks},
    turns::{Turn, Waiting},
};
use crate::{
    Record, RecordError, StorageKey, Timestamp,
    storage::{Created, Expected, Replaced, StorageError, Touch, Touched},
};

#[derive(Clone)]
pub(super) struct Folder {
    path: PathBuf,
    pub(super) rosters: PathBuf,
    pub(super) locks: Locks,
    /// No write waits for more than this, whatever it asks for.
    at_most: Lasting,
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // Without a slash at its end, behind which a link would pass for a folder.
        let path: PathBuf = path::absolute(path)?.components().collect();
        files::make_folder(&path)?;
        let locks = Locks::open(path.join(".locks"))?;
        let rosters = path.join("by");
        files::make_folder(&rosters)?;
        // A folder whose own name is lost takes what it holds with it. It may be there already and still be new: made
        // by a process that is just as far as this one, or that has got no further.
        files::sync_folder(&path)?;
        if let Some(around) = path.parent() {
            match files::sync_folder(around) {
                // Not ours to read, and so hardly the place where this folder was made just now.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                // A file system that knows no such thing.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                synced => synced?,
            }
        }
        Ok(Self {
            path,
            rosters,
            locks,
            at_most: Lasting::Everything,
        })
    }

    /// The same folder, written to without any wait for the disk.
    pub(super) fn without_fsync(self) -> Self {
        Self {
            at_most: Lasting::Nothing,
            ..self
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn load(&self, key: StorageKey, now: Timestamp) -> Result<Option<Record>, StorageError> {
        let record = self.read(&self.file(&key), Record::from_bytes)?;
        Ok(record.filter(|record| !record.times.is_expired(now)))
    }

    pub(super) fn create(
        &self,
        turn: &Turn,
        key: StorageKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StorageError> {
        let lock = self.lock(turn)?;
        match self.load(key, now) {
            Ok(None) => {}
            Ok(Some(_)) | Err(StorageError::Unreadable(_)) => return Ok(Created::Exists),
            Err(error) => return Err(error),
        }
        self.write(&lock, &key, record, Lasting::Everything)?;
        Ok(Created::Created)
    }

    pub(super) fn replace(
        &self,
        turn: &Turn,
        key: StorageKey,
        record: &Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> Result<Replaced, StorageError> {
        let lock = self.lock(turn)?;
        let Some(stored) = self.load(key, now)? else {
            return Ok(Replaced::NotFound);
        };
        match stored.replaced_by(record, expected, now) {
            Ok(record) => {
                self.write(&lock, &key, &record, Lasting::Everything)?;
                Ok(Replaced::Done)
            }
            Err(refused) => Ok(refused),
        }
    }

    pub(super) fn touch(
        &self,
        turn: &Turn,
        key: StorageKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StorageError> {
        let lock = self.lock(turn)?;
        let Some(stored) = self.load(key, now)? else {
            return Ok(Touched::Gone);
        };
        match stored.touched_by(touch, now) {
            Ok(record) => {
                if record.times != stored.times {
                    self.write(&lock, &key, &record, Lasting::Whole)?;
                }
                Ok(Touched::Touched)
            }
            Err(refused) => Ok(refused),
        }
    }

    pub(super) fn delete(&self, turn: &Turn, key: StorageKey, now: Timestamp) -> Result<bool, StorageError> {
        let _lock = self.lock(turn)?;
        let live = match self.load(key, now) {
            Ok(record) => record.is_some(),
            Err(StorageError::Unreadable(_)) => true,
            Err(error) => return Err(error),
        };
        // Without a file, too: who removed it may have ended before that was lasting.
        self.remove(&self.file(&key), Lasting::Everything)?;
        Ok(live)
    }

    pub(super) fn purge(
        &self,
        waiting: &Waiting,
        limit: usize,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let mut freed = 0;
        let mut failure = None;
        for key in self.keys(waiting)? {
            if freed == limit {
                return Ok(freed);
            }
            let key = StorageKey::from_bytes(key?);
            match self.delete_if(&key, |record| record.times.is_expired(now)) {
                Ok(gone) => freed += usize::from(gone),
                Err(StorageError::Unreadable(_)) => {}
                Err(error) => failure = Some(error),
            }
        }
        if let Err(error) = self.tidy_rosters(waiting, now) {
            failure = Some(error);
        }
        // One bad file must not keep the others.
        match failure {
            Some(error) if freed == 0 => Err(error),
            _ => Ok(freed),
        }
    }

    /// Removes a session if this holds when nobody else can write it, and its place among its principal's.
    pub(super) fn delete_if(
        &self,
        key: &StorageKey,
        holds: impl Fn(&Record) -> bool,
    ) -> Result<bool, StorageError> {
        let file = self.file(key);
        let read = || -> Result<_, StorageError> {
            let record = self.read(&file, Record::from_bytes)?;
            Ok(record.filter(&holds))
        };
        if read()?.is_none() {
            return Ok(false);
        }
        let lock = self.locks.lock(LockNumber::of(key)).map_err(failed)?;
        let Some(record) = read()? else {
            return Ok(false);
        };
        let gone = self.remove(&file, Lasting::Whole)?;
        drop(lock);
        self.release(key, &record);
        Ok(gone)
    }

    /// Does all that a create and a delete do, beside the sessions.
    pub(super) fn probe(&self, turn: &Turn) -> Result<(), StorageError> {
        let lock = self.lock(turn)?;
        let file = self.path.join(".probe");
        self.put(&lock, &file, b"probe", Lasting::Everything)?;
        files::read(&file).map_err(failed)?;
        self.remove(&file, Lasting::Everything).map(drop)
    }

    fn file(&self, key: &StorageKey) -> PathBuf {
        self.path.join(key.to_string())
    }

    pub(super) fn lock(&self, turn: &Turn) -> Result<Lock, StorageError> {
        let lock = self.locks.lock(turn.number()).map_err(failed)?;
        // Another process may have kept the lock for longer than the caller wanted to wait.
        if turn.is_given_up() {
            return Err(StorageError::unavailable("nobody waits for this write"));
        }
        Ok(lock)
    }

    /// What is in a file, as `parse` reads it; `None` only if the folder is there, and the file is not.
    pub(super) fn read<T>(
        &self,
        file: &Path,
        parse: impl FnOnce(&[u8]) -> Result<T, RecordError>,
    ) -> Result<Option<T>, StorageError> {
        match files::read(file) {
            Ok(None) => {
                self.locks.are_there().map_err(failed)?;
                Ok(None)
            }
            Ok(Some(bytes)) => Ok(Some(parse(&bytes)?)),
            // A link or a folder in the place of a file.
            Err(_) if fs::symlink_metadata(file).is_ok_and(|found| !found.is_file()) => {
                Err(RecordError::Version.into())
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The keys of all sessions, for as long as somebody waits for what is done with them.
    pub(super) fn keys<'a>(
        &self,
        waiting: &'a Waiting,
    ) -> Result<impl Iterator<Item = Result<[u8; 32], StorageError>> + use<'a>, StorageError> {
        self.locks.are_there().map_err(failed)?;
        keys(&self.path, waiting)
    }

    fn write(
        &self,
        lock: &Lock,
        key: &StorageKey,
        record: &Record,
        lasting: Lasting,
    ) -> Result<(), StorageError> {
        let bytes = record.to_bytes().map_err(StorageError::unavailable)?;
        self.put(lock, &self.file(key), &bytes, lasting)
    }

    /// Writes a file in the place of the one that may be there.
    pub(super) fn put(
        &self,
        lock: &Lock,
        file: &Path,
        bytes: &[u8],
        lasting: Lasting,
    ) -> Result<(), StorageError> {
        let lasting = lasting.min(self.at_most);
        let draft = lock.draft();
        files::remove(draft)
            .and_then(|_| files::write(draft, bytes, lasting))
            .and_then(|()| fs::rename(draft, file))
            .map_err(failed)?;
        self.settle(self.around(file), lasting)
    }

    /// Removes a file; false if there was none.
    pub(super) fn remove(&self, file: &Path, lasting: Lasting) -> Result<bool, StorageError> {
        let gone = files::remove(file).map_err(failed)?;
        self.settle(self.around(file), lasting)?;
        Ok(gone)
    }

    /// Makes the names that a folder has got and lost last as long as they have to.
    pub(super) fn settle(&self, folder: &Path, lasting: Lasting) -> Result<(), StorageError> {
        if lasting.min(self.at_most).waits_for_names() {
            files::sync_folder(folder).map_err(StorageError::not_lasting)?;
        }
        Ok(())
    }

    fn around<'a>(&'a self, file: &'a Path) -> &'a Path {
        file.parent().unwrap_or(&self.path)
    }
}

/// The keys that files of a folder are named by, for as long as somebody waits for what is done with them.
pub(super) fn keys<'a>(
    path: &Path,
    waiting: &'a Waiting,
) -> Result<impl Iterator<Item = Result<[u8; 32], StorageError>> + use<'a>, StorageError> {
    let entries = fs::read_dir(path).map_err(failed)?;
    Ok(entries.filter_map(|entry| match entry {
        _ if waiting.is_over() => Some(Err(StorageError::unavailable("nobody waits for this work"))),
        Ok(entry) => entry.file_name().to_str().and_then(parse_key).map(Ok),
        Err(error) => Some(Err(failed(error))),
    }))
}

/// The key that a file is named by, if it is one. One that is spelled otherwise leads to another file.
fn parse_key(name: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if name.len() != 2 * key.len() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(name.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

/// What failed before anything was written.
pub(super) fn failed(error: io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageError::Full,
        _ => StorageError::unavailable(error),
    }
}
