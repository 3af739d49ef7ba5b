//! What the checks are made of: records, and one session under test.

use std::{sync::Arc, time::Duration};

use crate::{
    Fingerprint, Payload, Predecessor, Principal, PublicId, Record, Revision, Schema, SecretHash, Secrets,
    StorageKey, Successor, Times, Timestamp,
    secret::random,
    storage::{
        Created, Expected, Read, Replaced, SessionStorage, StorageError, StorageFuture, Touch, Touched,
    },
};

/// The time of every check: the beginning of 2026.
pub const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A second after it.
pub(super) const LATER: Timestamp = Timestamp::from_millis(NOW.as_millis() + 1000);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn bytes<const N: usize>() -> [u8; N] {
    random().unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn revision() -> Revision {
    Revision(bytes())
}

/// A record of nobody's session with this payload. It begins at [`NOW`], may be idle for half an hour, and ends after
/// eight; handle, secret and revision are random.
#[must_use]
pub fn record(payload: impl AsRef<[u8]>) -> Record {
    Record {
        public_id: handle(&bytes::<16>()),
        application: "".into(),
        name: "contract".into(),
        schema: Schema {
            version: 1,
            fingerprint: Fingerprint([1; 16]),
        },
        revision: revision(),
        epoch: 0,
        secrets: Secrets {
            current: SecretHash(bytes()),
            since: NOW,
            next: None,
            previous: None,
            past: Vec::new(),
        },
        times: Times {
            created: NOW,
            authenticated: None,
            last_seen: NOW,
            idle_deadline: NOW.after(HOUR / 2),
            absolute_deadline: NOW.after(8 * HOUR),
            not_after: None,
            remembered: None,
        },
        principal: None,
        label: None,
        client_context: None,
        payload: Payload::new(payload),
    }
}

/// A record that has something in every field.
#[must_use]
pub fn full_record() -> Record {
    let mut record = record(*b"payload");
    record.schema.version = u32::MAX;
    record.epoch = u64::MAX - 1;
    record.secrets = Secrets {
        current: SecretHash(bytes()),
        since: NOW,
        next: Some(Box::new(Successor {
            hash: SecretHash(bytes()),
            salt: bytes(),
            mask: bytes(),
        })),
        previous: Some(Box::new(Predecessor {
            hash: SecretHash(bytes()),
            until: NOW.after(MINUTE),
            salt: bytes(),
            mask: bytes(),
        })),
        past: (0..Secrets::PAST).map(|_| SecretHash(bytes())).collect(),
    };
    record.times.authenticated = Some(NOW);
    record.times.not_after = Some(NOW.after(4 * HOUR));
    record.times.remembered = Some(8 * HOUR);
    record.principal = Some(Principal::new("anna@example.com"));
    record.label = Some("Anna's telephone".into());
    record.client_context = Some(Arc::from(*b"10.0.0.0/8"));
    record
}

pub(super) fn handle(bytes: &[u8]) -> PublicId {
    PublicId::from_bytes(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// A touch at this time, which lets the session be idle for half an hour more.
pub(super) fn touch_at(now: Timestamp) -> Touch {
    Touch {
        epoch: 0,
        last_seen: now,
        idle_deadline: now.after(HOUR / 2),
    }
}

/// One key of the storage under test. Clones are the same key.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) storage: Arc<dyn SessionStorage>,
    pub(super) key: StorageKey,
}

impl Subject {
    /// A key that is free.
    pub(super) fn unused(storage: &Arc<dyn SessionStorage>) -> Self {
        Self {
            storage: Arc::clone(storage),
            key: StorageKey::from_bytes(bytes()),
        }
    }

    /// A session with this record.
    pub(super) async fn with(storage: &Arc<dyn SessionStorage>, record: &Record) -> Self {
        let subject = Self::unused(storage);
        let created = subject.create(record, NOW).await;
        assert_eq!(created, Created::Created, "create under a key that is free");
        subject
    }

    /// The same key, through another node.
    pub(super) fn on(&self, storage: &Arc<dyn SessionStorage>) -> Self {
        Self {
            storage: Arc::clone(storage),
            key: self.key,
        }
    }

    pub(super) async fn create(&self, record: &Record, now: Timestamp) -> Created {
        answer(
            "create",
            self.storage.create(self.key, record.clone().into(), now),
        )
        .await
    }

    /// The session that all acknowledged writes have left.
    pub(super) async fn load(&self, now: Timestamp) -> Option<Arc<Record>> {
        let at_hand = self.storage.at_hand(self.key, now);
        let latest = answer("load", self.storage.load(self.key, Read::Latest, now)).await;
        if let Some(record) = &at_hand {
            assert!(!record.times.is_expired(now), "an expired session was at hand");
        }
        if let Some(record) = &latest {
            assert!(!record.times.is_expired(now), "load gave an expired session");
        }
        latest
    }

    /// The session that must be there.
    pub(super) async fn live(&self, now: Timestamp) -> Arc<Record> {
        match self.load(now).await {
            Some(record) => record,
            None => panic!("load found no session where a live one was stored"),
        }
    }

    pub(super) async fn replace(&self, record: &Record, expected: Expected, now: Timestamp) -> Replaced {
        let replaced = self
            .storage
            .replace(self.key, record.clone().into(), expected, now);
        answer("replace", replaced).await
    }

    pub(super) async fn touch(&self, touch: Touch, now: Timestamp) -> Touched {
        answer("touch", self.storage.touch(self.key, touch, now)).await
    }

    pub(super) async fn delete(&self, now: Timestamp) -> bool {
        answer("delete", self.storage.delete(self.key, now)).await
    }

    /// Every operation, and each must say that there is no session; then every one that reads, again.
    pub(super) async fn assert_absent(&self, now: Timestamp) {
        let new = record(*b"new");
        if !self.storage.may_be_stale() {
            let at_hand = self.storage.at_hand(self.key, now);
            assert_eq!(at_hand, None, "at hand where there is no session");
        }
        for read in [Read::Latest, Read::Any] {
            if read == Read::Any && self.storage.may_be_stale() {
                continue;
            }
            let loaded = answer("load", self.storage.load(self.key, read, now)).await;
            assert_eq!(loaded, None, "load({read:?}) where there is no session");
        }
        for expected in [Expected::Epoch(0), Expected::Revision(new.revision)] {
            let replaced = self.replace(&new, expected, now).await;
            assert_eq!(
                replaced,
                Replaced::NotFound,
                "replace({expected:?}) where there is no session"
            );
        }
        let touched = self.touch(touch_at(now), now).await;
        assert_eq!(touched, Touched::Gone, "touch where there is no session");
        assert!(!self.delete(now).await, "delete where there is no session");
        assert_eq!(
            self.load(now).await,
            None,
            "a write where there was no session made one"
        );
    }
}

/// What the storage answers; a contract has no faults in it.
pub(super) async fn answer<T>(what: &str, future: StorageFuture<'_, T>) -> T {
    let answer: Result<T, StorageError> = future.await;
    answer.unwrap_or_else(|error| panic!("{what} failed: {error:?}"))
}

/// What is there in time, whatever hangs elsewhere.
pub(super) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    const PATIENCE: Duration = Duration::from_secs(5);
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(answer) => answer,
        Err(_) => panic!("{what} was held up for {PATIENCE:?}"),
    }
}

/// Runs all of them at once and gives their answers in order.
pub(super) async fn together<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    tasks: impl IntoIterator<Item = F>,
) -> Vec<T> {
    let tasks: Vec<_> = tasks.into_iter().collect();
    let barrier = Arc::new(tokio::sync::Barrier::new(tasks.len()));
    let tasks: Vec<_> = tasks
        .into_iter()
        .map(|task| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                task.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.await {
            Ok(answer) => answers.push(answer),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    answers
}
