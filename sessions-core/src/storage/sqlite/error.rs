//! What a failure of SQLite says about a write.

use sqlx::Error;

use crate::StorageError;

/// Failed where nothing is written, or before.
pub(super) fn before(error: Error) -> StorageError {
    if is_full(&error) {
        StorageError::Full
    } else {
        StorageError::unavailable(error)
    }
}

/// Failed where a write becomes lasting: in a commit, or in a statement that is a transaction of its own.
pub(super) fn committing(error: Error) -> StorageError {
    if says_that_nothing_was_written(&error) {
        before(error)
    } else {
        StorageError::outcome_unknown(error)
    }
}

/// Whether somebody else holds the lock.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(code(error), Some(BUSY | LOCKED))
}

// https://www.sqlite.org/rescode.html
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;

fn is_full(error: &Error) -> bool {
    code(error) == Some(FULL)
}

fn says_that_nothing_was_written(error: &Error) -> bool {
    match error {
        Error::PoolTimedOut | Error::PoolClosed => true,
        error => matches!(code(error), Some(BUSY | LOCKED | READ_ONLY | FULL | CANNOT_OPEN)),
    }
}

/// The primary result code, which is the low byte of the extended one.
fn code(error: &Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xFF)
}
