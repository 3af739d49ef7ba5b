//! Which sessions a principal has.

use aws_lc_rs::digest;

use super::StorageFuture;
use crate::{Principal, PublicId, StorageKey, Timestamp, lp::put};

/// The index of a storage by principal: every usable session is in it, and ending all of a principal's sessions ends
/// those that are just being started, too.
///
/// A login reserves a place, creates its record, and confirms; a place that is not confirmed within a minute lapses.
pub trait PrincipalIndex: Send + Sync {
    /// Takes a place for a session that is about to be created.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved>;

    /// Makes a reserved place last; false if it has lapsed or was cut off.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool>;

    /// Gives a place back.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn release(&self, index: IndexKey, session: StorageKey) -> StorageFuture<'_, ()>;

    /// The confirmed sessions, oldest first; one that has ended may still be among them.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>>;

    /// Refuses every login that began before `now`, takes back the places that are only reserved, and names the
    /// sessions that are to be deleted.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>>;
}

/// The key of one principal's sessions of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndexKey([u8; 32]);

impl IndexKey {
    /// The key of the sessions `name` of `application` that belong to `principal`.
    #[must_use]
    pub fn new(application: &str, name: &str, principal: &Principal) -> Self {
        let mut text = Vec::new();
        put(&mut text, b"principal");
        put(&mut text, application.as_bytes());
        put(&mut text, name.as_bytes());
        put(&mut text, principal.as_str().as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, &text).as_ref());
        Self(key)
    }

    /// Its bytes, evenly distributed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A place in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The session that takes it.
    pub session: Member,
    /// When the request that starts it began.
    pub began: Timestamp,
    /// The session that it takes the place of, which does not count.
    pub replaces: Option<StorageKey>,
    /// How many a principal may have.
    pub limit: Option<usize>,
}

/// One session of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where it is stored.
    pub key: StorageKey,
    /// What it is called.
    pub public_id: PublicId,
    /// When it was started.
    pub created: Timestamp,
}

/// What became of a [`reserve`](PrincipalIndex::reserve).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The place is taken, for a minute.
    Reserved,
    /// The principal's sessions were ended after this request began.
    CutOff,
    /// The principal has as many as allowed: these.
    Full(Vec<Member>),
}
