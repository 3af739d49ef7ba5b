//! What is told to `tracing` alone, beside what happens to [sessions](crate::events): names, never a token, a payload, a
//! key or a principal.

use std::{
    any::type_name,
    error::Error,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use tracing::{debug, error, info, warn};

use crate::{KeyRing, ProtectionError, Schema, StorageError};

/// A payload that the data class of this version cannot read; an error the first time only, because then every older
/// session is one.
pub(crate) fn schema_changed<T>(name: &str, stored: Schema, told: &AtomicBool) {
    if told.swap(true, Ordering::Relaxed) {
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
