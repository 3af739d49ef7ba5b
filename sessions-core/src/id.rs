//! What names a session: the handle that anyone may see, and the key under which a storage keeps it.

#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    lp::joined,
    secret::{RandomError, differing},
};

/// Names one session, and proves nothing: safe to show and to log, never a credential. It is the session's for its whole
/// life, but where the client keeps the session `rotate_id` gives it another one.
///
/// 128 random bits, or what one's own [`IdGenerator`] made.
///
/// It is text in forms, paths and JSON, as [`Display`](fmt::Display) shows it, and bytes in compact formats.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicId(Handle);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Handle {
    Random([u8; PublicId::MIN_LEN]),
    Custom(Arc<[u8]>),
}

// An unprotected token brings any bytes as its handle.
impl TryFrom<Handle> for PublicId {
    type Error = IdError;

    fn try_from(handle: Handle) -> Result<Self, IdError> {
        match handle {
            Handle::Random(_) => Ok(Self(handle)),
            Handle::Custom(bytes) => Self::from_bytes(&bytes),
        }
    }
}

/// A session's id that could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The handle is shorter or longer than allowed.
    #[error(
        "a session's handle has {} to {} bytes, not {_0}",
        PublicId::MIN_LEN,
        PublicId::MAX_LEN
    )]
    Length(usize),
    /// The text is not base64url.
    #[error("a session's public id is base64url text without padding")]
    Text,
    /// The generator gave handles that are all taken.
    #[error("the id generator gave {_0} handles in a row that are taken")]
    Taken(u32),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl PublicId {
    /// The shortest handle, in bytes: the 128 bits that ASVS 5.0 (7.2.3) asks for.
    pub const MIN_LEN: usize = 16;
    /// The longest handle, in bytes.
    pub const MAX_LEN: usize = 64;

    pub(crate) fn random() -> Result<Self, RandomError> {
        differing().map(Self::of)
    }

    pub(crate) fn of(handle: [u8; Self::MIN_LEN]) -> Self {
        Self(Handle::Random(handle))
    }

    /// The id with these bytes.
    ///
    /// # Errors
    /// [`IdError::Length`] unless there are 16 to 64 of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        if let Ok(handle) = bytes.try_into() {
            return Ok(Self::of(handle));
        }
        if !(Self::MIN_LEN..=Self::MAX_LEN).contains(&bytes.len()) {
            return Err(IdError::Length(bytes.len()));
        }
        Ok(Self(Handle::Custom(bytes.into())))
    }

    /// The id that an unknown token claims, if it may be shown: a longer one may hold a part of what was not made for this
    /// transport, and is a secret there.
    pub(crate) fn claimed(&self) -> Option<&Self> {
        (self.as_bytes().len() == Self::MIN_LEN).then_some(self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Handle::Random(bytes) => bytes,
            Handle::Custom(bytes) => bytes,
        }
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; Self::MAX_LEN * 4 / 3 + 2];
        let written = URL_SAFE_NO_PAD
            .encode_slice(self.as_bytes(), &mut text)
            .map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text[..written]).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for PublicId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for PublicId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(de::Error::custom)
        } else {
            Handle::deserialize(deserializer)?
                .try_into()
                .map_err(de::Error::custom)
        }
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicId({self})")
    }
}

impl FromStr for PublicId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::from_bytes(&URL_SAFE_NO_PAD.decode(text).map_err(|_| IdError::Text)?)
    }
}

/// What the hooks of an application may know of a request, without a framework: an [`IdGenerator`], a throttle, a
/// [`ClientContext`](crate::ClientContext).
pub trait RequestView {
    /// The first header of this name, without case.
    fn header(&self, name: &str) -> Option<&[u8]>;

    /// The other end of the connection, where there is one; behind a proxy that is the proxy.
    fn peer_addr(&self) -> Option<IpAddr> {
        None
    }
}

/// No request: what a session that is opened outside one is made from.
impl RequestView for () {
    fn header(&self, _: &str) -> Option<&[u8]> {
        None
    }
}

/// Shapes the handles of new sessions, for routing or sharding; the secret half of a token is never its business.
///
/// It sees the request when the session is opened and answers with what makes handles of 16 to 64 bytes, should the
/// session be started. A handle that is taken is asked for anew, three times. A closure is one:
///
/// ```
/// use sessions_core::{IdGenerator, RequestView};
///
/// fn uses(_: impl IdGenerator) {}
/// uses(|request: &dyn RequestView| {
///     let region = request.header("x-region").and_then(|value| value.first().copied()).unwrap_or(b'-');
///     move || {
///         let mut handle = vec![region];
///         handle.extend_from_slice(&[7; 16]); // random bytes, in earnest
///         handle
///     }
/// });
/// ```
pub trait IdGenerator: Send + Sync + 'static {
    /// What makes the handles of sessions that this request starts.
    fn handles(&self, request: &dyn RequestView) -> Box<dyn FnMut() -> Vec<u8> + Send>;
}

impl<F, G> IdGenerator for F
where
    F: Fn(&dyn RequestView) -> G + Send + Sync + 'static,
    G: FnMut() -> Vec<u8> + Send + 'static,
{
    fn handles(&self, request: &dyn RequestView) -> Box<dyn FnMut() -> Vec<u8> + Send> {
        Box::new(self(request))
    }
}

/// Where a session's handles come from, once the request has been seen.
pub(crate) enum Handles {
    Random,
    Custom(Box<dyn FnMut() -> Vec<u8> + Send>),
}

impl Handles {
    pub(crate) fn next(&mut self) -> Result<PublicId, IdError> {
        match self {
            Self::Random => Ok(PublicId::random()?),
            Self::Custom(make) => PublicId::from_bytes(&make()),
        }
    }
}

/// The key of one session in a storage: a SHA-256 over application, session name and handle, so that storages may be
/// shared and a key proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StorageKey([u8; 32]);

impl StorageKey {
    /// The key of the session `name` of `application` that goes by `id`.
    #[must_use]
    pub fn new(application: &str, name: &str, id: &PublicId) -> Self {
        let parts = [application.as_bytes(), name.as_bytes(), id.as_bytes()];
        joined(&parts, Self::of_text)
    }

    /// The key of something that is no session and belongs to the session `name` of `application`: four parts are never the
    /// three of a session.
    pub(crate) fn in_mode(mode: &str, application: &str, name: &str, subject: &[u8]) -> Self {
        let parts = [mode.as_bytes(), application.as_bytes(), name.as_bytes(), subject];
        joined(&parts, Self::of_text)
    }

    fn of_text(text: &[u8]) -> Self {
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, text).as_ref());
        Self(key)
    }

    /// The key with these bytes, for a storage that reads its keys back.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, evenly distributed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageKey({self})")
    }
}
