//! Session types in a crate that knows sessions-actix by another name only, as a library that has every lint.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]

use serde::{Deserialize, Serialize};
use sessions::Session;

/// The first version.
#[derive(Session, Serialize, Deserialize, Debug)]
#[session(crate = ::sessions, name = "V", transport = cookie(path = "/a", same_site = strict), max_age = "1h")]
pub struct First {
    /// How many.
    pub count: u32,
}

/// The second version.
#[derive(Session, Serialize, Deserialize, Debug)]
#[session(crate = "::sessions", name = "V", version = 2, previous = First)]
pub struct Second {
    /// Whose.
    #[session(principal)]
    pub user: Option<String>,
    /// How many.
    pub count: u32,
}

impl From<First> for Second {
    fn from(First { count }: First) -> Self {
        Self { user: None, count }
    }
}

/// A session in a header.
#[derive(sessions::Session, Serialize, Deserialize, Debug)]
#[session(crate = ::sessions, name = "X-V", transport = header)]
pub struct InHeader;

/// Where everything that is needed has the usual name.
pub mod facade {
    pub use sessions as sessions_actix;

    /// Names what stands around it.
    #[derive(sessions::Session, serde::Serialize, serde::Deserialize, Debug)]
    #[session(crate = super::facade::sessions_actix)]
    pub struct Inside;
}

#[cfg(test)]
mod tests {
    use super::{First, InHeader, Second, facade};
    use sessions::Session;

    #[test]
    fn the_derive_works_through_a_renamed_crate_alone() {
        assert_eq!(First::SPEC.name, "V");
        assert_eq!(Second::previous().len(), 1);
        let second = Second {
            user: Some("ann".to_owned()),
            ..Second::from(First { count: 1 })
        };
        assert_eq!(second.principal(), Some(sessions::Principal::new("ann")));
        assert_eq!(second.count, 1);
        assert_eq!(InHeader::SPEC.transport, sessions::Transport::Header);
        assert_eq!(facade::Inside::SPEC.name, "__Host-inside");
    }
}
