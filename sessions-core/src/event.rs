//! What is told to `tracing`, in one place: names and public ids, never a token, a
//! payload, a key or a principal.

use std::{
    any::type_name,
    error::Error,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use tracing::{debug, error, info, warn};

use crate::{KeyRing, ProtectionError, PublicId, Schema, StorageError};

/// A token that is no session: malformed, forged, expired or unknown.
pub(crate) fn rejected(name: &str, reason: &'static str) {
    debug!(session = name, reason, "a token was rejected");
}

/// A client that is behind: its secret, its key or its format is no longer, or not yet, known.
pub(crate) fn stale(name: &str, reason: &'static str) {
    debug!(session = name, reason, "a stale token was presented");
}

/// More than one live session in one request.
pub(crate) fn ambiguous(name: &str) {
    debug!(
        session = name,
        "one request carries the tokens of several sessions of this name; none is used"
    );
}

/// A session that a newer version of the application wrote.
pub(crate) fn foreign(name: &str, version: u32) {
    debug!(
        session = name,
        version, "a session of a newer schema version was left alone"
    );
}

/// A payload that the data class of this version cannot read; an error the first time only, because then every older
/// session is one.
pub(crate) fn schema_changed<T>(name: &str, stored: Schema, told: &AtomicBool) {
    if told.swap(true, Ordering::Relaxed) {
        debug!(
            session = name,
            stored_version = stored.version,
            "a stored session has another schema"
        );
        return;
    }
    error!(
        session = name,
        data_class = type_name::<T>(),
        stored_version = stored.version,
        "a stored session has another schema and is ignored: when the data class changes, raise `version` and name the \
         old one as `previous`, or, with `Json`, give new fields `#[serde(default)]`"
    );
}

/// A write that was dropped, because the session has ended or was rotated since it was read.
pub(crate) fn lost_write(name: &str, id: &PublicId, reason: &'static str) {
    warn!(session = name, %id, reason, "a write to a session was dropped");
}

/// A value for a session that another request has ended.
pub(crate) fn lost_set(name: &str) {
    warn!(
        session = name,
        "a write to a session was dropped: it has ended, or its id was rotated"
    );
}

/// A new session.
pub(crate) fn started(name: &str, id: &PublicId) {
    debug!(session = name, %id, "a session was started");
}

/// A session that was ended.
pub(crate) fn ended(name: &str, id: &PublicId) {
    debug!(session = name, %id, "a session was ended");
}

/// A session whose token was replaced.
pub(crate) fn rotated(name: &str, id: &PublicId) {
    debug!(session = name, %id, "a session's token was replaced");
}

/// A session whose client has shown the token that takes the place of another.
pub(crate) fn renewed(name: &str, id: &PublicId) {
    debug!(session = name, %id, "a session's token was renewed");
}

/// A session that is ended because somebody has shown a token that was replaced.
pub(crate) fn reused(name: &str, id: &PublicId) {
    warn!(session = name, %id, "a session was ended: a token that was replaced has been shown again");
}

/// A storage that failed.
pub(crate) fn storage_failed(name: &str, operation: &'static str, failure: &StorageError) {
    error!(
        session = name,
        operation,
        error = failure as &dyn Error,
        "the session storage failed"
    );
}

/// A protection that failed to open a token.
pub(crate) fn protection_failed(name: &str, failure: &ProtectionError) {
    error!(
        session = name,
        error = failure as &dyn Error,
        "the session's protection failed"
    );
}

/// A round of a storage's upkeep.
pub(crate) fn purged(name: &str, freed: usize) {
    debug!(session = name, freed, "expired sessions were freed");
}

/// A key file that others may read.
pub(crate) fn keys_readable(path: &Path) {
    warn!(path = %path.display(), "others may read the key file: only the server's own user should");
}

/// Other keys, from the file that they are kept in.
pub(crate) fn keys_changed(path: &Path, keys: &KeyRing) {
    info!(path = %path.display(), ?keys, "the key file has changed, and its keys were taken");
}

/// A key file of no use; the keys stay as they are.
pub(crate) fn keys_kept(failure: &(dyn Error + 'static)) {
    error!(
        error = failure,
        "the key file was not taken, and the keys stay as they are"
    );
}
