//! The rules that a [`SessionSpec`] keeps, once: the derive, hand-written specs and the builder's overrides all
//! ask here.

mod cookie;
mod duration;
mod lifetimes;
mod name;
mod suggest;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::{SessionSpec, Transport};

pub(crate) use duration::display as duration_text;
pub use duration::{InvalidDuration, parse_duration};
pub use name::default_name;
pub use suggest::did_you_mean;

/// The part of a spec that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Culprit {
    /// `name`.
    Name,
    /// The cookie's `path`.
    Path,
    /// The cookie's `domain`.
    Domain,
    /// The cookie's `secure`.
    Secure,
    /// The cookie's `http_only`.
    HttpOnly,
    /// The cookie's `same_site`.
    SameSite,
    /// The cookie's `partitioned`.
    Partitioned,
    /// `max_age`.
    MaxAge,
    /// `idle_timeout`.
    IdleTimeout,
    /// `absolute_lifetime`.
    AbsoluteLifetime,
    /// `version`.
    Version,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What to edit.
    pub culprit: Culprit,
    /// What is wrong, with the value shown.
    pub message: String,
    /// How to mend it; text that can be pasted where there is one.
    pub help: String,
}

impl Violation {
    fn new(culprit: Culprit, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            culprit,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; help: {}", self.message, self.help)
    }
}

impl std::error::Error for Violation {}

impl SessionSpec {
    /// Every rule that this spec breaks; empty for a good one.
    ///
    /// ```
    /// use sessions_core::{Culprit, SessionSpec};
    ///
    /// let broken = SessionSpec::new("my cart").violations();
    /// assert_eq!(broken.len(), 1);
    /// assert_eq!(broken[0].culprit, Culprit::Name);
    /// assert_eq!(broken[0].help, r#"`name = "my_cart"`"#);
    /// ```
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        match &self.transport {
            Transport::Cookie(cookie) => {
                name::check_cookie_name(&self.name, &mut found);
                cookie::check(&self.name, cookie, &mut found);
            }
            Transport::Header => name::check_header_name(&self.name, &mut found),
        }
        lifetimes::check(self, &mut found);
        if self.version == 0 {
            found.push(Violation::new(
                Culprit::Version,
                "`version` is `0`, and versions count from 1",
                "`version = 1`",
            ));
        }
        found
    }

    /// This spec for plain http: `secure` and `partitioned` off, without the name prefixes that browsers refuse
    /// then, and `SameSite=Lax` for `None`. A header stays as it is.
    #[must_use]
    pub fn without_secure(&self) -> Self {
        let mut spec = self.clone();
        if let Transport::Cookie(cookie) = &mut spec.transport {
            cookie::make_insecure(cookie);
            spec.name = name::without_prefixes(&self.name).to_owned().into();
        }
        spec
    }
}
