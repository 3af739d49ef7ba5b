//! Which host a request is for.

use actix_web::{
    dev::RequestHead,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};

/// The host, and the port if it is written: of the request's target where that has one, else of its one `Host` header.
pub(crate) fn of(request: &RequestHead) -> Option<&str> {
    if let Some(authority) = request.uri.authority() {
        return Some(authority.as_str());
    }
    only(&request.headers, &header::HOST).ok()??.to_str().ok()
}

/// That there are several lines of a header of which there is one.
#[derive(Debug)]
pub(crate) struct Several;

/// The one line of this header, if there is one.
pub(crate) fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Several> {
    let mut lines = headers.get_all(name);
    match (lines.next(), lines.next()) {
        (line, None) => Ok(line),
        (_, Some(_)) => Err(Several),
    }
}
