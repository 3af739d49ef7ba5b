//! A header of one's own, for clients that are not browsers.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// The header of one session type, in requests and in responses.
#[derive(Debug)]
pub(crate) struct TokenHeader(HeaderName);

impl TokenHeader {
    pub(super) fn new(name: &str) -> Option<Self> {
        HeaderName::try_from(name).ok().map(Self)
    }

    pub(super) fn name(&self) -> &HeaderName {
        &self.0
    }

    /// The values of every such header; an empty one, which is how a removal looks when it is sent back, is none.
    pub(super) fn tokens<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        headers
            .get_all(&self.0)
            .map(HeaderValue::as_bytes)
            .filter(|token| !token.is_empty())
    }

    /// A new value; an empty one takes the token back.
    pub(super) fn write(&self, token: &str, headers: &mut HeaderMap) -> Option<()> {
        let mut value = HeaderValue::try_from(token).ok()?;
        value.set_sensitive(true);
        headers.insert(self.0.clone(), value);
        Some(())
    }
}
