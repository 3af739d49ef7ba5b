//! Against requests that another site's page makes in a client's name: cross-site request forgery.

mod guard;
mod origin;
mod refusal;
mod same_origin;
mod token;

use actix_web::http::Method;

pub use self::{
    guard::CsrfGuard,
    origin::NotAnOrigin,
    refusal::CsrfRefusal,
    same_origin::{SameOrigin, SameOriginGuard},
    token::{CsrfToken, CsrfTokenFuture},
};

/// Whether requests of this method change nothing (RFC 9110, section 9.2.1), so that there is nothing in forging them.
fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}
