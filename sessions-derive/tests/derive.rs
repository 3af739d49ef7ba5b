//! What the derive makes of a data class.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};
use sessions_core::{
    CookieSpec, Principal, SameSite, Schema, SerializerError, Session, SessionSerializer, SessionSpec,
    Transport,
    serializer::{Bincode, Shape},
};
use sessions_derive::CoreSession;

/// The least that a serializer can be.
struct Nothing;

impl<T: Default> SessionSerializer<T> for Nothing {
    const FORMAT: &'static str = "nothing";

    fn shape() -> Shape {
        Shape::named("nothing")
    }

    fn serialize(_: &T, _: &mut Vec<u8>) -> Result<(), SerializerError> {
        Ok(())
    }

    fn deserialize(_: &[u8]) -> Result<T, SerializerError> {
        Ok(T::default())
    }
}

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 24 * 60 * 60)
}

fn cookie(spec: &SessionSpec) -> &CookieSpec {
    match &spec.transport {
        Transport::Cookie(cookie) => cookie,
        Transport::Header => panic!("the session is in a header"),
    }
}

#[derive(CoreSession, Default)]
#[session(serializer = Nothing)]
struct HTTPLogin;

#[test]
fn a_type_without_options_gets_the_defaults() {
    assert_eq!(HTTPLogin::SPEC, SessionSpec::new("__Host-http_login"));
    assert_eq!(HTTPLogin.principal(), None);
    assert!(HTTPLogin::previous().is_empty());
}

#[derive(CoreSession, Default)]
#[session(
    name = "__Secure-LOGIN",
    transport = cookie(
        path = "/shop",
        domain = "example.org",
        secure = true,
        http_only = false,
        same_site = none,
        partitioned = true,
    ),
    max_age = "30 days",
    serializer = Nothing,
    idle_timeout = "40 days",
    absolute_lifetime = "50 days",
    version = 3,
)]
struct Everything {}

#[test]
fn every_option_reaches_the_spec() {
    let expected = SessionSpec {
        name: Cow::Borrowed("__Secure-LOGIN"),
        transport: Transport::Cookie(CookieSpec {
            path: Cow::Borrowed("/shop"),
            domain: Some(Cow::Borrowed("example.org")),
            secure: true,
            http_only: false,
            same_site: SameSite::None,
            partitioned: true,
        }),
        idle_timeout: Some(days(40)),
        absolute_lifetime: Some(days(50)),
        max_age: Some(days(30)),
        version: 3,
    };
    assert_eq!(Everything::SPEC, expected);
    assert_eq!(expected.violations(), []);
}

#[derive(CoreSession, Default)]
#[session(name = "a", transport = cookie(secure = false, same_site = strict))]
#[session(serializer = Nothing)]
struct Split;

#[test]
fn options_may_stand_in_several_attributes() {
    assert_eq!(Split::SPEC.name, "a");
    assert!(!cookie(&Split::SPEC).secure);
    assert_eq!(cookie(&Split::SPEC).same_site, SameSite::Strict);
}

#[derive(CoreSession, Default)]
#[session(transport = cookie(partitioned, path = "/a"), serializer = Nothing)]
struct Flagged;

#[test]
fn a_bare_flag_is_on_and_a_path_changes_the_default_prefix() {
    assert!(cookie(&Flagged::SPEC).partitioned);
    assert_eq!(Flagged::SPEC.name, "__Secure-flagged");
}

#[derive(CoreSession, Default)]
#[session(transport = cookie, serializer = Nothing)]
struct PlainCookie;

#[derive(CoreSession, Default)]
#[session(name = "X-Cart", transport = header, idle_timeout = "1h", serializer = Nothing)]
struct Cart;

#[test]
fn a_transport_can_be_named_alone() {
    assert_eq!(cookie(&PlainCookie::SPEC), &CookieSpec::new());
    assert_eq!(Cart::SPEC.transport, Transport::Header);
    assert_eq!(Cart::SPEC.name, "X-Cart");
}

#[derive(CoreSession, Default)]
#[session(serializer = Nothing)]
struct r#Type {
    #[session(principal)]
    r#fn: Option<String>,
}

#[derive(CoreSession, Default)]
#[session(serializer = Nothing)]
struct Tuple(u8, #[session(principal)] u64);

#[test]
fn the_marked_field_names_the_principal() {
    assert_eq!(Type { r#fn: None }.principal(), None);
    assert_eq!(
        Type {
            r#fn: Some("ann".into())
        }
        .principal(),
        Some(Principal::new("ann"))
    );
    assert_eq!(Tuple(1, 7).principal(), Some(Principal::new("7")));
    assert_eq!(Type::SPEC.name, "__Host-type");
    assert_eq!(Tuple(0, 0).0, 0);
}

#[derive(CoreSession, Default)]
#[session(name = "V", serializer = Nothing)]
struct First;

#[derive(CoreSession, Default)]
#[session(name = "V", serializer = Nothing, version = 2, previous = First)]
struct Second;

#[derive(CoreSession, Default)]
#[session(name = "V", serializer = Nothing, version = 3, previous = Second)]
struct Third;

impl From<First> for Second {
    fn from(_: First) -> Self {
        Self
    }
}

impl From<Second> for Third {
    fn from(_: Second) -> Self {
        Self
    }
}

#[test]
fn older_versions_are_found_along_the_chain() {
    let versions: Vec<u32> = Third::previous()
        .iter()
        .map(|upgrade| upgrade.schema().version)
        .collect();
    assert_eq!(versions, [2, 1]);
}

mod renamed {
    pub(crate) mod facade {
        pub(crate) use sessions_core::*;
    }

    #[derive(sessions_derive::CoreSession, Default)]
    #[session(crate = self::facade, serializer = super::Nothing)]
    pub(crate) struct ByPath;

    #[derive(sessions_derive::CoreSession, Default)]
    #[session(crate = "crate::renamed::facade", serializer = super::Nothing)]
    pub(crate) struct ByString;

    #[derive(sessions_derive::Session, Default)]
    #[session(crate = ::sessions_core, serializer = super::Nothing)]
    pub(crate) struct OtherEntry;
}

#[test]
fn the_crate_can_go_by_another_path() {
    assert_eq!(renamed::ByPath::SPEC.name, "__Host-by_path");
    assert_eq!(renamed::ByString::SPEC.name, "__Host-by_string");
    assert_eq!(renamed::OtherEntry::SPEC.name, "__Host-other_entry");
}

macro_rules! session {
    ($type:ident, $name:literal, $serializer:ty, $principal:ty) => {
        #[derive(CoreSession, Default)]
        #[session(name = $name, serializer = $serializer)]
        struct $type(#[session(principal)] $principal);
    };
}
session!(FromMacro, "made", Nothing, u8);

#[test]
fn a_macro_can_write_the_type() {
    assert_eq!(FromMacro::SPEC.name, "made");
    assert_eq!(FromMacro(1).principal(), Some(Principal::new("1")));
}

/// Names that the generated code must not pick up, under lints that it must not break.
#[deny(warnings, unused_qualifications, missing_docs, unused)]
mod shadowed {
    #![allow(dead_code, non_camel_case_types, reason = "shadows are not for use")]

    use sessions_derive::CoreSession as Derive;

    struct Option;
    struct Vec;
    struct Cow;
    struct Some;
    struct None;
    struct Duration;
    struct Principal;
    struct SessionSpec;
    trait Session {}
    mod std {}
    mod core {}
    mod sessions_core {}

    /// A session.
    #[derive(Derive, Default)]
    #[session(version = 2, previous = Old, max_age = "1h", serializer = super::Nothing)]
    pub(crate) struct Shadowed {
        /// Whose.
        #[session(principal)]
        pub(crate) user: String,
    }

    impl Shadowed {
        const SPEC: u8 = 0;
        fn principal(&self) {}
        fn previous() {}
    }

    /// Another one.
    #[derive(Derive, Default)]
    #[session(serializer = super::Nothing)]
    pub(crate) struct Old;

    impl From<Old> for Shadowed {
        fn from(_: Old) -> Self {
            Self::default()
        }
    }

    trait To {
        fn to_principal(&self) {}
    }
    impl To for String {}
}

#[test]
fn names_in_scope_do_not_reach_the_generated_code() {
    use shadowed::Shadowed;
    assert_eq!(
        <Shadowed as Session>::SPEC.max_age,
        Some(Duration::from_secs(3600))
    );
    assert_eq!(
        <Shadowed as Session>::principal(&Shadowed { user: "ann".into() }),
        Some(Principal::new("ann"))
    );
    assert_eq!(<Shadowed as Session>::previous().len(), 1);
}

#[derive(CoreSession, Serialize, Deserialize, Debug, PartialEq)]
#[session(name = "N", max_age = "1 week")]
struct NumbersV1(u8, #[serde(skip)] u8);

#[derive(CoreSession, Serialize, Deserialize, Debug, PartialEq)]
#[session(name = "N", version = 2, previous = NumbersV1, serializer = sessions_core::serializer::Json)]
struct Numbers {
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u8>,
}

impl From<NumbersV1> for Numbers {
    fn from(old: NumbersV1) -> Self {
        Self { first: Some(old.0) }
    }
}

fn round_trip<T: Session>(value: &T) -> Result<T, SerializerError> {
    let mut bytes = Vec::new();
    T::Serializer::serialize(value, &mut bytes)?;
    T::Serializer::deserialize(&bytes)
}

#[test]
fn bincode_is_the_default_serializer_and_another_can_be_bound() {
    let _: fn(NumbersV1) -> <NumbersV1 as Session>::Serializer = |_| Bincode;
    assert_eq!(round_trip(&NumbersV1(7, 9)).unwrap(), NumbersV1(7, 0));
    assert_eq!(
        round_trip(&Numbers { first: None }).unwrap(),
        Numbers { first: None }
    );
    assert_eq!(Numbers::previous()[0].schema(), Schema::of::<NumbersV1>());
}
