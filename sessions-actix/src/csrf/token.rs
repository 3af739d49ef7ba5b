//! The token that a form or a script of one's own pages sends along.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use sessions_core::{
    Session, SessionError as Kind,
    engine::{CsrfTokens, CsrfVerdict},
};

use super::CsrfRefusal;
use crate::{CurrentSession, SessionError, SessionFuture, request};

/// Issues and verifies tokens against cross-site request forgery: text that only pages of one's own can have, as no other
/// site can read them, and that proves nothing without the session's own cookie.
///
/// A token is good for one session of type `T` until that gets another id, by a login (`start`) or by `rotate_id`; a
/// renewal (`renew_every`, `renew_id`) leaves it good. It is signed, and nothing is stored: issuing one writes nothing and
/// sends no cookie. Each is another text, also for the same session.
///
/// The keys come from [`SessionsBuilder::csrf`](crate::SessionsBuilder::csrf). A script sends its token in a header, for
/// which there is [`CsrfGuard`](crate::CsrfGuard); a form sends it in a field, and its handler verifies it before it does
/// anything else:
///
/// ```
/// use actix_web::{get, post, web::Form};
/// use serde::Deserialize;
/// use sessions_actix::{CsrfToken, RequiredSession};
/// # use serde::Serialize;
/// # use sessions_actix::Session;
/// # #[derive(Session, Serialize, Deserialize)]
/// # struct Login { #[session(principal)] user: String }
///
/// #[get("/transfer")]
/// async fn page(_: RequiredSession<Login>, csrf: CsrfToken<Login>) -> actix_web::Result<String> {
///     Ok(format!(r#"<form method="post"><input type="hidden" name="csrf" value="{}">...</form>"#, csrf.issue()?))
/// }
///
/// #[derive(Deserialize)]
/// struct Transfer {
///     csrf: String,
///     to: String,
/// }
///
/// #[post("/transfer")]
/// async fn send(login: RequiredSession<Login>, csrf: CsrfToken<Login>, form: Form<Transfer>) -> actix_web::Result<String> {
///     csrf.verify(&form.csrf)?;
///     Ok(format!("from {} to {}", login.user, form.to))
/// }
/// ```
///
/// A login form is shown to somebody without a session, so there is no token for it:
/// [`SameOriginGuard`](crate::SameOriginGuard) covers it, too.
///
/// It extracts wherever `CurrentSession<T>` does, if the builder has the keys.
pub struct CsrfToken<T> {
    tokens: Arc<CsrfTokens>,
    session: CurrentSession<T>,
}

impl<T: Session> CsrfToken<T> {
    /// A token for a form's hidden field or a meta tag, of characters that need no escaping there.
    ///
    /// Of a session that this request has started, or whose id it has rotated, it is good from the next request on: so ask
    /// for it after those.
    ///
    /// # Errors
    /// `Missing` if there is no session, `Id` if there are no random bytes.
    pub fn issue(&self) -> Result<String, SessionError> {
        let token = self.tokens.issue(self.session.slot())?;
        Ok(token.expose().to_owned())
    }

    /// Checks a token that has come with the request, against the session that has come with it. For any text that is not
    /// a token of that session, and if there is no session, the answer is the same.
    ///
    /// # Errors
    /// [`CsrfRefusal::Token`], which answers with 403 and no body.
    pub fn verify(&self, token: &str) -> Result<(), CsrfRefusal> {
        match self.tokens.verify(self.session.slot(), token.as_bytes()) {
            CsrfVerdict::Valid => Ok(()),
            CsrfVerdict::Invalid | CsrfVerdict::NoSession => Err(CsrfRefusal::Token),
        }
    }
}

impl<T> Clone for CsrfToken<T> {
    fn clone(&self) -> Self {
        Self {
            tokens: Arc::clone(&self.tokens),
            session: self.session.clone(),
        }
    }
}

impl<T: Session> fmt::Debug for CsrfToken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CsrfToken").field(&self.session).finish()
    }
}

impl<T: Session> FromRequest for CsrfToken<T> {
    type Error = SessionError;
    type Future = CsrfTokenFuture<T>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> CsrfTokenFuture<T> {
        CsrfTokenFuture {
            tokens: request::csrf_tokens::<T>(request),
            session: SessionFuture::new(request::open(request)),
        }
    }
}

/// The future of a request's [`CsrfToken`].
#[must_use = "the token is in what it gives when it is awaited"]
pub struct CsrfTokenFuture<T: Session> {
    tokens: Result<Arc<CsrfTokens>, Kind>,
    session: SessionFuture<T>,
}

impl<T: Session> Future for CsrfTokenFuture<T> {
    type Output = Result<CsrfToken<T>, SessionError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let tokens = self.tokens.clone()?;
        let session = ready!(Pin::new(&mut self.session).poll(context))?;
        Poll::Ready(Ok(CsrfToken { tokens, session }))
    }
}

impl<T: Session> fmt::Debug for CsrfTokenFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfTokenFuture(..)")
    }
}
