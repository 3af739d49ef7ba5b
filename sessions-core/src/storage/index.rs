//! Which sessions there are, and which of them a principal has.

use std::{fmt, time::Duration};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::StorageFuture;
use crate::{
    Principal, PublicId, Record, RecordError, SerializerError, SessionSerializer, StorageKey, Timestamp,
    lp::joined, serializer::Bincode,
};

/// The index of a storage.
///
/// Every usable session of a principal is in it, and ending all of a principal's sessions ends those that are just being
/// started, too. For that a login *reserves* a place, creates its record, and *confirms*: a place that is not confirmed
/// within a minute lapses, and [`cut_off`](Self::cut_off) takes back all that are not.
///
/// A confirmed session that has ended may still be in it; whoever finds that releases its place. Each operation is atomic
/// for its key. [`Roster`] makes the decisions, for a storage that can change one value atomically.
pub trait SessionIndex: Send + Sync {
    /// Takes a place for a session that is about to be created.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved>;

    /// Makes a reserved place last; false if it has lapsed or was taken back.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool>;

    /// Gives a place back, confirmed or not.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn release(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, ()>;

    /// The confirmed sessions, oldest first.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>>;

    /// Refuses every login that began before `now`, takes back the places that are only reserved, and names the
    /// confirmed sessions, which stay in the index until they are released.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>>;

    /// How many live sessions of this application and name there are. May be slow: it may have to read them all.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize>;

    /// Ends at most `limit` sessions of this application and name, whoever they belong to, and says how many. Those
    /// that are begun meanwhile may stay.
    ///
    /// # Errors
    /// See [`StorageError`](super::StorageError).
    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize>;
}

/// The key of one principal's sessions of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexKey([u8; 32]);

impl IndexKey {
    /// The key of the sessions `name` of `application` that belong to `principal`.
    #[must_use]
    pub fn new(application: &str, name: &str, principal: &Principal) -> Self {
        let parts = [
            b"principal",
            application.as_bytes(),
            name.as_bytes(),
            principal.as_str().as_bytes(),
        ];
        let mut key = [0; 32];
        joined(&parts, |text| {
            key.copy_from_slice(digest::digest(&digest::SHA256, text).as_ref());
        });
        Self(key)
    }

    /// The key of the principal's sessions that this one is among, if it is somebody's.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let principal = record.principal.as_ref()?;
        Some(Self::new(&record.application, &record.name, principal))
    }

    /// The key with these bytes, for a storage that reads its keys back.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, evenly distributed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Record {
    /// Whether it is a live session of this application and name: what [`SessionIndex::count`] counts.
    #[must_use]
    pub fn is_of(&self, application: &str, name: &str, now: Timestamp) -> bool {
        *self.application == *application && *self.name == *name && !self.times.is_expired(now)
    }
}

/// A place in the index that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The session that takes it.
    pub session: Member,
    /// When the request that starts it began.
    pub began: Timestamp,
    /// The session that it takes the place of, which does not count.
    pub replaces: Option<StorageKey>,
    /// How many a principal may have, if one more is to be refused.
    pub limit: Option<usize>,
}

/// One session of a principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Where it is stored.
    pub key: StorageKey,
    /// What it is called.
    pub public_id: PublicId,
    /// When it was started.
    pub created: Timestamp,
    /// When it ends at the latest; from then on it need not be kept.
    pub ends: Timestamp,
}

/// What became of a [`reserve`](SessionIndex::reserve).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The place is taken, for a minute.
    Reserved,
    /// The principal's sessions were ended after this request began.
    CutOff,
    /// The principal has as many as allowed, of which these are confirmed. Some may have ended: release those, and ask
    /// again.
    Full(Vec<Member>),
}

/// The places of one principal, and every decision about them; a storage keeps one under each [`IndexKey`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    cut_off: Option<Timestamp>,
    /// Oldest first.
    places: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    member: Member,
    state: PlaceState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum PlaceState {
    Reserved { until: Timestamp },
    Confirmed,
}

impl Roster {
    /// How long a place stays reserved.
    pub const LEASE: Duration = Duration::from_secs(60);
    /// How long a cut-off is remembered: no request takes as long from its beginning to its login. One that is ahead of
    /// the clock by more than a [`LEASE`](Self::LEASE) is forgotten.
    pub const CUT_OFF_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
    /// The form that [`to_bytes`](Self::to_bytes) writes.
    const FORM: u8 = 1;

    /// See [`SessionIndex::reserve`].
    pub fn reserve(&mut self, place: Reservation, now: Timestamp) -> Reserved {
        self.tidy(now);
        if self.cut_off.is_some_and(|cut_off| place.began < cut_off) {
            return Reserved::CutOff;
        }
        let Reservation {
            session,
            replaces,
            limit,
            ..
        } = place;
        let others = self
            .places
            .iter()
            .filter(|other| other.member.key != session.key && Some(other.member.key) != replaces);
        if limit.is_some_and(|limit| others.count() >= limit) {
            return Reserved::Full(self.confirmed());
        }
        self.release(&session.key);
        let at = self
            .places
            .partition_point(|other| other.member.created <= session.created);
        let state = PlaceState::Reserved {
            until: now.after(Self::LEASE),
        };
        self.places.insert(
            at,
            Place {
                member: session,
                state,
            },
        );
        Reserved::Reserved
    }

    /// See [`SessionIndex::confirm`].
    pub fn confirm(&mut self, session: &StorageKey, now: Timestamp) -> bool {
        self.tidy(now);
        let place = self.places.iter_mut().find(|place| place.member.key == *session);
        place.map(|place| place.state = PlaceState::Confirmed).is_some()
    }

    /// See [`SessionIndex::release`].
    pub fn release(&mut self, session: &StorageKey) {
        self.release_where(|key| key == session);
    }

    pub(super) fn release_where(&mut self, is_it: impl Fn(&StorageKey) -> bool) {
        self.places.retain(|place| !is_it(&place.member.key));
    }

    /// See [`SessionIndex::members`].
    pub fn members(&mut self, now: Timestamp) -> Vec<Member> {
        self.tidy(now);
        self.confirmed()
    }

    /// See [`SessionIndex::cut_off`].
    pub fn cut_off(&mut self, now: Timestamp) -> Vec<Member> {
        // First: one that is ahead is forgotten, and would take this one with it.
        self.tidy(now);
        self.cut_off = self.cut_off.max(Some(now));
        self.places.retain(|place| place.state == PlaceState::Confirmed);
        self.confirmed()
    }

    /// What a change answers, and the roster that is to be kept from now on, if that is another one than `is_kept` says: for
    /// a storage that writes it where nobody else has meanwhile.
    #[cfg(any(feature = "mysql", feature = "postgres", feature = "redis"))]
    pub(super) fn changed<T>(&self, is_kept: bool, change: impl FnOnce(&mut Self) -> T) -> (T, Option<Self>) {
        let mut roster = self.clone();
        let answer = change(&mut roster);
        // One that says nothing is to be removed, whoever has written it.
        let stays = roster == *self && !(is_kept && roster.is_empty());
        (answer, (!stays).then_some(roster))
    }

    /// Whether it says nothing, and need not be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cut_off.is_none() && self.places.is_empty()
    }

    /// When all that it says will have ended by itself: then it is empty.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        let cut_off = self.cut_off.map(|cut_off| cut_off.after(Self::CUT_OFF_KEPT));
        let places = self.places.iter().map(|place| match place.state {
            PlaceState::Reserved { until } => until,
            PlaceState::Confirmed => place.member.ends,
        });
        places.chain(cut_off).max().unwrap_or_default()
    }

    /// The roster as bytes, for a storage that keeps it in one piece.
    ///
    /// # Errors
    /// The roster is beyond the 4 MiB that can be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SerializerError> {
        let mut bytes = vec![Self::FORM];
        <Bincode as SessionSerializer<Self>>::serialize(self, &mut bytes)?;
        Ok(bytes)
    }

    /// What [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// The bytes are not a roster.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.split_first() {
            Some((&Self::FORM, roster)) => {
                <Bincode as SessionSerializer<Self>>::deserialize(roster).map_err(RecordError::Damaged)
            }
            _ => Err(RecordError::Version),
        }
    }

    /// Forgets what has ended by itself.
    fn tidy(&mut self, now: Timestamp) {
        // One that is ahead was made by a clock that was wrong and has been set back: it would lock its principal out.
        self.cut_off = self
            .cut_off
            .filter(|cut_off| now.since(*cut_off) < Self::CUT_OFF_KEPT && cut_off.since(now) <= Self::LEASE);
        self.places.retain(|place| match place.state {
            PlaceState::Reserved { until } => now < until,
            PlaceState::Confirmed => now < place.member.ends,
        });
    }

    fn confirmed(&self) -> Vec<Member> {
        let confirmed = self
            .places
            .iter()
            .filter(|place| place.state == PlaceState::Confirmed);
        confirmed.map(|place| place.member.clone()).collect()
    }
}
