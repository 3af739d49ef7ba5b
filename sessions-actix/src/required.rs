//! The session of a request that must have one.

use std::{
    fmt,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, error::InternalError};
use sessions_core::{Session, SessionError as Kind, engine::SessionStatus};

use crate::{CurrentSession, SessionError, SessionFuture, request};

/// The session of a request that must have one; without one the handler does not run, and the answer is 401, or the
/// type's [challenge](crate::SessionsBuilder::challenge).
///
/// It reads as a `T`: the value that the request began with, until [`update`](Self::update) refreshes it. All else that
/// can be done with a session is behind [`current`](Self::current): `session.current().clear()?`.
///
/// `Option<RequiredSession<T>>` is `None` also when the storage failed; [`CurrentSession`] tells the two apart.
pub struct RequiredSession<T> {
    value: Arc<T>,
    session: CurrentSession<T>,
}

impl<T: Session> RequiredSession<T> {
    /// Changes the value, as [`CurrentSession::update`] does, and reads as the new one from now on.
    ///
    /// # Errors
    /// As [`CurrentSession::update`], and `Missing` if the session has ended meanwhile.
    pub async fn update<R>(&mut self, f: impl FnMut(&mut T) -> R) -> Result<R, SessionError> {
        let result = self.session.update(f).await?;
        match (result, self.session.get()) {
            (Some(result), Some(value)) => {
                self.value = value;
                Ok(result)
            }
            _ => Err(missing::<T>(&self.session)),
        }
    }

    /// Reads as what is known of the session now.
    pub(crate) fn refresh(&mut self) {
        if let Some(value) = self.session.get() {
            self.value = value;
        }
    }

    /// The session with everything else that can be done with it.
    #[must_use]
    #[doc(alias = "clear")]
    #[doc(alias = "set")]
    #[doc(alias = "start")]
    #[doc(alias = "get")]
    #[doc(alias = "rotate_id")]
    #[doc(alias = "renew_id")]
    #[doc(alias = "take")]
    pub fn current(&self) -> &CurrentSession<T> {
        &self.session
    }
}

pub(crate) fn missing<T: Session>(session: &CurrentSession<T>) -> SessionError {
    let kind = match session.status() {
        SessionStatus::Foreign => Kind::Foreign,
        _ => Kind::Missing {
            name: session.name().to_owned(),
        },
    };
    kind.into()
}

/// What a request is answered with that lacks its session.
pub(crate) fn challenged<T: Session>(error: SessionError, request: &HttpRequest) -> Error {
    match (error.kind(), request::challenge::<T>(request)) {
        (Kind::Missing { .. }, Some(challenge)) => {
            InternalError::from_response(error, challenge(request)).into()
        }
        _ => error.into(),
    }
}

impl<T> Deref for RequiredSession<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for RequiredSession<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            session: self.session.clone(),
        }
    }
}

impl<T: Session> fmt::Debug for RequiredSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

impl<T: Session> FromRequest for RequiredSession<T> {
    type Error = Error;
    type Future = RequiredSessionFuture<T>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> RequiredSessionFuture<T> {
        RequiredSessionFuture {
            request: request.clone(),
            session: SessionFuture::new(request::open(request)),
        }
    }
}

/// The future of a session that is required.
pub struct RequiredSessionFuture<T: Session> {
    /// For the challenge.
    request: HttpRequest,
    session: SessionFuture<T>,
}

impl<T: Session> Future for RequiredSessionFuture<T> {
    type Output = Result<RequiredSession<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.session).poll(context).map(|session| {
            let session = session?;
            if let Some(value) = session.get() {
                return Ok(RequiredSession { value, session });
            }
            Err(challenged::<T>(missing::<T>(&session), &self.request))
        })
    }
}

impl<T: Session> fmt::Debug for RequiredSessionFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequiredSessionFuture(..)")
    }
}
