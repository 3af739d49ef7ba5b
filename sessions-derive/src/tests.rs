//! Whatever stands in the attributes, the derive answers with an impl, and with an error or none.

mod expanded;
mod serde_attributes;
mod soup;

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_quote};

/// Panics where the answer is not Rust, or is not the session's impl, and that of its way back, beside the errors.
fn expand(input: &DeriveInput) -> (usize, TokenStream) {
    let tokens = super::derive(input, parse_quote!(::sessions_core));
    let file: syn::File = syn::parse2(tokens.clone()).unwrap();
    let of = |item: &syn::Item| match item {
        syn::Item::Impl(syn::ItemImpl {
            trait_: Some((of, _)),
            ..
        }) => of.segments.last().map(|name| name.ident.to_string()),
        _ => None,
    };
    let impls: Vec<_> = file.items.iter().filter_map(of).collect();
    assert!(
        impls == ["Session"] || impls == ["Session", "WritePrevious"],
        "{tokens}"
    );
    (file.items.len() - impls.len(), tokens)
}

#[test]
fn impls_are_all_that_a_good_type_gets() {
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
