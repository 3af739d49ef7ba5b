//! What changes a schema's fingerprint, and what must not.
#![allow(clippy::use_self, reason = "recursive types say what they contain")]

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use sessions_core::{
    Schema, Session, SessionSpec,
    serializer::{Bincode, Json, Shape},
};

/// Declares types that differ in all but their module, since the names of types matter as little as can be.
macro_rules! module {
    ($($name:ident { $($item:item)* })*) => {
        $(mod $name {
            #![allow(unused_imports, dead_code, unreachable_pub)]
            use super::*;
            $(#[derive(Serialize, Deserialize)] $item)*
        })*
    };
}

fn text<T: DeserializeOwned>() -> String {
    String::from_utf8_lossy(Shape::of::<T>().as_bytes()).replace('\0', "")
}

#[track_caller]
fn same<A: DeserializeOwned, B: DeserializeOwned>() {
    assert_eq!(text::<A>(), text::<B>());
    assert_eq!(Shape::of_human_readable::<A>(), Shape::of_human_readable::<B>());
}

#[track_caller]
fn differ<A: DeserializeOwned, B: DeserializeOwned>() {
    assert_ne!(text::<A>(), text::<B>());
    assert_ne!(Shape::of_human_readable::<A>(), Shape::of_human_readable::<B>());
}

/// The whole of it was seen: no type's name stands in.
#[track_caller]
fn seen_through<T: DeserializeOwned>() {
    for shape in [Shape::of::<T>(), Shape::of_human_readable::<T>()] {
        let text = String::from_utf8_lossy(shape.as_bytes()).replace('\0', "");
        assert!(!text.contains("named") && !text.contains("unseen"), "{text}");
    }
}

module! {
    base { pub struct Login { pub user: u64, pub right: Right } pub struct Right { pub admin: bool, pub n: u8 } }
    renamed_types { pub struct Visit { pub user: u64, pub right: Power } pub struct Power { pub admin: bool, pub n: u8 } }
    field_name { pub struct Login { pub id: u64, pub right: Right } pub struct Right { pub admin: bool, pub n: u8 } }
    field_type { pub struct Login { pub user: u32, pub right: Right } pub struct Right { pub admin: bool, pub n: u8 } }
    field_order { pub struct Login { pub right: Right, pub user: u64 } pub struct Right { pub admin: bool, pub n: u8 } }
    nested_order { pub struct Login { pub user: u64, pub right: Right } pub struct Right { pub n: u8, pub admin: bool } }
    nested_more {
        pub struct Login { pub user: u64, pub right: Right }
        pub struct Right { pub admin: bool, pub n: u8, pub m: u8 }
    }
}

#[test]
fn type_names_do_not_matter() {
    same::<base::Login, renamed_types::Visit>();
    seen_through::<base::Login>();
}

#[test]
fn names_types_and_order_of_fields_matter() {
    differ::<base::Login, field_name::Login>();
    differ::<base::Login, field_type::Login>();
    differ::<base::Login, field_order::Login>();
}

#[test]
fn fields_of_nested_structs_matter() {
    differ::<base::Login, nested_order::Login>();
    differ::<base::Login, nested_more::Login>();
    differ::<Vec<Option<base::Right>>, Vec<Option<nested_order::Right>>>();
    differ::<HashMap<String, base::Right>, HashMap<String, nested_order::Right>>();
}

module! {
    variants { pub enum State { Guest, Member(u8), Admin { level: u16, by: Option<String> }, Pair(u8, String) } }
    variants_swapped { pub enum State { Member(u8), Guest, Admin { level: u16, by: Option<String> }, Pair(u8, String) } }
    variant_renamed { pub enum State { Visitor, Member(u8), Admin { level: u16, by: Option<String> }, Pair(u8, String) } }
    variant_payload { pub enum State { Guest, Member(u16), Admin { level: u16, by: Option<String> }, Pair(u8, String) } }
    variant_field { pub enum State { Guest, Member(u8), Admin { by: Option<String>, level: u16 }, Pair(u8, String) } }
    variant_tuple { pub enum State { Guest, Member(u8), Admin { level: u16, by: Option<String> }, Pair(String, u8) } }
}

#[test]
fn variants_of_enums_matter() {
    seen_through::<variants::State>();
    differ::<variants::State, variants_swapped::State>();
    differ::<variants::State, variant_renamed::State>();
    differ::<variants::State, variant_payload::State>();
    differ::<variants::State, variant_field::State>();
    differ::<variants::State, variant_tuple::State>();
    differ::<Vec<(u8, variants::State)>, Vec<(u8, variants_swapped::State)>>();
}

#[test]
fn payloads_of_late_variants_in_several_enums_matter() {
    module! {
        a { pub struct S { x: E, y: E, z: Option<E> } pub enum E { A, B, C(D) } pub enum D { A, B(Option<Vec<u8>>) } }
        b { pub struct S { x: E, y: E, z: Option<E> } pub enum E { A, B, C(D) } pub enum D { A, B(Option<Vec<u16>>) } }
    }
    seen_through::<a::S>();
    differ::<a::S, b::S>();
}

fn schema<T: Session>() -> Schema {
    Schema::of::<T>()
}

macro_rules! session {
    ($type:ty, $serializer:ty, $version:literal) => {
        impl Session for $type {
            const SPEC: SessionSpec = {
                let mut spec = SessionSpec::new("cart");
                spec.version = $version;
                spec
            };
            type Serializer = $serializer;
        }
    };
}

#[test]
fn version_and_serializer_matter_and_the_session_types_own_name_does_not() {
    module! {
        first { pub struct Cart { pub items: Vec<u64> } }
        renamed { pub struct CartV1 { pub items: Vec<u64> } }
        second { pub struct Cart { pub items: Vec<u64> } }
        json { pub struct Cart { pub items: Vec<u64> } }
    }
    session!(first::Cart, Bincode, 1);
    session!(renamed::CartV1, Bincode, 1);
    session!(second::Cart, Bincode, 2);
    session!(json::Cart, Json, 1);
    let first = schema::<first::Cart>();
    assert_eq!(first, schema::<renamed::CartV1>());
    assert_eq!(schema::<second::Cart>().version, 2);
    assert_ne!(first.fingerprint, schema::<second::Cart>().fingerprint);
    assert_ne!(first.fingerprint, schema::<json::Cart>().fingerprint);
}

#[test]
fn a_fingerprint_is_the_same_on_every_machine() {
    module! { cart { pub struct Cart { pub user: u64, pub state: variants::State, pub ip: IpAddr } } }
    session!(cart::Cart, Bincode, 1);
    assert_eq!(
        format!("{:?}", schema::<cart::Cart>().fingerprint),
        "d82595ff995209c8bdde919e802fbbeb"
    );
}

#[test]
fn types_that_refuse_most_values_are_seen_through() {
    #[derive(Deserialize)]
    struct Refusing {
        _id: uuid::Uuid,
        _count: NonZeroU32,
        _address: IpAddr,
        _socket: SocketAddr,
        _at: SystemTime,
        _lasts: Duration,
        _letter: char,
        _home: PathBuf,
        _pair: (u8, String),
        _key: [u8; 32],
        _twice: Option<Option<u8>>,
        _unit: (),
        _map: BTreeMap<String, HashSet<u8>>,
        _queue: VecDeque<Box<str>>,
        _result: Result<u8, String>,
        _last: u8,
    }
    seen_through::<Refusing>();
    assert!(text::<Refusing>().contains("_last"));
}

#[test]
fn option_depth_and_kinds_of_numbers_matter() {
    differ::<Option<u8>, Option<Option<u8>>>();
    differ::<(u8, i8), (i8, u8)>();
    differ::<(u8,), (u8, u8)>();
    differ::<f32, f64>();
    differ::<u64, u128>();
    differ::<char, String>();
    differ::<Vec<String>, HashMap<String, String>>();
    differ::<[u8; 3], [u8; 4]>();
    same::<Vec<u8>, VecDeque<u8>>();
    assert_ne!(Shape::of::<IpAddr>(), Shape::of_human_readable::<IpAddr>());
}

module! {
    inner { pub struct Item { pub a: u8 } }
    outer { pub struct Item { pub inner: Option<inner::Item>, pub b: u8 } }
    other { pub struct Item { pub inner: Option<inner::Item>, pub b: u16 } }
}

#[test]
fn two_nested_types_of_one_name_are_told_apart() {
    seen_through::<outer::Item>();
    assert!(!text::<outer::Item>().contains("back"));
    differ::<outer::Item, other::Item>();
}

module! {
    recursive {
        pub struct Node { pub children: Vec<Self>, pub next: Option<Box<Node>>, pub kind: Kind, pub n: NonZeroU32 }
        pub enum Kind { Pair(Box<Kind>, u8), Many(Vec<Node>), Leaf(u64) }
        pub struct Tree(pub Vec<Tree>);
    }
    recursive_too {
        pub struct Node { pub children: Vec<Self>, pub next: Option<Box<Node>>, pub kind: Kind, pub n: NonZeroU32 }
        pub enum Kind { Pair(Box<Kind>, u16), Many(Vec<Node>), Leaf(u64) }
    }
}

#[test]
fn recursive_types_end() {
    seen_through::<recursive::Node>();
    seen_through::<recursive::Tree>();
    differ::<recursive::Node, recursive_too::Node>();
    differ::<recursive::Kind, recursive_too::Kind>();
}

#[test]
#[allow(dead_code)]
fn types_without_a_value_end() {
    #[derive(Deserialize)]
    struct Endless {
        me: Box<Endless>,
        n: u8,
    }
    #[derive(Deserialize)]
    enum Never {}
    #[derive(Deserialize)]
    enum Both {
        A(Box<Both>, Box<Both>),
        B(Box<Both>),
    }
    #[derive(Deserialize)]
    struct EndlessToo {
        me: Box<EndlessToo>,
        n: u8,
    }
    assert!(text::<Endless>().contains("u8"));
    same::<Endless, EndlessToo>();
    differ::<Never, Both>();
}

/// Takes no made-up value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Picky;

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "open sesame" => Ok(Self),
            _ => Err(serde::de::Error::custom("not the word")),
        }
    }
}

#[test]
#[allow(dead_code)]
fn a_type_that_takes_nothing_goes_by_name_and_hides_no_sibling() {
    #[derive(Deserialize)]
    struct A {
        before: u8,
        picky: Picky,
        after: B,
        list: Vec<Picky>,
        maybe: Option<Picky>,
        choice: C,
    }
    #[derive(Deserialize)]
    struct B {
        deep: Picky,
        late: i16,
    }
    #[derive(Deserialize)]
    enum C {
        Bad(Picky),
        Good(i32),
    }
    let text = text::<A>();
    for part in [
        "before", "Picky", "after", "late", "i16", "seq", "option", "Good", "i32",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("::A"), "{text}");
    differ::<Vec<(Picky, u8)>, Vec<(Picky, u16)>>();
}

#[test]
#[allow(dead_code)]
fn a_session_types_own_name_does_not_stand_in_either() {
    #[derive(Deserialize)]
    struct Login {
        key: Key,
        others: BTreeMap<Picky, Login>,
        last: (Picky, Option<Box<Login>>),
    }
    #[derive(Deserialize)]
    struct LoginV1 {
        key: Key,
        others: BTreeMap<Picky, LoginV1>,
        last: (Picky, Option<Box<LoginV1>>),
    }
    #[derive(Deserialize)]
    struct Key(Picky);
    same::<Login, LoginV1>();
}

#[test]
#[allow(dead_code)]
fn a_conversion_that_refuses_some_values_hides_nothing() {
    #[derive(Deserialize)]
    #[serde(try_from = "u32")]
    struct Port;
    impl TryFrom<u32> for Port {
        type Error = String;
        fn try_from(port: u32) -> Result<Self, String> {
            if port >= 100 {
                Ok(Self)
            } else {
                Err("too low".to_owned())
            }
        }
    }
    #[derive(Deserialize)]
    #[serde(try_from = "(u8, Option<String>, Vec<u8>)")]
    struct Filled;
    impl TryFrom<(u8, Option<String>, Vec<u8>)> for Filled {
        type Error = String;
        fn try_from(parts: (u8, Option<String>, Vec<u8>)) -> Result<Self, String> {
            if parts.0 > 0 && parts.1.is_some_and(|text| !text.is_empty()) && parts.2.len() == 1 {
                Ok(Self)
            } else {
                Err("empty".to_owned())
            }
        }
    }
    #[derive(Deserialize)]
    struct Outer {
        port: Port,
        filled: Filled,
        last: i64,
    }
    seen_through::<Outer>();
    assert!(text::<Outer>().contains("i64"));
}

module! {
    plain { pub struct S { pub a_b: u8, pub c: u8 } }
    renamed { pub struct S { #[serde(rename = "x")] pub a_b: u8, pub c: u8 } }
    camel { #[serde(rename_all = "camelCase")] pub struct S { pub a_b: u8, pub c: u8 } }
    skipped { pub struct S { pub a_b: u8, #[serde(skip)] pub c: u8 } }
    shorter { pub struct S { pub a_b: u8 } }
    defaulted { pub struct S { #[serde(default)] pub a_b: u8, #[serde(default)] pub c: u8 } }
    aliased { pub struct S { #[serde(alias = "old")] pub a_b: u8, pub c: u8 } }
    aliased_before { pub struct S { #[serde(alias = "a", alias = "z")] pub a_b: u8, pub c: u8 } }
    renamed_from { pub struct S { #[serde(rename = "x", alias = "a_b")] pub a_b: u8, pub c: u8 } }
    bare { pub struct S { pub id: u8 } }
    wrapped { pub struct S { pub id: Id } #[serde(transparent)] pub struct Id(u8); }
    strict { #[serde(deny_unknown_fields)] pub struct S { pub a_b: u8, pub c: u8 } }
}

#[test]
fn serde_attributes_count_by_what_they_do_to_the_bytes() {
    differ::<plain::S, renamed::S>();
    differ::<plain::S, camel::S>();
    differ::<plain::S, skipped::S>();
    same::<shorter::S, skipped::S>();
    same::<plain::S, defaulted::S>();
    same::<plain::S, aliased::S>();
    same::<plain::S, aliased_before::S>();
    same::<renamed::S, renamed_from::S>();
    same::<plain::S, strict::S>();
    same::<bare::S, wrapped::S>();
}

#[test]
#[allow(dead_code)]
fn what_has_no_fixed_shape_goes_by_name() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        A { n: u8 },
    }
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        A { n: u8 },
    }
    #[derive(Deserialize)]
    struct Flat {
        a: u8,
        #[serde(flatten)]
        rest: base::Right,
    }
    #[derive(Deserialize)]
    struct All {
        untagged: Untagged,
        tagged: Tagged,
        flat: Flat,
        last: i16,
    }
    let text = text::<All>();
    for part in ["::Untagged", "::Tagged", "::Flat", "last", "i16"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("private"), "{text}");
    assert!(!text.contains("::All"), "{text}");
}

#[test]
fn wide_nested_enums_stay_within_bounds() {
    macro_rules! wide {
        ($name:ident, $next:ty) => {
            #[derive(Deserialize)]
            #[allow(dead_code)]
            enum $name {
                A($next, $next),
                B($next, $next),
                C($next, $next),
                D($next, $next),
                E($next, $next),
                F($next, $next),
                G($next, $next),
                H { x: $next, y: $next },
            }
        };
    }
    wide!(E1, u8);
    wide!(E2, E1);
    wide!(E3, E2);
    wide!(E4, E3);
    wide!(E5, E4);
    wide!(E6, E5);
    wide!(E7, E6);
    seen_through::<E3>();
    assert_eq!(text::<E7>(), text::<E7>());
}
