//! Ready-made answers to a request that lacks a session it requires, for
//! [`SessionsBuilder::challenge`](crate::SessionsBuilder::challenge).

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderValue, LOCATION, WWW_AUTHENTICATE},
};

/// A redirect (303 See Other), to the login page for example.
///
/// ```
/// use sessions_actix::challenge;
///
/// let to_the_login_page = challenge::redirect_to("/login");
/// ```
///
/// # Panics
/// The location is not printable ASCII.
pub fn redirect_to(location: &str) -> impl Fn(&HttpRequest) -> HttpResponse + Send + Sync + 'static {
    let location = header(location);
    move |_| {
        HttpResponse::SeeOther()
            .insert_header((LOCATION, location.clone()))
            .finish()
    }
}

/// 401 Unauthorized with a `WWW-Authenticate` header, `Bearer` for example.
///
/// # Panics
/// The value is not printable ASCII.
pub fn unauthorized(www_authenticate: &str) -> impl Fn(&HttpRequest) -> HttpResponse + Send + Sync + 'static {
    let value = header(www_authenticate);
    move |_| {
        HttpResponse::Unauthorized()
            .insert_header((WWW_AUTHENTICATE, value.clone()))
            .finish()
    }
}

fn header(text: &str) -> HeaderValue {
    match HeaderValue::try_from(text) {
        Ok(value) => value,
        Err(_) => panic!("`{}` cannot stand in a header", text.escape_debug()),
    }
}
