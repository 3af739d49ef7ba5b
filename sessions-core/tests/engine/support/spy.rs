//! A storage that writes down what is asked of it, and fails as it is told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sessions_core::{
    Record, RecordError, SessionStorage, StorageError, StorageKey, Timestamp,
    storage::{self, Created, Expected, MemoryStorage, Read, Replaced, StorageFuture, Touched},
};

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Load,
    Latest,
    ReplaceRevision,
    ReplaceEpoch,
    Touch,
    Delete,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing happens, and it says so.
    Fail,
    /// Nothing happens, and no answer comes.
    Hang,
    /// It happens, and no answer comes.
    HangAfter,
    /// It happens, and the answer comes after so long.
    Late(Duration),
    /// It happens, and the reply is lost.
    LoseReply,
    /// It happens, and may be lost with the power.
    NotLasting,
    /// It does not happen, and the storage cannot tell.
    LoseRequest,
    /// The key is taken.
    Exists,
    /// What is stored is no record.
    Unreadable,
}

type Hook = Box<dyn FnOnce(&MemoryStorage, StorageKey) + Send>;

/// Wraps sessions in memory.
#[derive(Default)]
pub(crate) struct Spy {
    inner: MemoryStorage,
    calls: Mutex<Vec<Op>>,
    keys: Mutex<Vec<StorageKey>>,
    faults: Mutex<Vec<(Op, Fault, usize)>>,
    hooks: Mutex<Vec<(Op, Hook)>>,
    /// What a copy of old shows, and whether there is such a copy at all.
    copy: Mutex<Option<Arc<Record>>>,
    cached: AtomicBool,
    indexed: AtomicBool,
}

impl Spy {
    pub(crate) fn inner(&self) -> &MemoryStorage {
        &self.inner
    }

    /// The calls since this was last asked.
    pub(crate) fn calls(&self) -> Vec<Op> {
        self.keys.lock().unwrap().clear();
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// The keys of the calls since those were last asked for.
    pub(crate) fn keys(&self) -> Vec<StorageKey> {
        self.keys.lock().unwrap().clone()
    }

    /// The next calls of this kind go wrong.
    pub(crate) fn fault(&self, op: Op, fault: Fault, times: usize) {
        self.faults.lock().unwrap().push((op, fault, times));
    }

    /// Something that happens right before the next call of this kind.
    pub(crate) fn before(&self, op: Op, hook: impl FnOnce(&MemoryStorage, StorageKey) + Send + 'static) {
        self.hooks.lock().unwrap().push((op, Box::new(hook)));
    }

    /// From now on a load that a copy will do for is answered with this one.
    pub(crate) fn copy(&self, record: Arc<Record>) {
        self.cached.store(true, Ordering::SeqCst);
        *self.copy.lock().unwrap() = Some(record);
    }

    /// From now on there is an index.
    pub(crate) fn keep_index(&self) {
        self.indexed.store(true, Ordering::SeqCst);
    }

    fn called(&self, op: Op, key: StorageKey) -> Option<Fault> {
        self.calls.lock().unwrap().push(op);
        self.keys.lock().unwrap().push(key);
        let hook = {
            let mut hooks = self.hooks.lock().unwrap();
            hooks
                .iter()
                .position(|(at, _)| *at == op)
                .map(|index| hooks.remove(index).1)
        };
        if let Some(hook) = hook {
            hook(&self.inner, key);
        }
        let mut faults = self.faults.lock().unwrap();
        let (_, fault, left) = faults.iter_mut().find(|(at, _, left)| *at == op && *left > 0)?;
        *left -= 1;
        Some(*fault)
    }

    fn answer<'a, R: Send + 'a>(
        &'a self,
        op: Op,
        key: StorageKey,
        apply: impl FnOnce(&'a MemoryStorage) -> StorageFuture<'a, R>,
    ) -> StorageFuture<'a, R> {
        let failed = |error| StorageFuture::ready(Err(error));
        match self.called(op, key) {
            None | Some(Fault::Exists) => apply(&self.inner),
            Some(Fault::Fail) => failed(StorageError::unavailable("down")),
            Some(Fault::Hang) => StorageFuture::boxed(std::future::pending()),
            Some(Fault::HangAfter) => {
                drop(apply(&self.inner));
                StorageFuture::boxed(std::future::pending())
            }
            Some(Fault::Late(by)) => {
                let answer = apply(&self.inner);
                StorageFuture::boxed(async move {
                    tokio::time::sleep(by).await;
                    answer.await
                })
            }
            Some(Fault::LoseReply) => {
                drop(apply(&self.inner));
                failed(StorageError::outcome_unknown("reset"))
            }
            Some(Fault::NotLasting) => {
                drop(apply(&self.inner));
                failed(StorageError::not_lasting("the disk failed"))
            }
            Some(Fault::LoseRequest) => failed(StorageError::outcome_unknown("reset")),
            Some(Fault::Unreadable) => failed(RecordError::Version.into()),
        }
    }
}

impl SessionStorage for Spy {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        let taken = {
            let faults = self.faults.lock().unwrap();
            faults
                .iter()
                .any(|(op, fault, left)| *op == Op::Create && matches!(fault, Fault::Exists) && *left > 0)
        };
        self.answer(Op::Create, key, move |inner| {
            if taken {
                StorageFuture::ready(Ok(Created::Exists))
            } else {
                inner.create(key, record, now)
            }
        })
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        let op = match read {
            Read::Any => Op::Load,
            Read::Latest => Op::Latest,
        };
        let copy = self.copy.lock().unwrap().clone().filter(|_| op == Op::Load);
        self.answer(op, key, move |inner| match copy {
            Some(copy) => StorageFuture::ready(Ok(Some(copy))),
            None => inner.load(key, read, now),
        })
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        let op = match expected {
            Expected::Revision(_) => Op::ReplaceRevision,
            Expected::Epoch(_) => Op::ReplaceEpoch,
        };
        self.answer(op, key, move |inner| inner.replace(key, record, expected, now))
    }

    fn touch(&self, key: StorageKey, touch: storage::Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.answer(Op::Touch, key, move |inner| inner.touch(key, touch, now))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.answer(Op::Delete, key, move |inner| inner.delete(key, now))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.inner.purge_expired(limit, now)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.inner.health()
    }

    fn index(&self) -> Option<&dyn storage::SessionIndex> {
        self.indexed.load(Ordering::SeqCst).then(|| self.inner.index())?
    }

    fn may_be_stale(&self) -> bool {
        self.cached.load(Ordering::SeqCst)
    }
}
