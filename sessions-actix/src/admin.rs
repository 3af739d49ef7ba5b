//! Sessions other than the request's own.

use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use sessions_core::{PublicId, Session};

use crate::{SessionError, registry::Registered, request};

/// The sessions of one type, for those who may end them. An extractor, and
/// [`Sessions::admin`](crate::Sessions::admin) outside a request.
pub struct SessionAdmin<T: Session>(Arc<Registered<T>>);

impl<T: Session> SessionAdmin<T> {
    pub(crate) fn new(registered: Arc<Registered<T>>) -> Self {
        Self(registered)
    }

    /// Ends the session of this public id at once; false if there is none.
    ///
    /// # Errors
    /// `Unavailable`, `OutcomeUnknown`; `NotServerSide` where the client keeps the sessions.
    pub async fn revoke(&self, id: &PublicId) -> Result<bool, SessionError> {
        Ok(self.0.engine.revoke(id).await?)
    }

    /// Frees at most `limit` expired sessions of the type's storage, and says how many. Expired sessions are no
    /// sessions with or without it; a folder or a database only grows unless it is called from time to time.
    ///
    /// # Errors
    /// `Unavailable`; `NotServerSide` where the client keeps the sessions.
    pub async fn purge_expired(&self, limit: usize) -> Result<usize, SessionError> {
        Ok(self.0.engine.purge_expired(limit).await?)
    }
}

impl<T: Session> Clone for SessionAdmin<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Session> fmt::Debug for SessionAdmin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionAdmin").field(&self.0.engine).finish()
    }
}

impl<T: Session> FromRequest for SessionAdmin<T> {
    type Error = SessionError;
    type Future = Ready<Result<Self, SessionError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request::registered(request).map(Self).map_err(Into::into))
    }
}
