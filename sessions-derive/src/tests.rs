//! Whatever stands in the attributes, the derive answers with an impl, and with an error or none.

mod expanded;
mod serde_attributes;
mod soup;

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_quote};

/// Panics where the answer is not Rust, or is not exactly one impl beside the errors.
fn expand(input: &DeriveInput) -> (usize, TokenStream) {
    let tokens = super::derive(input, parse_quote!(::sessions_core));
    let file: syn::File = syn::parse2(tokens.clone()).unwrap();
    let impls = file
        .items
        .iter()
        .filter(|item| matches!(item, syn::Item::Impl(_)))
        .count();
    assert_eq!(impls, 1, "{tokens}");
    (file.items.len() - impls, tokens)
}

#[test]
fn an_impl_is_all_that_a_good_type_gets() {
    let (errors, tokens) = expand(&parse_quote! {
        #[session(name = "LOGIN", idle_timeout = "1h", version = 2, previous = Old<u8, u16>)]
        struct Login { #[session(principal)] user: String }
    });
    assert_eq!(errors, 0, "{tokens}");
    assert!(!tokens.to_string().contains("sessions_actix"));
}

#[test]
fn a_missing_default_is_no_second_mistake() {
    for input in [
        parse_quote! { #[session(nme = "X-Cart", transport = header)] struct Cart; },
        parse_quote! { #[session(name = 5, transport = header)] struct Cart; },
        parse_quote! { #[session(name = "X-Cart", transport = heder, max_age = "1h")] struct Cart; },
        parse_quote! { #[session(absolute_lifetme = "2 days", idle_timeout = "1 day")] struct Cart; },
        parse_quote! { #[session(max_age = "a month", idle_timeout = "1 day")] struct Cart; },
        parse_quote! { #[session(versoin = 2, previous = Old)] struct Cart; },
        parse_quote! { #[session(name = "cart", transport = cookie(secure = 0, same_site = none))] struct Cart; },
        parse_quote! { #[session(serializer = 1)] struct Cart { #[serde(flatten)] more: More } },
    ] {
        let (errors, tokens) = expand(&input);
        assert_eq!(errors, 1, "{tokens}");
    }
}

#[test]
fn a_serializer_that_names_its_fields_takes_serdes_options() {
    for (errors, input) in [
        (
            0,
            parse_quote! { #[session(serializer = Json)] struct Cart { #[serde(flatten)] more: More } },
        ),
        (1, parse_quote! { struct Cart { #[serde(flatten)] more: More } }),
        (
            1,
            parse_quote! { #[session(serializer = my::Bincode)] struct Cart { #[serde(flatten)] more: More } },
        ),
        (
            0,
            parse_quote! { struct Cart { #[serde(skip, rename = "flatten", default = "tag")] more: More } },
        ),
    ] {
        let (found, tokens) = expand(&input);
        assert_eq!(found, errors, "{tokens}");
    }
}
