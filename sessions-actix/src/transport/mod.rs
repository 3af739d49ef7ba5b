//! How a token travels: read from the request's headers, written to the response's.

mod cookie;
mod token_header;

use std::time::SystemTime;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use sessions_core::{SessionSpec, Transport, engine::TokenAction};

use self::{cookie::Cookie, token_header::TokenHeader};

/// The transport of one session type.
#[derive(Debug)]
pub(crate) enum Wire {
    Cookie(Cookie),
    Header(TokenHeader),
}

impl Wire {
    /// None if the name is no header's; the rules of the spec have seen to it that it is.
    pub(crate) fn new(spec: &SessionSpec) -> Option<Self> {
        match &spec.transport {
            Transport::Cookie(attributes) => Some(Self::Cookie(Cookie::new(&spec.name, attributes))),
            Transport::Header => TokenHeader::new(&spec.name).map(Self::Header),
        }
    }

    /// The raw tokens of this name, as they came.
    pub(crate) fn tokens<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        let (cookies, header) = match self {
            Self::Cookie(cookie) => (Some(cookie.tokens(headers)), None),
            Self::Header(header) => (None, Some(header.tokens(headers))),
        };
        cookies.into_iter().flatten().chain(header.into_iter().flatten())
    }

    /// Tells the client, and the caches between: what the response depends on, and that it is not for them.
    pub(crate) fn apply(
        &self,
        action: &TokenAction,
        now: impl FnOnce() -> SystemTime,
        headers: &mut HeaderMap,
    ) {
        self.vary(headers);
        let value = match action {
            TokenAction::Keep => return,
            TokenAction::Send { token, max_age } => {
                self.write(token.expose(), max_age.map(|max_age| (max_age, now())), headers)
            }
            TokenAction::Remove { clear_site_data } => {
                if *clear_site_data {
                    headers.insert(header::CLEAR_SITE_DATA, CLEAR_SITE_DATA);
                }
                self.remove(headers)
            }
        };
        // Only a name or an attribute could make it no header value, and the rules of the spec forbid that.
        debug_assert!(value.is_some());
        if !is_for_one_client(headers) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }

    fn write(
        &self,
        token: &str,
        max_age: Option<(std::time::Duration, SystemTime)>,
        headers: &mut HeaderMap,
    ) -> Option<()> {
        match self {
            Self::Cookie(cookie) => cookie.write(token, max_age, headers),
            Self::Header(header) => header.write(token, headers),
        }
    }

    fn remove(&self, headers: &mut HeaderMap) -> Option<()> {
        match self {
            Self::Cookie(cookie) => cookie.remove(headers),
            Self::Header(header) => header.write("", headers),
        }
    }

    /// One line, without duplicates: some middleware rewrites only the first.
    fn vary(&self, headers: &mut HeaderMap) {
        let name = match self {
            Self::Cookie(_) => &header::COOKIE,
            Self::Header(header) => header.name(),
        };
        if !headers.contains_key(header::VARY) {
            // Cheaper than an insertion, which has room for what it replaces.
            headers.append(header::VARY, HeaderValue::from(name.clone()));
        } else if let Some(value) = merged(headers.get_all(header::VARY), name) {
            headers.insert(header::VARY, value);
        }
    }
}

const CLEAR_SITE_DATA: HeaderValue = HeaderValue::from_static("\"cache\", \"cookies\", \"storage\"");

/// Whether the handler has left out all caches that others are given answers from, and may say the rest as it likes.
fn is_for_one_client(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|said| said.eq_ignore_ascii_case(b"private") || said.eq_ignore_ascii_case(b"no-store"))
}

/// All names of the lines and this one, each once; none if one line says it all.
fn merged<'a>(lines: impl Iterator<Item = &'a HeaderValue>, name: &HeaderName) -> Option<HeaderValue> {
    let lines: Vec<_> = lines.collect();
    let names = |line: &'a HeaderValue| {
        line.as_bytes()
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .filter(|name| !name.is_empty())
    };
    let covers = |known: &[u8]| known == b"*" || known.eq_ignore_ascii_case(name.as_str().as_bytes());
    if let [line] = lines[..]
        && names(line).any(covers)
    {
        return None;
    }
    let mut merged: Vec<&[u8]> = Vec::new();
    for known in lines.into_iter().flat_map(names) {
        if !merged.iter().any(|other| other.eq_ignore_ascii_case(known)) {
            merged.push(known);
        }
    }
    if !merged.iter().any(|known| covers(known)) {
        merged.push(name.as_str().as_bytes());
    }
    HeaderValue::from_bytes(&merged.join(&b", "[..])).ok()
}
