//! What has become of a session since it was opened.

use std::{mem, sync::Arc, time::Duration};

use super::{
    Slot,
    open::MAX_SKEW,
    state::{Anchor, Live, Opened, Owed, View},
};
use crate::{
    Principal, PublicId, Record, Session, SessionError, StorageKey, events::SessionEventKind as Kind,
    storage::Read,
};

/// What has become of a session since it was opened.
pub(super) enum Latest {
    Live(Arc<Record>),
    Gone,
    /// It is there, and this request's secret opens it no longer.
    Rotated,
}

impl<T: Session> Slot<T> {
    /// Whether the session is still live, asked of the storage itself; also after the response head was sent, for
    /// websockets and streams. Writes nothing.
    ///
    /// # Errors
    /// [`Unavailable`](SessionError::Unavailable).
    pub async fn still_live(&self) -> Result<bool, SessionError> {
        let anchor = match self.state().view() {
            View::Live(live) | View::Set(live, _) => live.anchor.clone(),
            // Not written yet, so nobody can have ended it.
            View::Start(_) => return Ok(true),
            View::Nothing => return Ok(false),
        };
        match &anchor {
            Anchor::Sealed {
                header, principal, ..
            } => self.engine().is_live(header, principal.as_ref()).await,
            Anchor::Stored { key, record, .. } => Ok(self.reload(*key, record).await?.is_some()),
        }
    }

    /// Whether the session is live, and its user has proved who they are within this time; asked of the storage itself.
    ///
    /// # Errors
    /// [`Unavailable`](SessionError::Unavailable).
    pub async fn is_fresh(&self, within: Duration) -> Result<bool, SessionError> {
        // What it has asked for must not take the place of what another task of the request has written meanwhile.
        let _turn = self.turn().await;
        let (authenticated, anchor) = {
            let state = self.state();
            let view = state.view();
            let authenticated = view.id_and_times().and_then(|(_, times)| times.authenticated);
            match view {
                View::Live(live) | View::Set(live, _) => (authenticated, Some(live.anchor.clone())),
                View::Start(_) | View::Nothing => (authenticated, None),
            }
        };
        let engine = self.engine();
        let now = engine.now();
        // One of the future is of a clock that was wrong.
        let recently = authenticated.is_some_and(|at| now.since(at) < within && at.since(now) <= MAX_SKEW)
            && !self.needs_step_up();
        let Some(Anchor::Stored { key, secret, record }) = anchor else {
            return Ok(recently && self.still_live().await?);
        };
        let Some(latest) = self.reload(key, &record).await? else {
            return Ok(false);
        };
        // What the handler sees from now on is no copy, either.
        if let Ok(value) = engine.read(latest.schema, &latest.payload) {
            let mut state = self.state();
            if matches!(state.view(), View::Live(_)) {
                let anchor = Anchor::Stored {
                    key,
                    secret,
                    record: latest,
                };
                let gone = mem::replace(&mut state.opened, Opened::Live(Live { value, anchor }));
                drop(state);
                drop(gone);
            }
        }
        Ok(recently)
    }

    /// The session as all acknowledged writes have left it, if it is the one that this request has opened.
    pub(super) async fn reload(
        &self,
        key: StorageKey,
        known: &Record,
    ) -> Result<Option<Arc<Record>>, SessionError> {
        match self.latest(key, known).await? {
            Latest::Live(record) => Ok(Some(record)),
            Latest::Gone | Latest::Rotated => Ok(None),
        }
    }

    /// Within one epoch nothing but a renewal takes a secret's place, so the secret that opened the session when the
    /// request began is good until the request ends, however long that is.
    pub(super) async fn latest(&self, key: StorageKey, known: &Record) -> Result<Latest, SessionError> {
        let engine = self.engine();
        let Some(server) = engine.server() else {
            return Err(SessionError::NotServerSide);
        };
        let now = engine.now();
        Ok(match server.load(key, Read::Latest, now).await? {
            Some(latest) if latest.times.is_expired(now) || !latest.is_same_session(known) => Latest::Gone,
            Some(latest) if latest.epoch == known.epoch => Latest::Live(latest),
            Some(_) => Latest::Rotated,
            None => Latest::Gone,
        })
    }

    /// The session has ended since it was opened: nothing brings it back.
    pub(super) fn lost<R>(&self, record: &Record) -> Option<R> {
        self.has_ended(&record.public_id, record.principal.as_ref());
        None
    }

    /// As [`lost`](Self::lost), of whatever kind the session is.
    pub(super) fn has_ended(&self, id: &PublicId, principal: Option<&Principal>) {
        self.tell(Kind::LostWrite, Some(id));
        let mut state = self.state();
        let gone = mem::replace(&mut state.opened, Opened::Lost(principal.cloned()));
        // A token of it would take the place of the one that whoever rotated it has sent.
        state.owed = Owed::Nothing;
        drop(state);
        drop(gone);
    }
}
