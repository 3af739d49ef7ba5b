//! One principal's places under test.

use std::sync::Arc;

use super::subject::{HOUR, LATER, NOW, Subject, answer, bytes, record};
use crate::{
    Principal, StorageKey, Timestamp,
    storage::{IndexKey, Member, Reservation, Reserved, SessionIndex, SessionStorage},
};

/// A session that nobody has created yet. It ends after eight hours at the latest.
pub(super) fn member(created: Timestamp) -> Member {
    Member {
        key: StorageKey::from_bytes(bytes()),
        public_id: record([]).public_id,
        created,
        ends: created.after(8 * HOUR),
    }
}

/// A place for this session, of a login that began at [`NOW`].
pub(super) fn place(session: &Member) -> Reservation {
    Reservation {
        session: session.clone(),
        began: NOW,
        replaces: None,
        limit: None,
    }
}

/// One principal's places. Clones are the same.
#[derive(Clone)]
pub(super) struct Places {
    storage: Arc<dyn SessionStorage>,
    index: IndexKey,
}

impl Places {
    /// Those of a principal who has none; `None` if the storage keeps no index.
    pub(super) fn of_somebody(storage: &Arc<dyn SessionStorage>) -> Option<Self> {
        storage.index()?;
        Some(Self {
            storage: Arc::clone(storage),
            index: IndexKey::from_bytes(bytes()),
        })
    }

    /// Those of another principal.
    pub(super) fn of(&self, application: &str, name: &str, principal: &str) -> Self {
        Self {
            storage: Arc::clone(&self.storage),
            index: IndexKey::new(application, name, &Principal::new(principal)),
        }
    }

    /// The same, through another node.
    pub(super) fn on(&self, storage: &Arc<dyn SessionStorage>) -> Self {
        Self {
            storage: Arc::clone(storage),
            index: self.index,
        }
    }

    pub(super) fn session(&self, member: &Member) -> Subject {
        Subject {
            storage: Arc::clone(&self.storage),
            key: member.key,
        }
    }

    /// Ends all sessions that began before [`LATER`].
    pub(super) async fn end_all(&self) {
        for member in self.cut_off(LATER).await {
            self.session(&member).delete(LATER).await;
            self.release(&member, LATER).await;
        }
    }

    /// A place that is taken and confirmed.
    pub(super) async fn settle(&self, session: &Member, now: Timestamp) {
        let reserved = self.reserve(place(session), now).await;
        assert_eq!(reserved, Reserved::Reserved, "reserve without a limit");
        assert!(self.confirm(session, now).await, "confirm of a reserved place");
    }

    /// What a storage is asked with that may fail.
    pub(super) fn parts(&self) -> (&dyn SessionIndex, IndexKey) {
        (self.index(), self.index)
    }

    fn index(&self) -> &dyn SessionIndex {
        match self.storage.index() {
            Some(index) => index,
            None => panic!("the storage had an index before"),
        }
    }

    pub(super) async fn reserve(&self, place: Reservation, now: Timestamp) -> Reserved {
        answer("reserve", self.index().reserve(self.index, place, now)).await
    }

    pub(super) async fn confirm(&self, session: &Member, now: Timestamp) -> bool {
        answer("confirm", self.index().confirm(self.index, session.key, now)).await
    }

    pub(super) async fn release(&self, session: &Member, now: Timestamp) {
        answer("release", self.index().release(self.index, session.key, now)).await;
    }

    pub(super) async fn members(&self, now: Timestamp) -> Vec<Member> {
        answer("members", self.index().members(self.index, now)).await
    }

    pub(super) async fn cut_off(&self, now: Timestamp) -> Vec<Member> {
        answer("cut_off", self.index().cut_off(self.index, now)).await
    }
}
