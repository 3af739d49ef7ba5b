//! A storage that is wrapped around another, and what is done to its sessions.

use std::{fmt, sync::Arc};

use tokio::task::JoinHandle;

use super::{
    gated::{Call, Gated},
    model::Model,
    operation::{Answer, Operation},
    subject::{LATER, Subject, bytes, in_time, revision, touch_at},
};
use crate::{
    Payload, Record, SecretHash, StorageError, StorageKey,
    storage::{Expected, Read, SessionStorage},
};

/// Two wrappers around one storage, and that storage.
#[derive(Clone)]
pub struct Wrapped {
    pub(super) one: Arc<dyn SessionStorage>,
    pub(super) other: Arc<dyn SessionStorage>,
    pub(super) behind: Gated,
}

impl Wrapped {
    /// Wraps an empty storage twice.
    #[must_use]
    pub fn new<S: SessionStorage>(wrap: impl Fn(Gated) -> S) -> Self {
        let behind = Gated::new();
        Self {
            one: Arc::new(wrap(behind.clone())),
            other: Arc::new(wrap(behind.clone())),
            behind,
        }
    }

    /// A session that the first wrapper knows, and has been asked for.
    pub(super) async fn known(&self, stored: &Record) -> Subject {
        let subject = Subject::with(&self.one, stored).await;
        shows(&subject, Some(stored), "after its create").await;
        subject
    }

    /// A session that the first wrapper has not heard of.
    pub(super) async fn unknown(&self, stored: &Record) -> Subject {
        Subject::with(&self.other, stored).await.on(&self.one)
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped")
            .field("behind", &self.behind)
            .finish_non_exhaustive()
    }
}

/// A write, and the call that it makes of the storage behind.
pub(super) struct Write {
    pub(super) call: Call,
    pub(super) operation: Operation,
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operation {
            Operation::Replace(record, Expected::Revision(_)) => {
                write!(f, "replace at the revision, epoch {}", record.epoch)
            }
            Operation::Replace(..) => f.write_str("replace within the epoch"),
            operation => f.write_str(operation.name()),
        }
    }
}

/// What may be done to this session.
pub(super) fn writes(stored: &Record) -> Vec<Write> {
    let new = Record {
        revision: revision(),
        payload: Payload::new(*b"new"),
        ..stored.clone()
    };
    let mut rotated = new.clone();
    rotated.epoch += 1;
    rotated.secrets.current = SecretHash(bytes());
    let at_revision = Expected::Revision(stored.revision);
    let replace = |record: &Record, expected| Write {
        call: Call::Replace,
        operation: Operation::Replace(Arc::new(record.clone()), expected),
    };
    vec![
        replace(&new, at_revision),
        replace(&new, Expected::Epoch(stored.epoch)),
        replace(&rotated, at_revision),
        Write {
            call: Call::Touch,
            operation: Operation::Touch(touch_at(LATER)),
        },
        Write {
            call: Call::Delete,
            operation: Operation::Delete,
        },
    ]
}

impl Write {
    pub(super) fn create(record: &Record) -> Self {
        Self {
            call: Call::Create,
            operation: Operation::Create(Arc::new(record.clone())),
        }
    }

    /// What is stored after it, by the model.
    pub(super) fn leaves(&self, stored: &Record) -> Option<Arc<Record>> {
        let mut model = match self.call {
            Call::Create => Model::default(),
            _ => Model::with(stored),
        };
        self.operation.on_model(&mut model, LATER);
        model.load(LATER)
    }
}

/// Loads, in turn those that a copy will do for and those of the latest, show this and nothing else.
pub(super) async fn shows(subject: &Subject, expected: Option<&Record>, when: &str) {
    for read in [Read::Any, Read::Latest, Read::Any] {
        let loaded = in_time("load", Operation::Load(read).on(subject, LATER)).await;
        let expected = Answer::Loaded(expected.map(|record| Arc::new(record.clone())));
        assert!(
            loaded == expected,
            "load({read:?}) {when} gave {loaded:?} instead of {expected:?}"
        );
    }
}

pub(super) type Asked = JoinHandle<Result<Answer, StorageError>>;

/// Asks in a task of its own.
pub(super) fn begin(operation: &Operation, subject: &Subject) -> Asked {
    let (operation, subject) = (operation.clone(), subject.clone());
    tokio::spawn(async move { operation.ask(&subject, LATER).await })
}

/// Drops what was asked, and waits until it is dropped.
pub(super) async fn give_up<T>(asked: JoinHandle<T>) {
    asked.abort();
    drop(asked.await);
}

/// Other keys, which have all bytes but one in common with this one, and some that have not.
pub(super) fn neighbours(subject: &Subject) -> Vec<Subject> {
    let near = [0, 7, 15, 31].map(|byte| {
        let mut key = *subject.key.as_bytes();
        key[byte] ^= 1;
        StorageKey::from_bytes(key)
    });
    let keys = near
        .into_iter()
        .chain((0..4).map(|_| StorageKey::from_bytes(bytes())));
    keys.map(|key| Subject {
        storage: Arc::clone(&subject.storage),
        key,
    })
    .collect()
}
