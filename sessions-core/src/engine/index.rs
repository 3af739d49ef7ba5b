//! The index of sessions, as logins and logouts keep it.

use std::{net::IpAddr, sync::Arc};

use super::{
    Engine, Slot,
    cut_off::Whose,
    server::{Server, Stored},
    state::Anchor,
};
use crate::{
    Principal, PublicId, Record, Session, SessionError, StorageError, StorageKey, Times, Timestamp,
    events::{Revocation, SessionEventKind as Kind},
    options::OverLimit,
    storage::{IndexKey, Member, Read, Reservation, Reserved, SessionIndex},
};

/// How often a place is asked for while sessions that have ended are still counted.
const MAX_RESERVATIONS: u32 = 3;

/// A place in the index that a login has reserved.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) index: IndexKey,
    session: StorageKey,
}

impl Server {
    /// The index, and the key of this principal's sessions in it.
    pub(super) fn index_of(&self, principal: Option<&Principal>) -> Option<(&dyn SessionIndex, IndexKey)> {
        Some((
            self.storage.index()?,
            IndexKey::new(&self.application, &self.name, principal?),
        ))
    }

    /// Takes a session that has ended out of the index. A failure leaves it there, where the next one to look finds that
    /// it has ended.
    pub(super) async fn forget(&self, record: &Record, now: Timestamp) {
        if let Some((index, key)) = self.index_of(record.principal.as_ref()) {
            let _ = self
                .bounded("release", index.release(key, self.key(&record.public_id), now))
                .await;
        }
    }

    pub(super) async fn members(
        &self,
        index: &dyn SessionIndex,
        key: IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Member>, SessionError> {
        self.bounded("members", index.members(key, now))
            .await
            .map_err(SessionError::reading)
    }

    /// The live ones of these sessions, of which one that cannot be read is none to be shown; the others are taken out of
    /// the index.
    pub(super) async fn live_members(
        &self,
        index: &dyn SessionIndex,
        key: IndexKey,
        members: Vec<Member>,
        now: Timestamp,
    ) -> Result<Vec<Option<Arc<Record>>>, SessionError> {
        let mut live = Vec::with_capacity(members.len());
        for member in members {
            match self.find(member.key, Read::Latest, now).await? {
                Stored::Record(record) => live.push(Some(record)),
                // A newer version of the library can use it, and who ends all sessions has to find it.
                Stored::Unreadable => live.push(None),
                // Handles never return, so nothing will ever be there again.
                Stored::Nothing => {
                    let release = index.release(key, member.key, now);
                    self.bounded("release", release)
                        .await
                        .map_err(SessionError::writing)?;
                }
            }
        }
        Ok(live)
    }

    /// Ends these sessions, record first; says how many there were.
    pub(super) async fn end_members(
        &self,
        index: &dyn SessionIndex,
        key: IndexKey,
        members: &[Member],
        (why, peer): (Revocation, Option<IpAddr>),
        now: Timestamp,
    ) -> Result<usize, SessionError> {
        let mut ended = 0;
        for member in members {
            if self.delete(member.key, now).await? {
                self.events
                    .tell(Kind::Revoked(why), Some(&member.public_id), peer);
                ended += 1;
            }
            let release = index.release(key, member.key, now);
            self.bounded("release", release)
                .await
                .map_err(SessionError::writing)?;
        }
        Ok(ended)
    }
}

impl<T: Session> Slot<T> {
    /// Takes a place in the index for a session that is about to be created, where there is an index and a principal.
    pub(super) async fn reserve(
        &self,
        server: &Server,
        principal: Option<&Principal>,
        id: &PublicId,
        times: &Times,
        old: &[Anchor],
    ) -> Result<Option<Place>, SessionError> {
        let Some((index, key)) = server.index_of(principal) else {
            return Ok(None);
        };
        let now = self.engine().now();
        let session = server.key(id);
        let replaces = old.iter().find_map(|anchor| match anchor {
            Anchor::Stored { key, record, .. } if record.principal.as_ref() == principal => Some(*key),
            _ => None,
        });
        let limit = server
            .limit
            .filter(|limit| limit.1 == OverLimit::Reject)
            .map(|limit| limit.0);
        let began = self.state().began;
        for _ in 0..MAX_RESERVATIONS {
            let member = Member {
                key: session,
                public_id: id.clone(),
                created: times.created,
                ends: times.absolute_deadline,
            };
            let reservation = Reservation {
                session: member,
                began,
                replaces,
                limit,
            };
            let place = Place { index: key, session };
            let reserved = server
                .bounded("reserve", index.reserve(key, reservation, now))
                .await;
            if reserved.as_ref().is_err_and(StorageError::may_have_written) {
                // Or this login, which nobody will hear of, would be in the way of the next.
                self.give_back(server, Some(place)).await;
            }
            match reserved.map_err(SessionError::writing)? {
                Reserved::Reserved => return Ok(Some(place)),
                Reserved::CutOff => return Err(SessionError::Contended),
                Reserved::Full(members) => {
                    let count = members.len();
                    if server.live_members(index, key, members, now).await?.len() == count {
                        break;
                    }
                }
            }
        }
        self.tell(Kind::LimitReached, None);
        Err(SessionError::LimitReached)
    }

    /// Makes a place last, now that its session is stored; with a false answer the session must not be.
    pub(super) async fn confirm(&self, server: &Server, place: Option<Place>) -> Result<bool, SessionError> {
        let (Some(place), Some(index)) = (place, server.storage.index()) else {
            return Ok(true);
        };
        let confirmed = index.confirm(place.index, place.session, self.engine().now());
        server
            .bounded("confirm", confirmed)
            .await
            .map_err(SessionError::writing)
    }

    /// Gives a place back whose session was not stored, or is no more. A failure leaves it to lapse.
    pub(super) async fn give_back(&self, server: &Server, place: Option<Place>) {
        if let (Some(place), Some(index)) = (place, server.storage.index()) {
            let released = index.release(place.index, place.session, self.engine().now());
            let _ = server.bounded("release", released).await;
        }
    }

    /// Ends the oldest sessions of the principal beyond the limit: never the new one, and not those in whose place it
    /// comes, which do not count.
    pub(super) async fn evict(
        &self,
        server: &Server,
        place: Option<Place>,
        old: &[Anchor],
    ) -> Result<(), SessionError> {
        let (Some(place), Some(index), Some((limit, OverLimit::EvictOldest))) =
            (place, server.storage.index(), server.limit)
        else {
            return Ok(());
        };
        let now = self.engine().now();
        let is_old = |member: &Member| {
            old.iter()
                .any(|anchor| matches!(anchor, Anchor::Stored { key, .. } if *key == member.key))
        };
        let mut members = server.members(index, place.index, now).await?;
        members.retain(|member| !is_old(member));
        if members.len() <= limit {
            return Ok(());
        }
        members.retain(|member| member.key != place.session);
        // From the newest on, so that no more are looked at than may stay, however many logins are under way. Those of which
        // the record is gone count for nothing.
        let mut room = limit.saturating_sub(1);
        while room > 0
            && let Some(member) = members.pop()
        {
            let found = server.live_members(index, place.index, vec![member], now).await?;
            room -= found.len();
        }
        let cause = (Revocation::Evicted, self.peer());
        server
            .end_members(index, place.index, &members, cause, now)
            .await?;
        Ok(())
    }
}

/// What is known of a session to those who look after it; nothing in it opens the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Names it.
    pub public_id: PublicId,
    /// When it was started.
    pub created: Timestamp,
    /// When its user last proved who they are.
    pub authenticated: Option<Timestamp>,
    /// When it was last used, exact to the touch interval.
    pub last_seen: Timestamp,
    /// When it ends unless it is used before.
    pub expires: Timestamp,
    /// Its device label.
    pub label: Option<Arc<str>>,
}

impl<T: Session> Engine<T> {
    fn indexed(&self) -> Result<(&Server, &dyn SessionIndex), SessionError> {
        let server = self.server().ok_or(SessionError::NotServerSide)?;
        Ok((server, server.storage.index().ok_or(SessionError::NotIndexed)?))
    }

    fn index_key(&self, principal: &Principal) -> IndexKey {
        IndexKey::new(&self.0.environment.application, self.name(), principal)
    }

    /// The live sessions of a principal, oldest first.
    ///
    /// # Errors
    /// [`NotServerSide`](SessionError::NotServerSide), [`NotIndexed`](SessionError::NotIndexed),
    /// [`Unavailable`](SessionError::Unavailable).
    pub async fn list(&self, principal: &Principal) -> Result<Vec<SessionInfo>, SessionError> {
        let (server, index) = self.indexed()?;
        let (key, now) = (self.index_key(principal), self.now());
        let members = server.members(index, key, now).await?;
        let records = server.live_members(index, key, members, now).await?;
        Ok(records
            .iter()
            .flatten()
            .map(|record| SessionInfo {
                public_id: record.public_id.clone(),
                created: record.times.created,
                authenticated: record.times.authenticated,
                last_seen: record.times.last_seen,
                expires: record.times.deadline(),
                label: record.label.clone(),
            })
            .collect())
    }

    /// Ends all sessions of a principal, those that are just being started included, and says how many there were. A
    /// login whose request began before this is refused. Where clients keep the sessions nobody can count them, and it says
    /// none.
    ///
    /// # Errors
    /// As [`list`](Self::list), but that sessions which clients keep may be [`revocable`](crate::options::Options::revocable);
    /// and [`OutcomeUnknown`](SessionError::OutcomeUnknown): some may have ended; try again.
    pub async fn revoke_all(&self, principal: &Principal) -> Result<usize, SessionError> {
        self.cut_off(principal, None).await
    }

    /// As [`revoke_all`](Self::revoke_all), except for the session of this public id.
    ///
    /// # Errors
    /// As [`revoke_all`](Self::revoke_all).
    pub async fn revoke_others(&self, principal: &Principal, keep: &PublicId) -> Result<usize, SessionError> {
        self.cut_off(principal, Some(keep)).await
    }

    async fn cut_off(&self, principal: &Principal, keep: Option<&PublicId>) -> Result<usize, SessionError> {
        if let Some(revocations) = self.revocations() {
            let whose = Whose::Principal(principal, keep);
            revocations.cut_off(whose, self.now()).await?;
            self.tell(Kind::Revoked(Revocation::Asked), None, None);
            return Ok(0);
        }
        let (server, index) = self.indexed()?;
        let (key, now) = (self.index_key(principal), self.now());
        let cut_off = index.cut_off(key, now);
        let mut members = server
            .bounded("cut off", cut_off)
            .await
            .map_err(SessionError::writing)?;
        members.retain(|member| Some(&member.public_id) != keep);
        let cause = (Revocation::Asked, None);
        server.end_members(index, key, &members, cause, now).await
    }

    /// Ends the sessions of everybody, a thousand at a time, and says how many. Those that are begun meanwhile may stay.
    /// Where clients keep the sessions all of them end at once, as with [`revoke_all`](Self::revoke_all), and it says none.
    ///
    /// # Errors
    /// As [`revoke_all`](Self::revoke_all).
    pub async fn revoke_everyone(&self) -> Result<usize, SessionError> {
        if let Some(revocations) = self.revocations() {
            revocations.cut_off(Whose::Everyone, self.now()).await?;
            self.tell(Kind::Revoked(Revocation::Asked), None, None);
            return Ok(0);
        }
        let (server, index) = self.indexed()?;
        let mut ended = 0;
        loop {
            let some = index.delete_some(&server.application, &server.name, 1000, self.now());
            let some = server.patiently("delete some", some).await;
            let over = matches!(some, Ok(0) | Err(_));
            if over && ended > 0 {
                self.tell(Kind::Revoked(Revocation::Asked), None, None);
            }
            match some.map_err(SessionError::writing)? {
                0 => return Ok(ended),
                some => ended += some,
            }
        }
    }

    /// How many live sessions there are. May be slow: a storage may have to read them all.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn count(&self) -> Result<usize, SessionError> {
        let (server, index) = self.indexed()?;
        let count = index.count(&server.application, &server.name, self.now());
        server
            .patiently("count", count)
            .await
            .map_err(SessionError::reading)
    }
}
