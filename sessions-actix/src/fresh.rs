//! The session of a user who has logged in a short while ago.

use std::{fmt, ops::Deref, time::Duration};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;
use sessions_core::Session;

use crate::{
    RequiredSession, SessionError,
    required::{challenged, missing},
};

/// The session of a request whose user has proved who they are within the last `SECONDS`: for what should ask for the
/// password once more, a new password or a payment ("step-up", ASVS 5.0 7.5.1 and 7.5.3).
///
/// Without one the answer is that of a [`RequiredSession`]: 401, or the type's challenge. It is asked of the storage
/// itself, never of a cache. A session is as fresh as its [`start`](crate::CurrentSession::start), and only another
/// `start` makes it fresh again; one that was started with no principal, by `set`, is never fresh.
///
/// ```
/// use actix_web::post;
/// use sessions_actix::FreshSession;
/// # use serde::{Deserialize, Serialize};
/// # use sessions_actix::Session;
/// # #[derive(Session, Serialize, Deserialize)]
/// # struct Login { #[session(principal)] user: String }
///
/// #[post("/password")]
/// async fn new_password(login: FreshSession<Login, 300>) -> String {
///     format!("a new password for {}", login.user)
/// }
/// ```
pub struct FreshSession<T, const SECONDS: u64>(RequiredSession<T>);

impl<T, const SECONDS: u64> FreshSession<T, SECONDS> {
    /// The session, with all that can be done with it.
    #[must_use]
    pub fn into_required(self) -> RequiredSession<T> {
        self.0
    }
}

impl<T, const SECONDS: u64> Deref for FreshSession<T, SECONDS> {
    type Target = RequiredSession<T>;

    fn deref(&self) -> &RequiredSession<T> {
        &self.0
    }
}

impl<T, const SECONDS: u64> Clone for FreshSession<T, SECONDS> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Session, const SECONDS: u64> fmt::Debug for FreshSession<T, SECONDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Session, const SECONDS: u64> FromRequest for FreshSession<T, SECONDS> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let required = RequiredSession::<T>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let mut session = required.await?;
            let within = Duration::from_secs(SECONDS);
            if session.current().is_fresh(within).await? {
                session.refresh();
                return Ok(Self(session));
            }
            let error: SessionError = missing::<T>(session.current());
            Err(challenged::<T>(error, &request))
        })
    }
}
