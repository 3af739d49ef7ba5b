//! The session of a request, in a handler.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use sessions_core::{
    PublicId, Session, SessionError as Kind, Timestamp,
    engine::{SessionStatus, Slot},
};

use crate::{SessionError, opened::SlotFuture, request};

/// The session of this request, whether there is one or not.
///
/// It always extracts: a token that is absent, expired, forged or undecodable is no session. Only a storage that
/// fails (503), a protection of one's own that does (500), a throttle (429) and a type that is registered nowhere (500) are
/// errors. Clones are the same session, and may be sent to
/// other tasks.
pub struct CurrentSession<T>(Slot<T>);

impl<T> Clone for CurrentSession<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Session> CurrentSession<T> {
    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    pub(crate) fn slot(&self) -> &Slot<T> {
        &self.0
    }

    /// The value as it is now; `None` if there is no session. A snapshot: holding it blocks nobody.
    #[must_use]
    pub fn get(&self) -> Option<Arc<T>> {
        self.0.get()
    }

    /// Replaces the value when the response head is ready, or starts a session if there is none. With another
    /// principal it is a [`start`](Self::start). If the response is a 5xx, nothing is written.
    ///
    /// # Errors
    /// `Serializer`, `TooLargeForTransport`, `Foreign`, `AlreadyCommitted`.
    #[doc(alias = "insert")]
    #[doc(alias = "save")]
    pub fn set(&self, value: T) -> Result<(), SessionError> {
        Ok(self.0.set(value)?)
    }

    /// Starts a new session, with a new id and fresh deadlines, and ends the one that there was: a login. If the response
    /// is a 5xx, nothing is started and the old session stays.
    ///
    /// # Errors
    /// `Serializer`, `TooLargeForTransport`, `AlreadyCommitted`.
    pub fn start(&self, value: T) -> Result<(), SessionError> {
        Ok(self.0.start(value)?)
    }

    /// The value, or, if there is no session, that of one which is started with what `init` returns.
    ///
    /// # Errors
    /// As [`set`](Self::set), and `Missing` if somebody else has ended the session since the request began and the value
    /// is its principal's.
    pub fn get_or_set_with(&self, init: impl FnOnce() -> T) -> Result<Arc<T>, SessionError> {
        Ok(self.0.get_or_set_with(init)?)
    }

    /// Changes the value in the storage, at once and atomically: no other request's change is lost, and none loses
    /// this one. `None` if there is no session.
    ///
    /// Whatever `f` returns, what it has changed is written: check first, then change. `f` may run more than once, on a
    /// value that was read anew each time, and holds no lock; what it captures must
    /// therefore stay: `update(|cart| cart.items.push(item.clone()))`. A later 5xx does not undo the change. Where the
    /// client keeps the session, it is not atomic: the last response wins.
    ///
    /// # Errors
    /// `Unavailable` and `Contended`: nothing was written. `OutcomeUnknown`: perhaps it was. `PrincipalChanged`,
    /// `Serializer`, `TooLargeForTransport`, `Foreign`, `AlreadyCommitted`.
    pub async fn update<R>(&self, f: impl FnMut(&mut T) -> R) -> Result<Option<R>, SessionError> {
        Ok(self.0.update(f).await?)
    }

    /// As [`update`](Self::update); if there is no session, starts one with what `init` returns, changed by `f`.
    ///
    /// # Errors
    /// As [`update`](Self::update), and `Missing` if somebody else has ended the session since the request began and the
    /// value is its principal's.
    #[doc(alias = "update_or_default")]
    #[doc(alias = "get_or_default")]
    pub async fn update_or_insert_with<R>(
        &self,
        init: impl FnOnce() -> T,
        f: impl FnMut(&mut T) -> R,
    ) -> Result<R, SessionError> {
        Ok(self.0.update_or_insert_with(init, f).await?)
    }

    /// Reads the session and ends it at once, for exactly one caller: flash messages, or the state of an OAuth
    /// exchange. Where the client keeps the session and it is not `revocable`, a copy of it stays good until it expires.
    ///
    /// # Errors
    /// `Unavailable`, `OutcomeUnknown`, `Foreign`, `AlreadyCommitted`.
    pub async fn take(&self) -> Result<Option<Arc<T>>, SessionError> {
        Ok(self.0.take().await?)
    }

    /// Ends the session when the response head is ready, also if the response is an error.
    ///
    /// # Errors
    /// `AlreadyCommitted`.
    #[doc(alias = "purge")]
    #[doc(alias = "destroy")]
    #[doc(alias = "flush")]
    #[doc(alias = "invalidate")]
    #[doc(alias = "delete")]
    #[doc(alias = "remove")]
    #[doc(alias = "logout")]
    pub fn clear(&self) -> Result<(), SessionError> {
        Ok(self.0.clear()?)
    }

    /// Gives the session a new token and takes the old one's power away at once, when the response head is ready: for
    /// a change of privilege without a login. Data and deadlines stay; a response that gets lost costs its client the
    /// session.
    ///
    /// # Errors
    /// `AlreadyCommitted`.
    #[doc(alias = "regenerate")]
    #[doc(alias = "regenerate_id")]
    #[doc(alias = "cycle_id")]
    pub fn rotate_id(&self) -> Result<(), SessionError> {
        Ok(self.0.rotate_id()?)
    }

    /// Gives the session a new token when the response head is ready, and lets the old one be good for a while still, as
    /// `renew_every` does by itself. Data and deadlines stay. Nothing happens while a renewal is under way.
    ///
    /// # Errors
    /// `AlreadyCommitted`; and where the storage fails, the response is a 503.
    pub fn renew_id(&self) -> Result<(), SessionError> {
        Ok(self.0.renew_id()?)
    }

    /// Lets the session that this request starts live for `time` from now, used or not, and its cookie outlast the
    /// browser: "remember me". At most 400 days, as long as browsers keep a cookie.
    ///
    /// # Errors
    /// `AlreadyCommitted`, and what sealing a session that is to be started reports.
    pub fn remember(&self, time: Duration) -> Result<(), SessionError> {
        Ok(self.0.remember(time)?)
    }

    /// Lets the session that this request starts end at this time at the latest, a [`Timestamp`] or a `SystemTime`: when
    /// an identity provider's does, say.
    ///
    /// # Errors
    /// As [`remember`](Self::remember).
    pub fn not_after(&self, time: impl Into<Timestamp>) -> Result<(), SessionError> {
        Ok(self.0.not_after(time.into())?)
    }

    /// Gives the session that this request starts a label for lists of one's devices, such as "Firefox on Linux". Of a
    /// longer text the first 256 bytes are kept. Where the client keeps the session, nobody ever sees it.
    ///
    /// # Errors
    /// `AlreadyCommitted`.
    pub fn label(&self, text: &str) -> Result<(), SessionError> {
        Ok(self.0.label(text)?)
    }

    /// Names the session: safe to show and to log, and no credential.
    #[must_use]
    pub fn public_id(&self) -> Option<PublicId> {
        self.0.public_id()
    }

    /// When the session was started.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        self.0.created_at()
    }

    /// When the session ends unless it is used before.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at()
    }

    /// Whether this request has started the session.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.0.is_new()
    }

    /// Why there is a session, or none.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        self.0.status()
    }

    /// Whether the type's [`ClientContext`](crate::ClientContext) asks for another login before anything delicate: the session
    /// is used, and is not fresh until somebody [starts](Self::start) another.
    #[must_use]
    pub fn needs_step_up(&self) -> bool {
        self.0.needs_step_up()
    }

    /// Whether the session is live, and its user has proved who they are within this time, asked of the storage itself.
    /// [`FreshSession`](crate::FreshSession) requires it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn is_fresh(&self, within: Duration) -> Result<bool, SessionError> {
        Ok(self.0.is_fresh(within).await?)
    }

    /// Whether the session is live still, asked of the storage itself; also after the response head was sent, for
    /// websockets and streams.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn still_live(&self) -> Result<bool, SessionError> {
        Ok(self.0.still_live().await?)
    }
}

impl<T: Session> fmt::Debug for CurrentSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Session> FromRequest for CurrentSession<T> {
    type Error = SessionError;
    type Future = SessionFuture<T>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> SessionFuture<T> {
        SessionFuture::new(request::open(request))
    }
}

/// The future of a request's session; ready at once where no storage makes it wait.
#[must_use = "the session is in what it gives when it is awaited"]
pub struct SessionFuture<T: Session>(SlotFuture<T>);

impl<T: Session> SessionFuture<T> {
    pub(crate) fn new(opened: Result<SlotFuture<T>, Kind>) -> Self {
        Self(opened.unwrap_or_else(|error| SlotFuture::Ready(Some(Err(error)))))
    }
}

impl<T: Session> Future for SessionFuture<T> {
    type Output = Result<CurrentSession<T>, SessionError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|slot| Ok(CurrentSession(slot?)))
    }
}

impl<T: Session> fmt::Debug for SessionFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionFuture(..)")
    }
}
