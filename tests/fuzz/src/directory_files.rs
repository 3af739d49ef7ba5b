//! The files of a directory storage, when anybody writes into them.

use std::{
    cell::LazyCell,
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

use sessions_core::{
    PublicId, Record, RecordError, Revision, StorageError, StorageKey,
    storage::{
        Created, DirectoryStorage, Expected, IndexKey, Member, Read, Replaced, Reservation, Roster,
        SessionIndex, SessionStorage, Touch, Touched,
        contract::{NOW, record},
    },
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::bytes::Input;

const KEY: StorageKey = StorageKey::from_bytes([0x2a; 32]);
const INDEX: IndexKey = IndexKey::from_bytes([0x2a; 32]);

struct Place {
    around: TempDir,
    sessions: PathBuf,
    storage: DirectoryStorage,
    runtime: Runtime,
    new: Arc<Record>,
}

thread_local! {
    static PLACE: LazyCell<Place> = LazyCell::new(|| {
        let around = TempDir::new().unwrap();
        let sessions = around.path().join("sessions");
        Place {
            storage: DirectoryStorage::open(&sessions).unwrap().without_fsync(),
            sessions,
            around,
            runtime: Builder::new_current_thread().max_blocking_threads(1).build().unwrap(),
            new: Arc::new(record(*b"new")),
        }
    });
}

/// What stands in the place of a file.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    File,
    Link,
    Folder,
}

/// Whatever stands in the files of a session, of a roster and of a lock, each operation does what it does with the record
/// or the roster that is in it, or says that there is none; and nothing outside the folder changes.
pub fn directory_files(data: &[u8]) {
    PLACE.with(|place| place.runtime.block_on(place.try_out(Input::new(data))));
}

impl Place {
    async fn try_out(&self, mut input: Input<'_>) {
        self.empty().unwrap();
        let (how, name) = (input.byte(), input.byte());
        let (lock, roster, session) = (input.piece(), input.piece(), input.rest());
        let kind = match how % 4 {
            1 => Kind::Link,
            2 => Kind::Folder,
            _ => Kind::File,
        };
        let outside = self.around.path().join("outside");
        fs::write(&outside, session).unwrap();
        for file in ["2a", "by-2a", "2a.draft", "by-2a.draft"] {
            fs::write(self.sessions.join(".locks").join(file), lock).unwrap();
        }
        // Named almost like a session.
        let strange = format!("{:02X}", name | 0xa0).repeat(32);
        fs::write(self.sessions.join(&strange), session).unwrap();
        Self::put(kind, &self.roster_file(), roster, &outside).unwrap();
        Self::put(kind, &self.session_file(), session, &outside).unwrap();

        let (roster, record) = match kind {
            Kind::File => (Roster::from_bytes(roster), Record::from_bytes(session)),
            Kind::Link | Kind::Folder => (Err(RecordError::Version), Err(RecordError::Version)),
        };
        match roster {
            Ok(roster) => self.has_a_roster(roster).await,
            Err(_) => self.has_no_roster().await,
        }
        match record {
            Ok(record) => self.has_a_session(record, how).await,
            Err(_) => self.has_no_session(kind).await,
        }

        assert_eq!(names(self.around.path()), ["outside", "sessions"]);
        assert_eq!(fs::read(&outside).unwrap(), session);
        assert_eq!(fs::read(self.sessions.join(&strange)).unwrap(), session);
        let known = [".locks", "by", &KEY.to_string(), &strange];
        for name in names(&self.sessions) {
            assert!(known.contains(&&*name), "{name}");
        }
    }

    async fn has_a_session(&self, mut record: Record, how: u8) {
        let Self { storage, new, .. } = self;
        let live = !record.times.is_expired(NOW);
        let is_one = usize::from(live);
        let (application, name) = (record.application.clone(), record.name.clone());
        let counted = storage.count(&application, &name, NOW).await;
        assert_eq!(counted.unwrap(), is_one);
        self.loads(live.then_some(&record)).await;

        let touch = Touch {
            epoch: record.epoch,
            last_seen: NOW.after(Roster::LEASE),
            idle_deadline: record.times.absolute_deadline,
        };
        let touched = storage.touch(KEY, touch, NOW).await.unwrap();
        match record.touched_by(&touch, NOW) {
            Ok(after) => {
                assert_eq!(touched, Touched::Touched);
                record = Record::clone(&after);
            }
            Err(refused) => assert_eq!(touched, refused),
        }
        self.loads(live.then_some(&record)).await;

        let expected = match how & 4 {
            0 => Expected::Epoch(record.epoch),
            _ => Expected::Revision(record.revision),
        };
        let replaced = storage
            .replace(KEY, Arc::clone(new), expected, NOW)
            .await
            .unwrap();
        match record.replaced_by(new, expected, NOW) {
            Ok(after) => {
                assert_eq!(replaced, Replaced::Done);
                record = Record::clone(&after);
            }
            Err(refused) => assert_eq!(replaced, refused),
        }
        // What was written may have ended by its own times.
        let live = !record.times.is_expired(NOW);
        self.loads(live.then_some(&record)).await;

        if how & 16 != 0 {
            assert_eq!(storage.purge_expired(9, NOW).await.unwrap(), usize::from(!live));
        }
        let created = storage.create(KEY, Arc::clone(new), NOW).await.unwrap();
        assert_eq!(created == Created::Exists, live);
        if !live {
            self.loads(Some(new)).await;
        }
        assert_eq!(storage.purge_expired(9, NOW).await.unwrap(), 0);
        match how & 8 {
            0 => assert!(storage.delete(KEY, NOW).await.unwrap()),
            _ => {
                let of = if live { &record } else { &**new };
                let ended = storage.delete_some(&of.application, &of.name, 9, NOW).await;
                assert_eq!(ended.unwrap(), 1);
            }
        }
        self.loads(None).await;
        assert!(!storage.delete(KEY, NOW).await.unwrap());
    }

    async fn has_no_session(&self, kind: Kind) {
        let Self { storage, new, .. } = self;
        assert!(is_unreadable(&storage.load(KEY, Read::Latest, NOW).await));
        let touch = Touch {
            epoch: 0,
            last_seen: NOW,
            idle_deadline: NOW,
        };
        assert!(is_unreadable(&storage.touch(KEY, touch, NOW).await));
        let expected = Expected::Revision(Revision([0; 16]));
        let replaced = storage.replace(KEY, Arc::clone(new), expected, NOW).await;
        assert!(is_unreadable(&replaced));
        let created = storage.create(KEY, Arc::clone(new), NOW).await;
        assert_eq!(created.unwrap(), Created::Exists);
        assert_eq!(storage.purge_expired(9, NOW).await.unwrap(), 0);
        assert_eq!(storage.count("", "contract", NOW).await.unwrap(), 0);
        assert!(is_unreadable(&storage.delete_some("", "contract", 9, NOW).await));
        let deleted = storage.delete(KEY, NOW).await;
        if kind == Kind::Folder {
            assert!(
                matches!(deleted, Err(StorageError::Unavailable(_))),
                "{deleted:?}"
            );
        } else {
            assert!(deleted.unwrap());
            self.loads(None).await;
        }
    }

    async fn has_a_roster(&self, mut roster: Roster) {
        let place = Reservation {
            session: Member {
                key: KEY,
                public_id: PublicId::from_bytes(&[7; 16]).unwrap(),
                created: NOW,
                ends: NOW.after(Roster::LEASE),
            },
            began: NOW,
            replaces: None,
            limit: Some(3),
        };
        let Self { storage, .. } = self;
        let members = storage.members(INDEX, NOW).await;
        assert_eq!(members.unwrap(), roster.members(NOW));
        let reserved = storage.reserve(INDEX, place.clone(), NOW).await;
        assert_eq!(reserved.unwrap(), roster.reserve(place, NOW));
        let confirmed = storage.confirm(INDEX, KEY, NOW).await;
        assert_eq!(confirmed.unwrap(), roster.confirm(&KEY, NOW));
        let cut_off = storage.cut_off(INDEX, NOW).await;
        assert_eq!(cut_off.unwrap(), roster.cut_off(NOW));
        storage.release(INDEX, KEY, NOW).await.unwrap();
        roster.release(&KEY);
        let kept = fs::read(self.roster_file()).unwrap();
        assert_eq!(Roster::from_bytes(&kept).unwrap(), roster);
    }

    async fn has_no_roster(&self) {
        let Self { storage, .. } = self;
        assert!(is_unreadable(&storage.members(INDEX, NOW).await));
        assert!(is_unreadable(&storage.confirm(INDEX, KEY, NOW).await));
        assert!(is_unreadable(&storage.cut_off(INDEX, NOW).await));
        assert!(is_unreadable(&storage.release(INDEX, KEY, NOW).await));
    }

    async fn loads(&self, expected: Option<&Record>) {
        let loaded = self.storage.load(KEY, Read::Latest, NOW).await.unwrap();
        assert_eq!(loaded.as_deref(), expected);
    }

    fn session_file(&self) -> PathBuf {
        self.sessions.join(KEY.to_string())
    }

    fn roster_file(&self) -> PathBuf {
        self.sessions.join("by").join(INDEX.to_string())
    }

    fn put(kind: Kind, file: &Path, bytes: &[u8], outside: &Path) -> io::Result<()> {
        match kind {
            Kind::File => fs::write(file, bytes),
            Kind::Link => symlink(outside, file),
            Kind::Folder => fs::create_dir(file),
        }
    }

    /// Takes away what the last input has left.
    fn empty(&self) -> io::Result<()> {
        for folder in [".locks", "by", "."] {
            for entry in fs::read_dir(self.sessions.join(folder))? {
                let entry = entry?;
                if !entry.file_type()?.is_dir() {
                    fs::remove_file(entry.path())?;
                } else if entry.file_name().len() == 2 * KEY.as_bytes().len() {
                    fs::remove_dir(entry.path())?;
                }
            }
        }
        Ok(())
    }
}

fn is_unreadable<T>(answer: &Result<T, StorageError>) -> bool {
    matches!(answer, Err(StorageError::Unreadable(_)))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
