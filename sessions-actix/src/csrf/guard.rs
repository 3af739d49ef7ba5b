//! Lets only requests through that have a token in a header.

use std::{
    fmt,
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_service::{Service, Transform};
use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::HeaderName,
};
use sessions_core::{Session, engine::CsrfVerdict};

use super::{CsrfRefusal, is_safe};
use crate::{
    SessionError, SessionsExt as _,
    guard::{Gate, GuardMiddleware, Verdict},
    host, request,
};

const TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// Middleware for what scripts call: a request that comes with a session of type `T`, and is not a GET, HEAD, OPTIONS or
/// TRACE, needs a token of that session, from [`CsrfToken::issue`](crate::CsrfToken::issue), in the one header
/// `X-CSRF-Token`. Otherwise it is answered with 403 Forbidden and no body.
///
/// Without a session it passes: there is nobody in whose name it could do anything. Forms cannot set a header, so put it
/// around the routes that scripts call; the handler of a form verifies the field itself.
///
/// Browsers cannot send the header with the handshake of a websocket, which is a GET and passes:
/// [`SameOriginGuard`](crate::SameOriginGuard) looks at those.
///
/// It stands inside `Sessions`, so before them in the code:
///
/// ```
/// use actix_web::{App, web};
/// use sessions_actix::{CsrfGuard, Sessions, protection::{Key, KeyRing}, storage::MemoryStorage};
/// # use serde::{Deserialize, Serialize};
/// # use sessions_actix::Session;
/// # #[derive(Session, Serialize, Deserialize)]
/// # struct Login { #[session(principal)] user: String }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeyRing::new(Key::generate()?); // `KeyRing::from_env("SESSION_KEY")?`, in earnest
/// let sessions = Sessions::builder()
///     .server_side::<Login>(MemoryStorage::new())
///     .csrf::<Login>(&keys)
///     .build()?;
/// let app = App::new()
///     .service(web::scope("/api").wrap(CsrfGuard::<Login>::new()))
///     .wrap(sessions.clone());
/// # Ok(())
/// # }
/// ```
///
/// Where the session cannot be read, the answer is that of an extractor: 503 if the storage fails, 429 if a throttle says so,
/// 500 if the type is not registered or the builder has no keys for it.
pub struct CsrfGuard<T>(PhantomData<fn() -> T>);

impl<T> CsrfGuard<T> {
    /// Of the sessions of this type.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for CsrfGuard<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for CsrfGuard<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for CsrfGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfGuard")
    }
}

impl<T: Session> Gate for CsrfGuard<T> {
    fn ask(&self, request: &ServiceRequest) -> Verdict {
        if is_safe(request.method()) {
            return Verdict::Passes;
        }
        let tokens = match request::csrf_tokens::<T>(request.request()) {
            Ok(tokens) => tokens,
            Err(error) => return Verdict::Refused(HttpResponse::from_error(SessionError::from(error))),
        };
        // None of several, as an empty text is no token.
        let token = host::only(request.headers(), &TOKEN).ok().flatten().cloned();
        let session = request.session::<T>();
        Verdict::Asking(Box::pin(async move {
            let session = match session.await {
                Ok(session) => session,
                Err(error) => return Verdict::Refused(HttpResponse::from_error(error)),
            };
            let token = token.as_ref().map_or(&b""[..], |line| line.as_bytes());
            match tokens.verify(session.slot(), token) {
                CsrfVerdict::Valid | CsrfVerdict::NoSession => Verdict::Passes,
                CsrfVerdict::Invalid => Verdict::Refused(HttpResponse::from_error(CsrfRefusal::Token)),
            }
        }))
    }
}

impl<S, B, T> Transform<S, ServiceRequest> for CsrfGuard<T>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
    T: Session,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = GuardMiddleware<S, Self>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(GuardMiddleware::new(service, self.clone())))
    }
}
