//! Locks and counters: the system's, or, where every interleaving of threads is tried, those of `loom`.

#[cfg(not(model_checked))]
pub(super) use std::sync::{Mutex, MutexGuard, atomic::AtomicUsize};

#[cfg(model_checked)]
pub(super) use loom::sync::{Mutex, MutexGuard, atomic::AtomicUsize};
