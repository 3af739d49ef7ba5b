//! Which host a request is for.

use std::net::Ipv6Addr;

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

/// The host of what [`of`] gives or of an origin, and its port if that is written; nothing of what is no such thing. An IPv6
/// address keeps its brackets.
pub(crate) fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let is_host = match host.strip_prefix('[') {
        Some(address) => address.trim_end_matches(']').parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|octet| octet.is_ascii_alphanumeric() || b"-._".contains(&octet))
        }
    };
    let port = match port.strip_prefix(':') {
        // `parse` takes a `+`, too.
        Some(digits) if digits.bytes().all(|octet| octet.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
        None if port.is_empty() => None,
        None => return None,
    };
    is_host.then_some((host, port))
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
