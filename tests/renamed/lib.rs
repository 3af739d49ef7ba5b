//! Session types in a crate that knows sessions-actix by another name only.

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use sessions::Session;

    #[derive(Session, Serialize, Deserialize)]
    #[session(crate = ::sessions, name = "V", transport = cookie(path = "/a", same_site = strict), max_age = "1h")]
    struct First {
        count: u32,
    }

    #[derive(Session, Serialize, Deserialize)]
    #[session(crate = "sessions", name = "V", version = 2, previous = First)]
    struct Second {
        #[session(principal)]
        user: Option<String>,
        count: u32,
    }

    impl From<First> for Second {
        fn from(First { count }: First) -> Self {
            Self { user: None, count }
        }
    }

    #[derive(sessions::Session, Serialize, Deserialize)]
    #[session(crate = sessions, name = "X-V", transport = header)]
    struct InHeader;

    /// Where everything that is needed has the usual name.
    mod facade {
        pub(super) use sessions as sessions_actix;

        #[derive(sessions::Session, serde::Serialize, serde::Deserialize)]
        #[session(crate = super::facade::sessions_actix)]
        pub(super) struct Inside;
    }

    #[test]
    fn the_derive_works_through_a_renamed_crate_alone() {
        assert_eq!(First::SPEC.name, "V");
        assert_eq!(Second::previous().len(), 1);
        let user = Some("ann".to_owned());
        let second = Second {
            user,
            count: First { count: 1 }.count,
        };
        assert_eq!(second.principal(), Some(sessions::Principal::new("ann")));
        assert_eq!(Second::from(First { count: 1 }).count, second.count);
        assert_eq!(InHeader::SPEC.transport, sessions::Transport::Header);
        assert_eq!(facade::Inside::SPEC.name, "__Host-inside");
    }
}
