//! One writer at a time for a lock, among the tasks of this process.

use std::{
    array,
    sync::{Arc, Weak},
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::lock::LockNumber;

/// Where writers wait that would otherwise hold a thread each: many writers of one session must not keep the threads
/// from all others.
pub(super) struct Turns([Arc<Mutex<()>>; LockNumber::COUNT]);

/// The right of one writer to wait for a lock file.
pub(super) struct Turn {
    number: LockNumber,
    waiting: Waiting,
    _guard: OwnedMutexGuard<()>,
}

/// Is there for as long as somebody waits for the work.
pub(super) struct Caller;

/// Whether somebody waits for the work still.
pub(super) struct Waiting(Weak<Caller>);

impl Waiting {
    pub(super) fn of(caller: &Arc<Caller>) -> Self {
        Self(Arc::downgrade(caller))
    }

    /// Nobody does: it is of no use any more.
    pub(super) fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl Turns {
    pub(super) fn new() -> Self {
        Self(array::from_fn(|_| Arc::default()))
    }

    /// Waits in line, which is left when the future is dropped.
    pub(super) async fn wait(&self, number: LockNumber, caller: &Arc<Caller>) -> Turn {
        Turn {
            number,
            waiting: Waiting::of(caller),
            _guard: Arc::clone(&self.0[number.index()]).lock_owned().await,
        }
    }
}

impl Turn {
    pub(super) fn number(&self) -> LockNumber {
        self.number
    }

    /// Whether nobody waits for the write any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.waiting.is_over()
    }
}
