//! A storage that takes its time: each call waits to be woken once before it does its work, so that a test decides in
//! which order the calls of several requests happen, and knows which one each of them waits at.

use std::{
    collections::{BTreeMap, HashMap},
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
};

use sessions_core::{
    Record, SessionStorage, StorageKey, Timestamp,
    storage::{self, Created, Expected, Read, Replaced, StorageFuture, Touched},
};

/// What is stored.
pub(crate) type Records = HashMap<StorageKey, Arc<Record>>;

/// What is asked of the storage.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// Nothing: a request that waits for its turn.
    Wait,
    Create(StorageKey, Arc<Record>),
    Load(StorageKey),
    Replace(StorageKey, Arc<Record>, Expected),
    Touch(StorageKey, storage::Touch),
    Delete(StorageKey),
}

/// A call, with the caller's time.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) now: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Waited,
    Created(Created),
    Loaded(Option<Arc<Record>>),
    Replaced(Replaced),
    Touched(Touched),
    Deleted(bool),
}

/// A call that was answered, and what was under its key right before and after.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) call: Call,
    pub(crate) answer: Answer,
    pub(crate) before: Option<Arc<Record>>,
    pub(crate) after: Option<Arc<Record>>,
}

#[derive(Default)]
pub(crate) struct Stepped(Mutex<State>);

#[derive(Default)]
struct State {
    records: Records,
    created: Vec<StorageKey>,
    stepping: bool,
    /// Who is being polled.
    caller: usize,
    waiting: BTreeMap<usize, Call>,
    done: Vec<(usize, Done)>,
}

impl Operation {
    pub(crate) fn key(&self) -> Option<StorageKey> {
        match self {
            Self::Wait => None,
            Self::Create(key, _)
            | Self::Load(key)
            | Self::Replace(key, ..)
            | Self::Touch(key, _)
            | Self::Delete(key) => Some(*key),
        }
    }
}

impl Call {
    pub(crate) fn writes(&self) -> bool {
        !matches!(self.operation, Operation::Wait | Operation::Load(_))
    }

    fn run(self, records: &mut Records) -> Done {
        let Self { operation, now } = &self;
        let before = operation.key().and_then(|key| live(records, key, *now));
        let mut after = before.clone();
        let answer = match operation {
            Operation::Wait => Answer::Waited,
            Operation::Create(_, record) => Answer::Created(if before.is_some() {
                Created::Exists
            } else {
                after = Some(Arc::clone(record));
                Created::Created
            }),
            Operation::Load(_) => Answer::Loaded(before.clone()),
            Operation::Replace(_, record, expected) => Answer::Replaced(match &before {
                None => Replaced::NotFound,
                Some(stored) => match stored.replaced_by(record, *expected, *now) {
                    Err(refused) => refused,
                    Ok(record) => {
                        after = Some(record);
                        Replaced::Done
                    }
                },
            }),
            Operation::Touch(_, touch) => Answer::Touched(match &before {
                None => Touched::Gone,
                Some(stored) => match stored.touched_by(touch, *now) {
                    Err(refused) => refused,
                    Ok(record) => {
                        after = Some(record);
                        Touched::Touched
                    }
                },
            }),
            Operation::Delete(_) => {
                after = None;
                Answer::Deleted(before.is_some())
            }
        };
        match (operation.key(), &after) {
            (Some(key), Some(record)) => drop(records.insert(key, Arc::clone(record))),
            (Some(key), None) => drop(records.remove(&key)),
            (None, _) => {}
        }
        Done {
            call: self,
            answer,
            before,
            after,
        }
    }
}

fn live(records: &Records, key: StorageKey, now: Timestamp) -> Option<Arc<Record>> {
    records
        .get(&key)
        .filter(|record| !record.times.is_expired(now))
        .cloned()
}

impl State {
    fn run(&mut self, caller: usize, call: Call) -> Answer {
        if let Operation::Create(key, _) = call.operation {
            self.created.push(key);
        }
        let done = call.run(&mut self.records);
        let answer = done.answer.clone();
        if self.stepping {
            self.done.push((caller, done));
        }
        answer
    }
}

impl Stepped {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    async fn ask(&self, operation: Operation, now: Timestamp) -> Answer {
        let mut call = Some(Call { operation, now });
        let mut caller = None;
        poll_fn(|_| {
            let mut state = self.state();
            if state.stepping && caller.is_none() {
                let by = state.caller;
                caller = Some(by);
                state.waiting.extend(call.clone().map(|call| (by, call)));
                return Poll::Pending;
            }
            if let Some(by) = caller {
                state.waiting.remove(&by);
            }
            let call = call.take().unwrap();
            Poll::Ready(state.run(caller.unwrap_or_default(), call))
        })
        .await
    }

    /// Waits as a call does, without being one.
    pub(crate) async fn wait(&self, now: Timestamp) {
        self.ask(Operation::Wait, now).await;
    }

    /// Whether calls wait.
    pub(crate) fn stepping(&self, stepping: bool) {
        let mut state = self.state();
        state.stepping = stepping;
        state.waiting.clear();
        state.done.clear();
    }

    /// Who is polled from now on.
    pub(crate) fn caller(&self, caller: usize) {
        self.state().caller = caller;
    }

    /// What this request waits at, if it is a call that it waits for.
    pub(crate) fn waiting(&self, caller: usize) -> Option<Call> {
        self.state().waiting.get(&caller).cloned()
    }

    /// Takes the call away that this request waits at, as the request goes.
    pub(crate) fn abandoned(&self, caller: usize) -> Option<Call> {
        self.state().waiting.remove(&caller)
    }

    /// The calls that were answered since this was last asked.
    pub(crate) fn done(&self) -> Vec<(usize, Done)> {
        mem::take(&mut self.state().done)
    }

    /// A call happens for which nobody waits any more.
    pub(crate) fn run_for_nobody(&self, caller: usize, call: Call) {
        self.state().run(caller, call);
    }

    /// Every key that a session was created under.
    pub(crate) fn created(&self) -> Vec<StorageKey> {
        self.state().created.clone()
    }

    /// Every live record.
    pub(crate) fn records(&self, now: Timestamp) -> Records {
        let mut records = self.state().records.clone();
        records.retain(|_, record| !record.times.is_expired(now));
        records
    }

    /// As it was.
    pub(crate) fn restore(&self, records: &Records) {
        self.state().records.clone_from(records);
    }

    /// As it was, and no other session was ever created.
    pub(crate) fn begin_with(&self, records: &Records) {
        self.restore(records);
        self.state().created = records.keys().copied().collect();
    }
}

impl SessionStorage for Stepped {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        StorageFuture::boxed(async move {
            match self.ask(Operation::Create(key, record), now).await {
                Answer::Created(created) => Ok(created),
                other => unreachable!("{other:?}"),
            }
        })
    }

    fn load(&self, key: StorageKey, _: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::boxed(async move {
            match self.ask(Operation::Load(key), now).await {
                Answer::Loaded(record) => Ok(record),
                other => unreachable!("{other:?}"),
            }
        })
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        StorageFuture::boxed(async move {
            match self.ask(Operation::Replace(key, record, expected), now).await {
                Answer::Replaced(replaced) => Ok(replaced),
                other => unreachable!("{other:?}"),
            }
        })
    }

    fn touch(&self, key: StorageKey, touch: storage::Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        StorageFuture::boxed(async move {
            match self.ask(Operation::Touch(key, touch), now).await {
                Answer::Touched(touched) => Ok(touched),
                other => unreachable!("{other:?}"),
            }
        })
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        StorageFuture::boxed(async move {
            match self.ask(Operation::Delete(key), now).await {
                Answer::Deleted(deleted) => Ok(deleted),
                other => unreachable!("{other:?}"),
            }
        })
    }

    fn purge_expired(&self, _: usize, _: Timestamp) -> StorageFuture<'_, usize> {
        StorageFuture::ready(Ok(0))
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        StorageFuture::ready(Ok(()))
    }
}
