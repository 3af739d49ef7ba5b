//! Cookies, read from the raw octets of the request and built in one place.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use sessions_core::CookieSpec;

/// The cookie of one session type.
#[derive(Debug)]
pub(crate) struct Cookie {
    name: String,
    /// All attributes that never change, each with its separator.
    attributes: String,
}

/// 9999-12-31T23:59:59Z: the date format has no later one, and `httpdate` panics.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

impl Cookie {
    pub(super) fn new(name: &str, spec: &CookieSpec) -> Self {
        Self {
            name: name.to_owned(),
            attributes: format!("; {spec}"),
        }
    }

    /// The values of every cookie of exactly this name, in order.
    ///
    /// By octets: one cookie that is not UTF-8 must not hide another, no name is percent-decoded, and only space and
    /// tab are trimmed, so that nothing else poses as `__Host-`.
    pub(super) fn tokens<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        headers
            .get_all(header::COOKIE)
            .flat_map(|line| pairs(line.as_bytes()))
            .filter_map(|pair| trim(pair).strip_prefix(self.name.as_bytes()))
            .filter_map(|rest| trim(rest).strip_prefix(b"="))
            .map(|value| unquoted(trim(value)))
    }

    /// A new value, for as long as the browser runs or for `max_age` from now.
    pub(super) fn write(
        &self,
        token: &str,
        max_age: Option<(Duration, SystemTime)>,
        headers: &mut HeaderMap,
    ) -> Option<()> {
        let life = max_age.map(|(max_age, now)| {
            let expires = now.checked_add(max_age).unwrap_or(now);
            (max_age, expires.min(SystemTime::UNIX_EPOCH + LAST_SECOND))
        });
        self.set(self.line(token, life)?, headers);
        Some(())
    }

    /// No value from now on.
    pub(super) fn remove(&self, headers: &mut HeaderMap) -> Option<()> {
        self.set(
            self.line("", Some((Duration::ZERO, SystemTime::UNIX_EPOCH)))?,
            headers,
        );
        Some(())
    }

    fn line(&self, value: &str, life: Option<(Duration, SystemTime)>) -> Option<HeaderValue> {
        // Exactly, where there is no lifetime: what becomes a header is copied if there is room left.
        let lifetime = if life.is_some() { 72 } else { 0 };
        let mut line =
            String::with_capacity(self.name.len() + 1 + value.len() + self.attributes.len() + lifetime);
        line.push_str(&self.name);
        line.push('=');
        line.push_str(value);
        line.push_str(&self.attributes);
        if let Some((max_age, expires)) = life {
            write!(
                line,
                "; Max-Age={}; Expires={}",
                max_age.as_secs(),
                httpdate::fmt_http_date(expires)
            )
            .ok()?;
        }
        let mut line = HeaderValue::try_from(line).ok()?;
        line.set_sensitive(true);
        Some(line)
    }

    /// In place of whatever the response says of this cookie; other cookies stay.
    fn set(&self, line: HeaderValue, headers: &mut HeaderMap) {
        if headers.get_all(header::SET_COOKIE).any(|other| self.names(other)) {
            let others: Vec<_> = headers
                .remove(header::SET_COOKIE)
                .filter(|other| !self.names(other))
                .collect();
            for other in others {
                headers.append(header::SET_COOKIE, other);
            }
        }
        headers.append(header::SET_COOKIE, line);
    }

    fn names(&self, line: &HeaderValue) -> bool {
        line.as_bytes()
            .strip_prefix(self.name.as_bytes())
            .is_some_and(|rest| rest.starts_with(b"="))
    }
}

/// What stands between semicolons. A token is long, and looking for its end octet by octet would take longer than anything
/// else that is done with it.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        match memchr::memchr(b';', line) {
            Some(end) => {
                rest = Some(&line[end + 1..]);
                Some(&line[..end])
            }
            None => rest.take(),
        }
    })
}

fn trim(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

/// RFC 6265 allows a pair of quotes around a value.
fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        bare => bare,
    }
}
