//! Sessions other than the request's own.

use std::{
    fmt,
    future::{Ready, ready},
    sync::{Arc, atomic::Ordering},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use sessions_core::{Principal, PublicId, Session, ToPrincipal, engine::SessionInfo};

use crate::{SessionError, frame::CutOff, registry::Registered, request};

/// The sessions of one type, for those who look after them. An extractor, and
/// [`Sessions::admin`](crate::Sessions::admin) outside a request.
///
/// It finds sessions by the principal that `#[session(principal)]` names, in a storage that keeps an index. Those that
/// clients keep can be found nowhere, but ended where they are [`revocable`](crate::options::Options::revocable).
pub struct SessionAdmin<T: Session> {
    registered: Arc<Registered<T>>,
    cut_off: CutOff,
}

impl<T: Session> SessionAdmin<T> {
    pub(crate) fn new(registered: Arc<Registered<T>>) -> Self {
        Self {
            registered,
            cut_off: CutOff::default(),
        }
    }

    /// The live sessions of a principal, oldest first; nothing of what it tells opens one.
    ///
    /// # Errors
    /// `Unavailable`; `NotIndexed` where the storage keeps no index, `NotServerSide` where the client keeps the sessions.
    pub async fn list(&self, principal: impl ToPrincipal) -> Result<Vec<SessionInfo>, SessionError> {
        match principal.to_principal() {
            Some(principal) => Ok(self.registered.engine.list(&principal).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Ends the session of this public id at once, whosever it is; false if there is none. Public ids are no secret:
    /// where a user chooses the session, it takes [`revoke_of`](Self::revoke_of). Of sessions that clients keep it cannot
    /// tell whether there is one: false is for one that was ended before. If `rotate_id` has given it another id since, it
    /// is ended under that one.
    ///
    /// # Errors
    /// `Unavailable`, `OutcomeUnknown`; `NotServerSide` where the client keeps the sessions and they are not `revocable`.
    pub async fn revoke(&self, id: &PublicId) -> Result<bool, SessionError> {
        Ok(self.registered.engine.revoke(id).await?)
    }

    /// Ends the session of this public id at once if it is this principal's; false if there is no such session.
    ///
    /// # Errors
    /// `Unavailable`, `OutcomeUnknown`; `NotServerSide` where the client keeps the sessions.
    pub async fn revoke_of(&self, principal: impl ToPrincipal, id: &PublicId) -> Result<bool, SessionError> {
        match principal.to_principal() {
            Some(principal) => Ok(self.registered.engine.revoke_of(&principal, id).await?),
            None => Ok(false),
        }
    }

    /// Ends all sessions of a principal, those that are just being started included, and says how many there were. A
    /// login whose request began before this is refused with 503, except that of the request which asks for it: a new
    /// password ends all sessions and starts one. What clients keep cannot be counted: there it says none.
    ///
    /// # Errors
    /// As [`list`](Self::list), but that sessions which clients keep may be `revocable`; and `OutcomeUnknown`: some may have
    /// ended; try again.
    pub async fn revoke_all(&self, principal: impl ToPrincipal) -> Result<usize, SessionError> {
        self.cut_off(principal.to_principal(), None).await
    }

    /// As [`revoke_all`](Self::revoke_all), except for the session of this public id.
    ///
    /// # Errors
    /// As [`revoke_all`](Self::revoke_all).
    pub async fn revoke_others(
        &self,
        principal: impl ToPrincipal,
        keep: &PublicId,
    ) -> Result<usize, SessionError> {
        self.cut_off(principal.to_principal(), Some(keep)).await
    }

    async fn cut_off(
        &self,
        principal: Option<Principal>,
        keep: Option<&PublicId>,
    ) -> Result<usize, SessionError> {
        let engine = &self.registered.engine;
        let Some(principal) = principal else { return Ok(0) };
        let ended = match keep {
            Some(keep) => engine.revoke_others(&principal, keep).await?,
            None => engine.revoke_all(&principal).await?,
        };
        self.has_cut_off();
        Ok(ended)
    }

    /// Ends the sessions of everybody, and says how many. Those that are begun meanwhile may stay. Those that clients keep
    /// end all at once, as with [`revoke_all`](Self::revoke_all).
    ///
    /// # Errors
    /// As [`revoke_all`](Self::revoke_all).
    pub async fn revoke_everyone(&self) -> Result<usize, SessionError> {
        let engine = &self.registered.engine;
        let ended = engine.revoke_everyone().await?;
        self.has_cut_off();
        Ok(ended)
    }

    /// What this request starts from now on comes after that.
    fn has_cut_off(&self) {
        let now = self.registered.engine.now();
        self.cut_off.store(now.as_millis(), Ordering::Relaxed);
    }

    /// How many live sessions there are. May be slow: a storage may have to read them all.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn count(&self) -> Result<usize, SessionError> {
        Ok(self.registered.engine.count().await?)
    }

    /// Frees at most `limit` expired sessions of the type's storage, and says how many. Expired sessions are no
    /// sessions with or without it. [`Sessions::upkeep`](crate::Sessions::upkeep) does it in the background.
    ///
    /// # Errors
    /// `Unavailable`; `NotServerSide` where the client keeps the sessions and they are not `revocable`.
    pub async fn purge_expired(&self, limit: usize) -> Result<usize, SessionError> {
        Ok(self.registered.engine.purge_expired(limit).await?)
    }
}

impl<T: Session> Clone for SessionAdmin<T> {
    fn clone(&self) -> Self {
        Self {
            registered: Arc::clone(&self.registered),
            cut_off: Arc::clone(&self.cut_off),
        }
    }
}

impl<T: Session> fmt::Debug for SessionAdmin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionAdmin")
            .field(&self.registered.engine)
            .finish()
    }
}

impl<T: Session> FromRequest for SessionAdmin<T> {
    type Error = SessionError;
    type Future = Ready<Result<Self, SessionError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request::registered(request);
        ready(
            found
                .map(|(registered, cut_off)| Self { registered, cut_off })
                .map_err(Into::into),
        )
    }
}
