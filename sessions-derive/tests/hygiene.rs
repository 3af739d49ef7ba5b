//! The derive in surroundings that mean harm, and under every lint that users may have set.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(clippy::redundant_pub_crate, reason = "`unreachable_pub` wants the opposite")]

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessions_core::{
    Principal, SameSite, SerializerError, Session, SessionSerializer, Transport,
    serializer::{Json, Shape},
};
use sessions_derive::CoreSession;

/// Serde's own derives do not survive the worst of it.
enum Nothing {}

impl<T> SessionSerializer<T> for Nothing {
    const FORMAT: &'static str = "nothing";

    fn shape() -> Shape {
        Shape::named("nothing")
    }

    fn serialize(_: &T, _: &mut Vec<u8>) -> Result<(), SerializerError> {
        Ok(())
    }

    fn deserialize(_: &[u8]) -> Result<T, SerializerError> {
        Err(SerializerError::new("nothing"))
    }
}

/// Nothing of the standard library has its usual meaning, nor have the primitive types.
mod shadowed {
    #![allow(
        dead_code,
        non_camel_case_types,
        unused_macros,
        reason = "shadows are not for use"
    )]

    macro_rules! shadows {
        ($($name:ident)*) => {
            $(#[derive(Debug)] pub(crate) struct $name;)*
        };
    }
    // Types and values: the name of a unit struct is both.
    shadows! {
        Option Some None Result Ok Err Vec Box String ToString ToOwned From Into TryFrom TryInto Default Clone Copy
        Send Sync Sized Drop Fn FnMut FnOnce Iterator IntoIterator Extend AsRef AsMut Eq Ord Cow Borrowed Duration
        Self_ Principal ToPrincipal SessionSpec CookieSpec Transport SameSite Session Upgrade Bincode Json Cookie Header
        bool char str u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64
    }
    mod std {}
    mod core {}
    mod alloc {}
    mod serde {}
    mod sessions_core {}
    mod sessions_derive {}
    mod sessions_actix {}
    mod export {}

    macro_rules! vec {
        ($($t:tt)*) => {
            compile_error!("shadowed")
        };
    }
    macro_rules! concat {
        ($($t:tt)*) => {
            compile_error!("shadowed")
        };
    }
    macro_rules! stringify {
        ($($t:tt)*) => {
            compile_error!("shadowed")
        };
    }
    macro_rules! format {
        ($($t:tt)*) => {
            compile_error!("shadowed")
        };
    }
    macro_rules! panic {
        ($($t:tt)*) => {
            compile_error!("shadowed")
        };
    }

    /// A session with all that the derive can write.
    #[derive(::sessions_derive::CoreSession)]
    #[session(
        name = "S",
        transport = cookie(domain = "example.org", same_site = none, partitioned),
        max_age = "1h",
        absolute_lifetime = "2 days",
        idle_timeout = "90m",
        version = 2,
        previous = Older,
        serializer = super::Nothing
    )]
    pub(crate) struct Full {
        /// Whose.
        #[session(principal)]
        pub(crate) user: ::std::option::Option<::std::string::String>,
    }

    /// What it was.
    #[derive(::sessions_derive::CoreSession)]
    #[session(name = "S", transport = header, serializer = super::Nothing)]
    pub(crate) struct Older {}

    impl ::std::convert::From<Older> for Full {
        fn from(_: Older) -> Self {
            Self {
                user: ::std::option::Option::None,
            }
        }
    }

    /// Traits whose methods and constants have the names of those that the derive calls and makes.
    pub(crate) trait Methods {
        const SPEC: () = ();
        fn principal(&self) {}
        fn previous() {}
        fn to_principal(&self) {}
        fn from_secs(_: &Self) {}
        fn chain() {}
    }
    impl<T> Methods for T {}
}

#[test]
fn no_name_in_scope_reaches_the_generated_code() {
    use shadowed::Full;
    let spec = <Full as Session>::SPEC;
    assert_eq!(spec.max_age, Some(Duration::from_secs(3600)));
    assert_eq!(<Full as Session>::previous().len(), 1);
    let full = Full {
        user: Some("ann".to_owned()),
    };
    assert_eq!(Session::principal(&full), Some(Principal::new("ann")));
}

/// The derive where not even the prelude is there.
#[allow(clippy::unused_unit, reason = "none is written")]
mod without_prelude {
    #![no_implicit_prelude]

    /// A session.
    #[derive(::sessions_derive::CoreSession, ::serde::Serialize, ::serde::Deserialize)]
    #[session(name = "S", version = 2, previous = Older, max_age = "1h", transport = cookie(domain = "example.org"))]
    pub(crate) struct Alone {
        /// Whose.
        #[session(principal)]
        pub(crate) user: ::std::option::Option<u64>,
    }

    /// Another one.
    #[derive(::sessions_derive::CoreSession, ::serde::Serialize, ::serde::Deserialize)]
    #[session(name = "S")]
    pub(crate) struct Older(u8);

    impl ::std::convert::From<Older> for Alone {
        fn from(older: Older) -> Self {
            Self {
                user: ::std::option::Option::Some(::std::convert::Into::into(older.0)),
            }
        }
    }
}

#[test]
fn no_prelude_is_needed() {
    let alone = without_prelude::Alone { user: Some(7) };
    assert_eq!(alone.principal(), Some(Principal::new("7")));
    assert_eq!(without_prelude::Alone::SPEC.name, "S");
}

/// What a macro was given comes in groups without delimiters.
macro_rules! session {
    (
        $(#[$attribute:meta])*
        $visibility:vis $name:ident: $cookie:expr, $age:literal, $secure:literal, $site:ident, $version:literal,
        $previous:ty, $serializer:path, $crate_path:path, $field:ident: $principal:ty
    ) => {
        $(#[$attribute])*
        #[derive(CoreSession, Serialize, Deserialize, Debug)]
        #[session(
            name = $cookie,
            max_age = $age,
            transport = cookie(secure = $secure, same_site = $site),
            version = $version,
            previous = $previous,
            serializer = $serializer,
            crate = $crate_path
        )]
        $visibility struct $name {
            #[session(principal)]
            $field: $principal,
        }
    };
}

session! {
    /// Made by a macro.
    pub(crate) Made: "MADE", "1 day", false, strict, 2, Before, ::sessions_core::serializer::Json, ::sessions_core,
    user: Option<String>
}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name = "MADE", serializer = Json)]
struct Before;

impl From<Before> for Made {
    fn from(Before: Before) -> Self {
        Self { user: None }
    }
}

#[test]
fn a_macro_passes_every_kind_of_value_on() {
    let spec = Made::SPEC;
    assert_eq!((&*spec.name, spec.version), ("MADE", 2));
    assert_eq!(spec.max_age, Some(Duration::from_secs(24 * 60 * 60)));
    let Transport::Cookie(cookie) = spec.transport else {
        panic!("the session is in a header");
    };
    assert_eq!((cookie.secure, cookie.same_site), (false, SameSite::Strict));
    let user = Some("ann".to_owned());
    assert_eq!(Made { user }.principal(), Some(Principal::new("ann")));
    assert_eq!(Made::previous().len(), 1);
}

#[derive(CoreSession, Serialize, Deserialize, Default)]
#[cfg_attr(all(), session(name = "ON", max_age = "1h"))]
#[cfg_attr(any(), session(name = "OFF"))]
struct Conditional {
    #[cfg(any())]
    #[session(principal)]
    gone: NoSuchType,
    #[cfg_attr(all(), session(principal))]
    user: u8,
    #[cfg_attr(any(), session(principal))]
    other: u8,
}

#[test]
fn what_is_configured_out_is_not_there() {
    assert_eq!(Conditional::SPEC.name, "ON");
    let conditional = Conditional { user: 1, other: 2 };
    assert_eq!(conditional.principal(), Some(Principal::new("1")));
    assert_eq!(conditional.other, 2);
}

/// A type that nobody should use any more.
#[deprecated = "use another one"]
#[allow(deprecated, reason = "the derives of serde name it")]
mod deprecated {
    use super::{CoreSession, Deserialize, Serialize};

    /// Its fields, too.
    #[derive(CoreSession, Serialize, Deserialize, Default)]
    #[session(name = "OLD")]
    pub(crate) struct Deprecated {
        /// Whose.
        #[deprecated]
        #[session(principal)]
        pub(crate) user: u8,
    }
}

#[derive(CoreSession, Serialize, Deserialize, Default)]
#[session(name = "BOUND")]
struct Bounded
where
    String: Clone,
    Self: Sized,
{
    #[doc = "Whose."]
    #[session(principal)]
    #[serde(rename = "r#type")]
    r#type: u8,
}

#[derive(CoreSession, Serialize, Deserialize, Default)]
#[session(name = "loud", transport = header)]
#[allow(non_camel_case_types, non_snake_case, reason = "users may have their reasons")]
struct loud_Name {
    #[session(principal)]
    USER: u8,
}

#[derive(CoreSession, Serialize, Deserialize, Default)]
struct Newtype(#[session(principal)] Option<u8>);

#[derive(CoreSession, Serialize, Deserialize, Default)]
struct Unit;

#[test]
#[allow(deprecated, reason = "they still have to work")]
fn every_shape_of_a_struct_can_be_a_session() {
    assert_eq!(
        deprecated::Deprecated { user: 1 }.principal(),
        Some(Principal::new("1"))
    );
    assert_eq!(Bounded { r#type: 2 }.principal(), Some(Principal::new("2")));
    assert_eq!(loud_Name { USER: 3 }.principal(), Some(Principal::new("3")));
    assert_eq!(Newtype(None).principal(), None);
    assert_eq!(Unit.principal(), None);
    assert_eq!(Unit::SPEC.name, "__Host-unit");
}

#[test]
fn a_type_may_stand_in_a_function_and_use_what_is_there() {
    struct Whose;
    impl sessions_core::ToPrincipal for Whose {
        fn to_principal(&self) -> Option<Principal> {
            Some(Principal::new("inner"))
        }
    }
    #[derive(CoreSession, Serialize, Deserialize)]
    struct Local {
        #[serde(skip, default = "whose")]
        #[session(principal)]
        who: Whose,
    }
    const fn whose() -> Whose {
        Whose
    }
    assert_eq!(Local { who: whose() }.principal(), Some(Principal::new("inner")));
    {
        #[derive(CoreSession, Serialize, Deserialize)]
        struct Local;
        assert_eq!(Local::SPEC.name, "__Host-local");
        assert_eq!(Local.principal(), None);
    }
}
