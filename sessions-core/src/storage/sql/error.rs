//! What a failure of a server says about a write.

use sqlx::Error;

use super::Dialect;
use crate::StorageError;

/// Failed where nothing is written, or before.
pub(super) fn before<D: Dialect>(error: Error) -> StorageError {
    if code(&error).is_some_and(|code| D::is_full(&code)) {
        StorageError::Full
    } else {
        StorageError::unavailable(error)
    }
}

/// Failed in a statement that is a transaction of its own. Where the server has answered it has undone it.
pub(super) fn committing<D: Dialect>(error: Error) -> StorageError {
    match code(&error) {
        Some(code) if !D::leaves_open(&code) => before::<D>(error),
        _ => StorageError::outcome_unknown(error),
    }
}

/// Undone because of another statement at the same time.
pub(super) fn is_contended<D: Dialect>(error: &Error) -> bool {
    code(error).is_some_and(|code| D::is_contended(&code))
}

fn code(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
