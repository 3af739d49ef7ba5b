//! Lets only requests through that pages of one's own origin have made, as browsers say.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_service::{Service, Transform};
use actix_web::{
    Error, FromRequest, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{Payload, RequestHead, ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue, ORIGIN, UPGRADE},
};

use super::{
    CsrfRefusal, NotAnOrigin, is_safe,
    origin::{self, Trusted},
};
use crate::{
    guard::{Gate, GuardMiddleware, Verdict},
    host,
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Middleware that refuses what another site's page makes a browser send (cross-site request forgery), with 403
/// Forbidden and no body. It needs neither keys nor a session; wrap it around an `App`, a scope or a resource.
///
/// These rules, in this order, are those of Go's `net/http.CrossOriginProtection`, and stricter with headers that no
/// browser sends:
/// 1. GET, HEAD, OPTIONS and TRACE pass, as they change nothing. (Let no handler of theirs change anything.) Not the
///    handshake of a websocket, or whatever else has an `Upgrade` header: a page of another site could talk to that.
/// 2. Several lines of `Sec-Fetch-Site` or of `Origin` are refused.
/// 3. `Sec-Fetch-Site: same-origin` and `none`, which is the user's own doing, pass. With any other value, that of another
///    subdomain's pages (`same-site`) included, only what comes from a [trusted](Self::trust) `Origin` passes.
/// 4. Without that header, as from browsers of before 2023 and over plain http, `Origin` must be the host and port that
///    the request is for, or a trusted one. `null` is neither. Whether the page came by http or https cannot be told
///    here: `Strict-Transport-Security` keeps browsers off http.
/// 5. What has neither header passes: it comes from no browser of the last years, and so not with somebody else's
///    cookies. For whom that is not enough there is [`CsrfToken`](crate::CsrfToken), which can be asked for besides.
///
/// A request is for the host that its target names (`:authority` in HTTP/2), or else its `Host` header. Behind a proxy that writes another one there, old browsers are refused:
/// trust one's own origin, too.
///
/// ```
/// use actix_web::App;
/// use sessions_actix::SameOriginGuard;
///
/// # fn main() -> Result<(), sessions_actix::NotAnOrigin> {
/// let same_origin = SameOriginGuard::new().trust(["https://accounts.shop.example"])?;
/// let app = App::new().wrap(same_origin);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SameOriginGuard(Arc<Vec<Trusted>>);

impl SameOriginGuard {
    /// Trusts no other origin.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets pages of these other origins send requests, too, each written as `https://host` or `https://host:port` (or
    /// `http://`, with which anybody on the network can pose as it). It is for whoever may do whatever one's own pages can.
    ///
    /// # Errors
    /// One of them is no origin, or has more than scheme, host and port.
    pub fn trust<'a>(mut self, origins: impl IntoIterator<Item = &'a str>) -> Result<Self, NotAnOrigin> {
        let trusted = Arc::make_mut(&mut self.0);
        for origin in origins {
            trusted.push(Trusted::parse(origin)?);
        }
        Ok(self)
    }
}

/// The rules.
fn check(request: &RequestHead, trusted: &[Trusted]) -> Result<(), CsrfRefusal> {
    let headers = &request.headers;
    if is_safe(&request.method) && !headers.contains_key(UPGRADE) {
        return Ok(());
    }
    let (Ok(site), Ok(origin)) = (host::only(headers, &SEC_FETCH_SITE), host::only(headers, &ORIGIN)) else {
        return Err(CsrfRefusal::Origin);
    };
    let (site, origin) = (site.map(HeaderValue::as_bytes), origin.map(HeaderValue::as_bytes));
    let is_trusted = |origin| trusted.iter().any(|trusted| trusted.is(origin));
    let passes = match (site, origin) {
        (Some(b"same-origin" | b"none"), _) | (None, None) => true,
        (Some(_), origin) => origin.is_some_and(is_trusted),
        (None, Some(origin)) => {
            is_trusted(origin) || host::of(request).is_some_and(|own| origin::is_of(origin, own))
        }
    };
    if passes { Ok(()) } else { Err(CsrfRefusal::Origin) }
}

impl Gate for SameOriginGuard {
    fn ask(&self, request: &ServiceRequest) -> Verdict {
        match check(request.head(), &self.0) {
            Ok(()) => Verdict::Passes,
            Err(refusal) => Verdict::Refused(HttpResponse::from_error(refusal)),
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for SameOriginGuard
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
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

/// What a handler takes that no other site's page may reach: it extracts by the rules of [`SameOriginGuard`], and answers
/// with 403 and no body otherwise.
///
/// By those of the guard in `.app_data(guard.clone())`, if there is one around the handler; without it no other origin is
/// trusted.
///
/// ```
/// use actix_web::post;
/// use sessions_actix::SameOrigin;
///
/// #[post("/logout")]
/// async fn log_out(_: SameOrigin) -> &'static str {
///     "logged out"
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SameOrigin(());

impl FromRequest for SameOrigin {
    type Error = CsrfRefusal;
    type Future = Ready<Result<Self, CsrfRefusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let guard = request.app_data::<SameOriginGuard>();
        let trusted = guard.map_or(&[][..], |guard| &guard.0[..]);
        ready(check(request.head(), trusted).map(|()| Self(())))
    }
}
