//! What each attribute of serde does to a session, with both serializers: to its bytes, to its shape, to what is read
//! back, and what the derive says to it.
#![allow(dead_code, reason = "variants and fields that stand between others")]

use std::fmt::Debug;

use quote::quote;
use sessions_core::{
    SessionSerializer,
    serializer::{Bincode, Json},
};
use syn::{Data, DeriveInput, parse_quote};

use super::expand;

/// What a serializer makes of a type with an attribute, beside the same type without it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// `same` or `other` bytes for the same value.
    bytes: &'static str,
    /// `same` or `other` shape, which is what the fingerprint is made of.
    shape: &'static str,
    /// `back`, `changed` into another value, `lost` (not read back), or `unwritten`.
    value: &'static str,
    /// `taken` or `refused` by the derive; `unseen` where the attribute is on a type inside the session.
    derive: &'static str,
}

fn seen<S, P, A>(plain: &P, with: &A, mut input: DeriveInput) -> Seen
where
    S: SessionSerializer<P> + SessionSerializer<A>,
    A: Debug + PartialEq,
{
    let (mut before, mut after) = (Vec::new(), Vec::new());
    S::serialize(plain, &mut before).unwrap();
    let written = S::serialize(with, &mut after);
    let same = |same: bool| if same { "same" } else { "other" };
    let value = match (written, <S as SessionSerializer<A>>::deserialize(&after)) {
        (Err(_), _) => "unwritten",
        (Ok(()), Err(_)) => "lost",
        (Ok(()), Ok(read)) if read == *with => "back",
        (Ok(()), Ok(_)) => "changed",
    };
    if <S as SessionSerializer<A>>::SELF_DESCRIBING {
        input.attrs.push(parse_quote!(#[session(serializer = Json)]));
    }
    let derive = match &input.data {
        Data::Struct(_) if expand(&input).0 > 0 => "refused",
        Data::Struct(_) => "taken",
        _ => "unseen",
    };
    Seen {
        bytes: same(before == after),
        shape: same(<S as SessionSerializer<P>>::shape() == <S as SessionSerializer<A>>::shape()),
        value,
        derive,
    }
}

/// Each row: the type without and with the attribute, a value of both, and what is seen of it.
macro_rules! table {
    ($($row:ident {
        $(around { $($around:item)* })?
        without { $($plain:tt)* }
        with { $($with:tt)* }
        value { $value:expr }
        bincode { $($bincode:ident)* }
        json { $($json:ident)* }
    })*) => {
        $(mod $row {
            mod plain {
                #[allow(unused_imports, reason = "not every row needs them")]
                use super::super::helpers::*;
                $($(#[allow(unused)] $around)*)?
                #[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq)]
                $($plain)*
                pub(super) fn value() -> S { $value }
            }
            mod with {
                #[allow(unused_imports, reason = "not every row needs them")]
                use super::super::helpers::*;
                $($(#[allow(unused)] $around)*)?
                #[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq)]
                $($with)*
                pub(super) fn value() -> S { $value }
                pub(super) fn input() -> syn::DeriveInput { syn::parse_quote!($($with)*) }
            }
            pub(super) fn rows() -> [super::Row; 2] {
                let (plain, with) = (plain::value(), with::value());
                [
                    super::Row {
                        name: concat!(stringify!($row), " in bincode"),
                        seen: super::seen::<super::Bincode, _, _>(&plain, &with, with::input()),
                        expected: [$(stringify!($bincode)),*],
                    },
                    super::Row {
                        name: concat!(stringify!($row), " in JSON"),
                        seen: super::seen::<super::Json, _, _>(&plain, &with, with::input()),
                        expected: [$(stringify!($json)),*],
                    },
                ]
            }
        })*

        pub(super) fn rows() -> Vec<Row> {
            [$($row::rows()),*].into_iter().flatten().collect()
        }
    };
}

// After the macro, which it uses.
mod rows;
use rows::rows;

struct Row {
    name: &'static str,
    seen: Seen,
    expected: [&'static str; 4],
}

/// What rows name.
mod helpers {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    pub(super) struct Inner {
        pub(super) x: u8,
        pub(super) y: u8,
    }

    pub(super) fn is_zero(n: &u8) -> bool {
        *n == 0
    }

    /// Numbers as text, both ways.
    pub(super) mod text {
        use super::*;

        pub(in super::super) fn serialize<S: Serializer>(n: &u8, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(n)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<u8, D::Error> {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        }
    }

    /// Writes text and reads a list: the halves disagree.
    pub(super) mod halves {
        use super::*;

        pub(in super::super) use super::text::serialize;

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<u8, D::Error> {
            Ok(Vec::<u64>::deserialize(deserializer)?
                .len()
                .try_into()
                .unwrap_or(0))
        }
    }
}

#[test]
fn every_attribute_does_to_bytes_shape_and_value_what_the_table_says() {
    let mut wrong = Vec::new();
    for Row { name, seen, expected } in rows() {
        let seen = [seen.bytes, seen.shape, seen.value, seen.derive];
        if seen != expected {
            wrong.push(format!("{name}: {}, not {}", seen.join(" "), expected.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The shape is traced through `Deserialize`, which sees nothing of what is only written. Whoever changes one of these
/// changes the version too; bincode has none of them that is also read back.
const ONLY_WRITTEN: [&str; 4] = [
    "tag_of_a_struct in JSON",
    "skip_serializing_with_a_default in JSON",
    "skip_serializing_of_an_option in JSON",
    "skip_serializing_if_with_a_default in JSON",
];

#[test]
fn other_bytes_that_are_read_back_are_of_another_shape() {
    for Row { name, seen, .. } in rows() {
        let told = seen.bytes == "same" || seen.shape == "other";
        let only_written = ONLY_WRITTEN.contains(&name);
        assert!(seen.value != "back" || told != only_written, "{name}: {seen:?}");
    }
}

#[test]
fn what_is_read_back_is_not_refused() {
    for Row { name, seen, .. } in rows() {
        assert!(
            seen.value != "back" || seen.derive != "refused",
            "{name}: {seen:?}"
        );
    }
}

#[test]
fn json_reads_elements_without_names_by_their_position() {
    for (errors, fields) in [
        (
            1,
            quote!(
                #[serde(skip_serializing)]
                u8,
                u8
            ),
        ),
        (
            1,
            quote!(
                #[serde(default, skip_deserializing)]
                u8,
                u8
            ),
        ),
        (
            1,
            quote!(
                #[serde(default, skip_serializing_if = "is_zero")]
                u8,
                u8
            ),
        ),
        (
            1,
            quote!(
                u8,
                #[serde(skip_serializing_if = "is_zero")]
                u8
            ),
        ),
        (
            0,
            quote!(
                u8,
                #[serde(default, skip_serializing_if = "is_zero")]
                u8
            ),
        ),
        (
            0,
            quote!(
                #[serde(skip_serializing, skip_deserializing)]
                u8,
                #[serde(skip)]
                u8
            ),
        ),
    ] {
        let (found, tokens) = expand(&parse_quote!(#[session(serializer = Json)] struct S(#fields);));
        assert_eq!(found, errors, "{tokens}");
    }
}

#[test]
fn json_takes_what_is_read_in_another_way() {
    for fields in [
        quote!(#[serde(rename(serialize = "b", deserialize = "b"))] a: u8),
        quote!(#[serde(rename(deserialize = "a"))] a: u8),
        quote!(#[serde(skip_serializing, rename(serialize = "b"), default)] a: u8),
        quote!(#[serde(flatten, skip_serializing_if = "Map::is_empty")] a: Map),
        quote!(#[serde(skip_serializing_if = "Option::is_none")] a: core::option::Option<u8>),
        quote!(#[serde(what, is = 5, (this))] a: u8),
    ] {
        let (found, tokens) = expand(&parse_quote!(#[session(serializer = Json)] struct S { #fields }));
        assert_eq!(found, 0, "{tokens}");
    }
    let converted = parse_quote! {
        #[session(serializer = Json)]
        #[serde(from = "Raw", into = "Raw")]
        struct S { #[serde(skip_serializing)] a: u8 }
    };
    assert_eq!(expand(&converted).0, 0);
}

#[test]
fn json_refuses_what_is_read_by_a_function_that_a_missing_field_does_not_reach() {
    let (found, tokens) = expand(&parse_quote! {
        #[session(serializer = Json)]
        struct S {
            #[serde(with = "text", skip_serializing_if = "Option::is_none")]
            a: Option<u8>,
        }
    });
    assert_eq!(found, 1, "{tokens}");
}
