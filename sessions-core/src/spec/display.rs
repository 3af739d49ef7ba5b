//! A spec as people read it: every option with what holds, and what becomes of it on the wire.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use super::{CookieSpec, SessionSpec, Transport};
use crate::rules::duration_text;

/// The attributes as they go over the wire, but the cookie's life.
impl Display for CookieSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path={}", self.path)?;
        if let Some(domain) = &self.domain {
            write!(f, "; Domain={domain}")?;
        }
        for (set, attribute) in [
            (self.secure, "; Secure"),
            (self.http_only, "; HttpOnly"),
            (self.partitioned, "; Partitioned"),
        ] {
            if set {
                f.write_str(attribute)?;
            }
        }
        write!(f, "; SameSite={}", self.same_site.as_str())
    }
}

/// A table of every option and what holds for it, by default or not.
///
/// ```
/// # use sessions_core::SessionSpec;
/// let table = SessionSpec::new("__Host-login").to_string();
/// assert!(table.contains("idle_timeout       \"30m\", by default\n"));
/// assert!(table.ends_with("Set-Cookie: __Host-login=<token>; Path=/; Secure; HttpOnly; SameSite=Lax"));
/// ```
impl Display for SessionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |option: &str, value: &dyn Display| writeln!(f, "{option:<18} {value}");
        row("name", &Quoted(&self.name))?;
        match &self.transport {
            Transport::Header => row("transport", &"header")?,
            Transport::Cookie(cookie) => {
                row("transport", &"cookie")?;
                row("path", &Quoted(&cookie.path))?;
                match &cookie.domain {
                    Some(domain) => row("domain", &Quoted(domain))?,
                    None => row("domain", &"none: its own host alone")?,
                }
                row("secure", &cookie.secure)?;
                row("http_only", &cookie.http_only)?;
                row("same_site", &cookie.same_site.as_str().to_ascii_lowercase())?;
                row("partitioned", &cookie.partitioned)?;
                match self.max_age {
                    Some(max_age) => row("max_age", &Quoted(&duration_text(max_age)))?,
                    None => row("max_age", &"none: until the browser is closed")?,
                }
            }
        }
        let limit = |given: Option<Duration>, holds: Duration| {
            let by = if given.is_some() { "" } else { ", by default" };
            format!("\"{}\"{by}", duration_text(holds))
        };
        row(
            "idle_timeout",
            &limit(self.idle_timeout, self.idle_timeout_or_default()),
        )?;
        row(
            "absolute_lifetime",
            &limit(self.absolute_lifetime, self.absolute_lifetime_or_default()),
        )?;
        row("version", &self.version)?;
        match &self.transport {
            Transport::Header => write!(f, "on the wire        {}: <token>", self.name),
            Transport::Cookie(cookie) => {
                write!(
                    f,
                    "on the wire        Set-Cookie: {}=<token>; {cookie}",
                    self.name
                )?;
                // On the server it is what is left of the session's life, at the client `max_age`.
                if self.max_age.is_some() {
                    f.write_str("; Max-Age=<seconds>; Expires=<date>")?;
                }
                Ok(())
            }
        }
    }
}

struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_debug())
    }
}
