//! One writer at a time for a key, among all threads and processes.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::files;
use crate::StorageKey;

/// How many writers there can be at once. Every process that opens the folder has to know the same number, of this
/// version or another: it must not change.
pub(super) const LOCKS: u8 = 64;

/// Names one lock.
#[derive(Clone, Copy)]
pub(super) struct LockNumber(u8);

/// The lock files of a folder.
pub(super) struct Locks(PathBuf);

/// The right to write what falls under one lock.
pub(super) struct Lock {
    /// Unlocks when it is closed. A lock belongs to the open file, so each writer opens it anew.
    _file: File,
    draft: PathBuf,
}

impl LockNumber {
    /// A lock, of many keys among others.
    pub(super) const ANY: Self = Self(0);

    /// The lock of this key.
    pub(super) fn of(key: &StorageKey) -> Self {
        Self(key.as_bytes()[0] % LOCKS)
    }

    pub(super) fn index(self) -> usize {
        self.0.into()
    }
}

impl Locks {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        files::make_folder(&path)?;
        Ok(Self(path))
    }

    /// Waits for a lock.
    pub(super) fn lock(&self, LockNumber(number): LockNumber) -> io::Result<Lock> {
        let path = self.0.join(format!("{number:02x}"));
        let file = files::open(&path, OpenOptions::new().read(true).append(true).create(true))?;
        loop {
            match file.lock() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                locked => break locked?,
            }
        }
        Ok(Lock {
            _file: file,
            draft: path.with_extension("draft"),
        })
    }
}

impl Lock {
    /// Where to write what is then renamed. There is one for each lock, so that one that a crash has left is found
    /// and replaced by the next writer.
    pub(super) fn draft(&self) -> &Path {
        &self.draft
    }
}
