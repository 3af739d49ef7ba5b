//! How much there is, and how much there may be.

use std::sync::atomic::Ordering::Relaxed;

use super::sync::AtomicUsize;
use crate::{Record, storage::StorageError};

/// What is taken up, by all sessions together.
#[derive(Default)]
pub(super) struct Room {
    sessions: AtomicUsize,
    bytes: AtomicUsize,
}

#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) sessions: usize,
    pub(super) bytes: usize,
}

impl Default for Limits {
    /// A million sessions of a kilobyte each: more than most applications have, and what a server can spare. The bounds
    /// are there so that whoever asks for sessions without end is refused one, before the system ends the process and
    /// all of them.
    fn default() -> Self {
        Self {
            sessions: 1_000_000,
            bytes: 2 << 30,
        }
    }
}

impl Room {
    pub(super) fn sessions(&self) -> usize {
        self.sessions.load(Relaxed)
    }

    /// For one session more.
    pub(super) fn take(&self, bytes: usize, limits: Limits) -> Result<(), StorageError> {
        add(&self.sessions, 1, limits.sessions)?;
        self.grow(bytes, limits).inspect_err(|_| {
            self.sessions.fetch_sub(1, Relaxed);
        })
    }

    /// For a session that becomes larger.
    pub(super) fn grow(&self, bytes: usize, limits: Limits) -> Result<(), StorageError> {
        add(&self.bytes, bytes, limits.bytes)
    }

    /// Of a session that has become smaller.
    pub(super) fn shrink(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    /// Of a session that is no longer there.
    pub(super) fn give_back(&self, bytes: usize) {
        self.shrink(bytes);
        self.sessions.fetch_sub(1, Relaxed);
    }
}

fn add(count: &AtomicUsize, more: usize, limit: usize) -> Result<(), StorageError> {
    count
        .fetch_update(Relaxed, Relaxed, |count| {
            count.checked_add(more).filter(|sum| *sum <= limit)
        })
        .map_err(|_| StorageError::Full)?;
    Ok(())
}

/// More than a session without payload takes, with what the allocator adds: measured were 250 bytes for one of nobody, and 760
/// for one whose principal has no other (`benches/run scale`). One that is kept whole takes 200 more.
const OVERHEAD: usize = 1024;

/// About how many bytes a session takes up. Names are shared, and what it was decoded to is not known.
pub(super) fn size(record: &Record) -> usize {
    let label = record.label.as_ref().map_or(0, |label| label.len());
    let context = record.client_context.as_ref().map_or(0, |context| context.len());
    OVERHEAD + record.payload.as_bytes().len() + label + context
}
