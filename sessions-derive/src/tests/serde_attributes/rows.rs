//! The table itself.

use super::{Bincode, Json, Row, helpers, seen};

table! {
    rename_of_a_field {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(rename = "x")] a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { same other back taken }
        json { other other back taken }
    }
    rename_of_the_type {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { #[serde(rename = "T")] pub(super) struct S { a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { same same back taken }
        json { same same back taken }
    }
    rename_one_way {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(rename(serialize = "x"))] a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { same same back taken }
        json { other same lost refused }
    }
    rename_two_ways {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(rename(serialize = "x", deserialize = "y"))] a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { same other back taken }
        json { other other lost refused }
    }
    rename_two_ways_with_a_default {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(default, rename(serialize = "x", deserialize = "y"))] a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { same other back taken }
        json { other other changed refused }
    }
    rename_two_ways_with_an_alias {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(rename(serialize = "x", deserialize = "y"), alias = "x")] a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { same other back taken }
        json { other other back taken }
    }
    rename_all_of_a_struct {
        without { pub(super) struct S { one_two: u8 } }
        with { #[serde(rename_all = "camelCase")] pub(super) struct S { one_two: u8 } }
        value { S { one_two: 1 } }
        bincode { same other back taken }
        json { other other back taken }
    }
    rename_all_one_way {
        without { pub(super) struct S { one_two: u8 } }
        with { #[serde(rename_all(serialize = "camelCase"))] pub(super) struct S { one_two: u8 } }
        value { S { one_two: 1 } }
        bincode { same same back taken }
        json { other same lost refused }
    }
    rename_all_of_an_enum {
        without { pub(super) enum S { OneTwo } }
        with { #[serde(rename_all = "camelCase")] pub(super) enum S { OneTwo } }
        value { S::OneTwo }
        bincode { same other back unseen }
        json { other other back unseen }
    }
    rename_all_fields_of_an_enum {
        without { pub(super) enum S { A { one_two: u8 } } }
        with { #[serde(rename_all_fields = "camelCase")] pub(super) enum S { A { one_two: u8 } } }
        value { S::A { one_two: 1 } }
        bincode { same other back unseen }
        json { other other back unseen }
    }
    rename_all_of_a_variant {
        without { pub(super) enum S { A { one_two: u8 } } }
        with { pub(super) enum S { #[serde(rename_all = "camelCase")] A { one_two: u8 } } }
        value { S::A { one_two: 1 } }
        bincode { same other back unseen }
        json { other other back unseen }
    }
    rename_of_a_variant {
        without { pub(super) enum S { A, B } }
        with { pub(super) enum S { A, #[serde(rename = "x")] B } }
        value { S::B }
        bincode { same other back unseen }
        json { other other back unseen }
    }
    alias_after_the_name {
        without { pub(super) struct S { b: u8, c: u8 } }
        with { pub(super) struct S { #[serde(alias = "z")] b: u8, c: u8 } }
        value { S { b: 1, c: 2 } }
        bincode { same same back taken }
        json { same same back taken }
    }
    alias_before_the_name {
        without { pub(super) struct S { b: u8, c: u8 } }
        with { pub(super) struct S { #[serde(alias = "a", alias = "z", alias = "A")] b: u8, c: u8 } }
        value { S { b: 1, c: 2 } }
        bincode { same same back taken }
        json { same same back taken }
    }
    rename_with_the_old_name_as_alias {
        without { pub(super) struct S { b: u8, c: u8 } }
        with { pub(super) struct S { #[serde(rename = "x", alias = "b")] b: u8, c: u8 } }
        value { S { b: 1, c: 2 } }
        bincode { same other back taken }
        json { other other back taken }
    }
    alias_of_a_variant {
        without { pub(super) enum S { A, B } }
        with { pub(super) enum S { A, #[serde(alias = "C")] B } }
        value { S::B }
        bincode { same other back unseen }
        json { same other back unseen }
    }
    tag_of_a_struct {
        without { pub(super) struct S { a: u8 } }
        with { #[serde(tag = "t")] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { other same lost refused }
        json { other same back taken }
    }
    tag_of_a_struct_that_denies_unknown_fields {
        without { pub(super) struct S { a: u8 } }
        with { #[serde(tag = "t", deny_unknown_fields)] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { other same lost refused }
        json { other same lost refused }
    }
    tag_of_an_enum {
        without { pub(super) enum S { A { n: u8 } } }
        with { #[serde(tag = "t")] pub(super) enum S { A { n: u8 } } }
        value { S::A { n: 1 } }
        bincode { other other lost unseen }
        json { other other back unseen }
    }
    tag_and_content_of_an_enum {
        without { pub(super) enum S { A { n: u8 }, B } }
        with { #[serde(tag = "t", content = "c")] pub(super) enum S { A { n: u8 }, B } }
        value { S::A { n: 1 } }
        bincode { same other lost unseen }
        json { other other back unseen }
    }
    untagged_enum {
        without { pub(super) enum S { A { n: u8 } } }
        with { #[serde(untagged)] pub(super) enum S { A { n: u8 } } }
        value { S::A { n: 1 } }
        bincode { other other lost unseen }
        json { other other back unseen }
    }
    untagged_variant {
        without { pub(super) enum S { A, B { n: u8 } } }
        with { pub(super) enum S { A, #[serde(untagged)] B { n: u8 } } }
        value { S::B { n: 1 } }
        bincode { other other lost unseen }
        json { other other back unseen }
    }
    default_of_a_struct {
        without { pub(super) struct S { a: u8 } }
        with { #[derive(Default)] #[serde(default)] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { same same back taken }
        json { same same back taken }
    }
    default_of_a_field {
        without { pub(super) struct S { a: u8 } }
        with { pub(super) struct S { #[serde(default)] a: u8 } }
        value { S { a: 1 } }
        bincode { same same back taken }
        json { same same back taken }
    }
    skip_of_a_field {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(skip)] a: u8, b: u8 } }
        value { S { a: 0, b: 2 } }
        bincode { other other back taken }
        json { other other back taken }
    }
    skip_serializing {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(skip_serializing)] a: u8, b: u8 } }
        value { S { a: 0, b: 2 } }
        bincode { other same lost refused }
        json { other same lost refused }
    }
    skip_serializing_with_a_default {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(default, skip_serializing)] a: u8, b: u8 } }
        value { S { a: 0, b: 2 } }
        bincode { other same lost refused }
        json { other same back taken }
    }
    skip_serializing_of_an_option {
        without { pub(super) struct S { a: Option<u8>, b: u8 } }
        with { pub(super) struct S { #[serde(skip_serializing)] a: Option<u8>, b: u8 } }
        value { S { a: None, b: 2 } }
        bincode { other same lost refused }
        json { other same back taken }
    }
    skip_deserializing {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(skip_deserializing)] a: u8, b: u8 } }
        value { S { a: 0, b: 2 } }
        bincode { same other lost refused }
        json { same other back taken }
    }
    skip_deserializing_where_unknown_fields_are_denied {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { #[serde(deny_unknown_fields)] pub(super) struct S { #[serde(skip_deserializing)] a: u8, b: u8 } }
        value { S { a: 0, b: 2 } }
        bincode { same other lost refused }
        json { same other lost refused }
    }
    skip_serializing_if {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(skip_serializing_if = "is_zero")] a: u8, b: u8 } }
        value { S { a: 0, b: 2 } }
        bincode { other same lost refused }
        json { other same lost refused }
    }
    skip_serializing_if_with_a_default {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(default, skip_serializing_if = "is_zero")] a: u8, b: u8 } }
        value { S { a: 0, b: 2 } }
        bincode { other same lost refused }
        json { other same back taken }
    }
    skip_of_a_late_variant {
        without { pub(super) enum S { A, B, C } }
        with { pub(super) enum S { A, B, #[serde(skip)] C } }
        value { S::B }
        bincode { same other back unseen }
        json { same other back unseen }
    }
    skip_of_an_early_variant {
        without { pub(super) enum S { A, B, C } }
        with { pub(super) enum S { #[serde(skip)] A, B, C } }
        value { S::B }
        bincode { same other changed unseen }
        json { same other back unseen }
    }
    skip_serializing_of_a_variant {
        without { pub(super) enum S { A, B, C } }
        with { pub(super) enum S { #[serde(skip_serializing)] A, B, C } }
        value { S::B }
        bincode { same same back unseen }
        json { same same back unseen }
    }
    skip_deserializing_of_a_variant {
        without { pub(super) enum S { A, B, C } }
        with { pub(super) enum S { #[serde(skip_deserializing)] A, B, C } }
        value { S::B }
        bincode { same other changed unseen }
        json { same other back unseen }
    }
    other_variant {
        without { pub(super) enum S { A, B } }
        with { pub(super) enum S { A, #[serde(other)] B } }
        value { S::B }
        bincode { same same back unseen }
        json { same same back unseen }
    }
    flatten {
        without { pub(super) struct S { a: u8, rest: Inner } }
        with { pub(super) struct S { a: u8, #[serde(flatten)] rest: Inner } }
        value { S { a: 1, rest: Inner { x: 2, y: 3 } } }
        bincode { other other unwritten refused }
        json { other other back taken }
    }
    with_a_module {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(with = "text")] a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { other other back taken }
        json { other other back taken }
    }
    with_a_module_whose_halves_disagree {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(with = "halves")] a: u8, b: u8 } }
        value { S { a: 2, b: 2 } }
        bincode { other other changed taken }
        json { other other lost taken }
    }
    serialize_with_alone {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(serialize_with = "text::serialize")] a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { other same lost taken }
        json { other same lost taken }
    }
    deserialize_with_alone {
        without { pub(super) struct S { a: u8, b: u8 } }
        with { pub(super) struct S { #[serde(deserialize_with = "text::deserialize")] a: u8, b: u8 } }
        value { S { a: 1, b: 2 } }
        bincode { same other lost taken }
        json { same other lost taken }
    }
    from_and_into {
        around {
            impl From<String> for S { fn from(text: String) -> Self { Self { a: text.len().try_into().unwrap() } } }
            impl From<S> for String { fn from(s: S) -> Self { "x".repeat(s.a.into()) } }
        }
        without { pub(super) struct S { a: u8 } }
        with { #[serde(from = "String", into = "String")] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { other other back taken }
        json { other other back taken }
    }
    try_from_of_the_same_fields {
        around {
            #[derive(serde::Deserialize)] struct Raw { a: u8 }
            impl TryFrom<Raw> for S {
                type Error = std::num::TryFromIntError;
                fn try_from(raw: Raw) -> Result<Self, Self::Error> { Ok(Self { a: i8::try_from(raw.a)?.try_into()? }) }
            }
        }
        without { pub(super) struct S { a: u8 } }
        with { #[serde(try_from = "Raw")] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { same same back taken }
        json { same same back taken }
    }
    into_alone {
        around {
            impl From<S> for String { fn from(s: S) -> Self { "x".repeat(s.a.into()) } }
        }
        without { pub(super) struct S { a: u8 } }
        with { #[serde(into = "String")] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { other same lost taken }
        json { other same lost taken }
    }
    transparent {
        without { pub(super) struct S { a: u8 } }
        with { #[serde(transparent)] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { same other back taken }
        json { other other back taken }
    }
    deny_unknown_fields {
        without { pub(super) struct S { a: u8 } }
        with { #[serde(deny_unknown_fields)] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { same same back taken }
        json { same same back taken }
    }
    bound_crate_and_expecting {
        without { pub(super) struct S { a: u8 } }
        with { #[serde(bound = "", crate = "serde", expecting = "a number")] pub(super) struct S { a: u8 } }
        value { S { a: 1 } }
        bincode { same same back taken }
        json { same same back taken }
    }
}
