//! What a session type says about itself: plain data, written by the derive or by hand.

mod display;

use std::{borrow::Cow, time::Duration};

/// Everything about a session that is known when it is compiled.
///
/// `#[derive(Session)]` writes one; the builder's options start from it. The rules that it has to keep are in
/// [`violations`](Self::violations) and nowhere else: the derive, a hand-written spec and the builder's
/// overrides fail on the same ones with the same words.
///
/// `println!("{}", Login::SPEC)` prints it as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSpec {
    /// The cookie's or header's name, exactly as it goes over the wire.
    pub name: Cow<'static, str>,
    /// Where the token travels.
    pub transport: Transport,
    /// The longest time between two requests of a session; `None` for the default:
    /// [`idle_timeout_or_default`](Self::idle_timeout_or_default).
    pub idle_timeout: Option<Duration>,
    /// The longest life of a session, however active; `None` for the default:
    /// [`absolute_lifetime_or_default`](Self::absolute_lifetime_or_default).
    pub absolute_lifetime: Option<Duration>,
    /// How long a browser keeps the token; `None` for as long as the browser runs.
    pub max_age: Option<Duration>,
    /// The version of the data class, 1 or more. A stored session of a higher one is left alone.
    pub version: u32,
}

/// Where a session's token travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a cookie.
    Cookie(CookieSpec),
    /// In a request header, and back in a response header of the same name.
    Header,
}

/// The attributes of a session's cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSpec {
    /// `Path`; default `/`.
    pub path: Cow<'static, str>,
    /// `Domain`; default none, so that the cookie goes to its own host alone.
    pub domain: Option<Cow<'static, str>>,
    /// `Secure`; default on.
    pub secure: bool,
    /// `HttpOnly`; default on.
    pub http_only: bool,
    /// `SameSite`; default `Lax`.
    pub same_site: SameSite,
    /// `Partitioned`; default off.
    pub partitioned: bool,
}

/// The `SameSite` attribute of a cookie (RFC 6265bis, section 5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never sent with a request from another site.
    Strict,
    /// Sent from another site only with a top-level navigation by a safe method.
    Lax,
    /// Always sent; needs `Secure`.
    None,
}

/// Thirty minutes: OWASP's upper bound for the idle time of a low-risk application.
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Twelve hours: NIST SP 800-63B's limit at AAL2.
pub const DEFAULT_ABSOLUTE_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// 400 days: what browsers cut a cookie's life to (RFC 6265bis, section 5.5).
pub const MAX_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

impl SessionSpec {
    /// A spec of this name, in a cookie, with every default.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            transport: Transport::Cookie(CookieSpec::new()),
            idle_timeout: None,
            absolute_lifetime: None,
            max_age: None,
            version: 1,
        }
    }
}

impl CookieSpec {
    /// The default attributes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            path: Cow::Borrowed("/"),
            domain: None,
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
            partitioned: false,
        }
    }
}

impl Default for CookieSpec {
    fn default() -> Self {
        Self::new()
    }
}

impl SameSite {
    /// The attribute's value as it goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}
