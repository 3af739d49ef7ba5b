//! One writer at a time for a key or a principal, among all threads and processes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::files;
use crate::{StorageKey, storage::IndexKey};

/// How many writers of sessions there can be at once, and as many of rosters. Every process that opens the folder has to
/// know the same number, of this version or another: it must not change.
const LOCKS: u8 = 64;

/// Names one lock.
#[derive(Clone, Copy)]
pub(super) struct LockNumber {
    of: Kind,
    number: u8,
}

/// What a lock is for: who writes a session never waits for who writes a roster.
#[derive(Clone, Copy)]
enum Kind {
    Session,
    Principal,
}

/// The lock files of a folder.
#[derive(Clone)]
pub(super) struct Locks(PathBuf);

/// The right to write what falls under one lock.
pub(super) struct Lock {
    /// Unlocks when it is closed. A lock belongs to the open file, so each writer opens it anew.
    _file: File,
    draft: PathBuf,
}

impl LockNumber {
    /// How many there are.
    pub(super) const COUNT: usize = 2 * LOCKS as usize;
    /// A lock, of many keys among others.
    pub(super) const ANY: Self = Self {
        of: Kind::Session,
        number: 0,
    };

    /// The lock of this key.
    pub(super) fn of(key: &StorageKey) -> Self {
        Self {
            of: Kind::Session,
            number: key.as_bytes()[0] % LOCKS,
        }
    }

    /// The lock of this principal's roster.
    pub(super) fn of_principal(index: &IndexKey) -> Self {
        Self {
            of: Kind::Principal,
            number: index.as_bytes()[0] % LOCKS,
        }
    }

    pub(super) fn index(self) -> usize {
        let number = usize::from(self.number);
        match self.of {
            Kind::Session => number,
            Kind::Principal => usize::from(LOCKS) + number,
        }
    }

    fn file_name(self) -> String {
        let number = self.number;
        match self.of {
            Kind::Session => format!("{number:02x}"),
            Kind::Principal => format!("by-{number:02x}"),
        }
    }
}

impl Locks {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        files::make_folder(&path)?;
        Ok(Self(path))
    }

    /// Fails if they are not. A folder that was moved away, or whose volume is not mounted, has no sessions to show;
    /// that does not mean that they have ended.
    pub(super) fn are_there(&self) -> io::Result<()> {
        fs::symlink_metadata(&self.0).map(|_| ())
    }

    /// Waits for a lock.
    pub(super) fn lock(&self, number: LockNumber) -> io::Result<Lock> {
        let path = self.0.join(number.file_name());
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
