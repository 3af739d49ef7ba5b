//! Whatever tokens stand in the attributes, and on whatever item: the derive answers with Rust that has exactly one impl,
//! and never panics.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use proptest::{collection::vec, prelude::*, sample::select};
use quote::quote;
use syn::DeriveInput;

use super::expand;

/// Words that mean something somewhere, and some that mean nothing.
const WORDS: [&str; 48] = [
    "name",
    "transport",
    "cookie",
    "header",
    "max_age",
    "idle_timeout",
    "absolute_lifetime",
    "serializer",
    "version",
    "previous",
    "crate",
    "path",
    "domain",
    "secure",
    "http_only",
    "same_site",
    "strict",
    "lax",
    "none",
    "partitioned",
    "principal",
    "session",
    "serde",
    "rename",
    "serialize",
    "deserialize",
    "alias",
    "default",
    "skip",
    "skip_serializing",
    "skip_deserializing",
    "skip_serializing_if",
    "flatten",
    "tag",
    "with",
    "Json",
    "Bincode",
    "Self",
    "self",
    "super",
    "true",
    "false",
    "fn",
    "dyn",
    "_",
    "storage",
    "größe",
    "nmae",
];

const TEXTS: [&str; 12] = [
    "",
    "LOGIN",
    "__Host-a",
    "__Secure-a",
    "30m",
    "12 h",
    "400 days",
    "99999999999999999999 weeks",
    "/",
    "example.org",
    "a b;\u{0}\u{1F980}",
    "sessions_core::x",
];

fn literal() -> impl Strategy<Value = TokenTree> {
    prop_oneof![
        12 => select(&TEXTS[..]).prop_map(Literal::string),
        1 => any::<String>().prop_map(|text| Literal::string(&text)),
        1 => any::<Vec<u8>>().prop_map(|bytes| Literal::byte_string(&bytes)),
        1 => Just(Literal::c_string(c"c")),
        1 => any::<char>().prop_map(Literal::character),
        1 => any::<u8>().prop_map(Literal::byte_character),
        2 => (0..4_u32).prop_map(Literal::u32_unsuffixed),
        1 => any::<u128>().prop_map(Literal::u128_unsuffixed),
        1 => any::<i32>().prop_map(|n| Literal::i64_suffixed(i64::from(n).abs())),
        1 => (0.0..9e9_f64).prop_map(Literal::f64_suffixed),
    ]
    .prop_map(TokenTree::from)
}

fn leaf() -> impl Strategy<Value = Vec<TokenTree>> {
    let punct = |c| TokenTree::from(Punct::new(c, Spacing::Alone));
    prop_oneof![
        8 => select(&WORDS[..]).prop_map(move |text| vec![word(text, false)]),
        1 => select(&WORDS[..]).prop_map(move |text| vec![word(text, true)]),
        4 => Just(vec![punct('=')]),
        4 => Just(vec![punct(',')]),
        2 => select(&['<', '>', ':', '-', '#', '!', '.', '&', '*', '?', '$', '@', ';'][..])
            .prop_map(move |c| vec![punct(c)]),
        1 => Just(vec![Punct::new(':', Spacing::Joint).into(), punct(':')]),
        1 => Just(vec![Punct::new('\'', Spacing::Joint).into(), Ident::new("a", Span::call_site()).into()]),
        4 => literal().prop_map(|literal| vec![literal]),
    ]
}

/// Some words cannot be raw.
fn word(text: &str, raw: bool) -> TokenTree {
    let raw = raw && !["crate", "self", "Self", "super", "_"].contains(&text);
    let new = if raw { Ident::new_raw } else { Ident::new };
    new(text, Span::call_site()).into()
}

/// Trees, with groups in all delimiters, those of macros included, which have none.
fn soup() -> impl Strategy<Value = TokenStream> {
    let delimiters = [
        Delimiter::Parenthesis,
        Delimiter::Parenthesis,
        Delimiter::Brace,
        Delimiter::Bracket,
        Delimiter::None,
    ];
    leaf()
        .prop_recursive(3, 24, 8, move |inner| {
            (select(delimiters.to_vec()), vec(inner, 0..8)).prop_map(|(delimiter, inner)| {
                let inner = inner.into_iter().flatten().collect();
                vec![Group::new(delimiter, inner).into()]
            })
        })
        .prop_flat_map(|first| {
            vec(leaf(), 0..12).prop_map(move |rest| {
                rest.into_iter()
                    .flatten()
                    .chain(first.iter().cloned())
                    .collect::<TokenStream>()
            })
        })
}

/// `key = value` where both may be anything: nearer to what people write than soup is.
fn options() -> impl Strategy<Value = TokenStream> {
    let option = (
        // Mostly such as mean something to the struct.
        prop_oneof![3 => select(&WORDS[..11]), 1 => select(&WORDS[..])],
        prop::option::of(prop_oneof![
            literal().prop_map(TokenStream::from),
            select(&WORDS[..]).prop_map(|text| word(text, false).into()),
            soup(),
        ]),
        any::<bool>(),
    )
        .prop_map(|(key, value, in_parentheses)| {
            let key = Ident::new(key, Span::call_site());
            match value {
                Some(value) if in_parentheses => quote!(#key(#value)),
                Some(value) => quote!(#key = #value),
                None => quote!(#key),
            }
        });
    vec(option, 0..5).prop_map(|options| quote!(#(#options),*))
}

fn attribute() -> impl Strategy<Value = TokenStream> {
    let inside = || {
        prop_oneof![
            soup(),
            options(),
            options().prop_map(|options| quote!(transport = cookie(#options)))
        ]
    };
    prop_oneof![
        6 => inside().prop_map(|tokens| quote!(#[session(#tokens)])),
        2 => inside().prop_map(|tokens| quote!(#[serde(#tokens)])),
        1 => inside().prop_map(|tokens| quote!(#[session[#tokens]])),
        1 => inside().prop_map(|tokens| quote!(#[session{#tokens}])),
        1 => Just(quote!(#[session])),
        1 => literal().prop_map(|literal| quote!(#[session = #literal])),
        1 => Just(quote!(#[doc = "text"])),
    ]
}

fn attributes() -> impl Strategy<Value = TokenStream> {
    vec(attribute(), 0..3).prop_map(|attributes| attributes.into_iter().collect())
}

fn item() -> impl Strategy<Value = TokenStream> {
    let generics = || {
        select(vec![
            (quote!(), quote!()),
            (quote!(), quote!()),
            (quote!(<>), quote!(where)),
            (quote!(), quote!(where String: Clone, Self: Sized)),
            (
                quote!(<'a, T: 'a + Clone = u8, const N: usize = 3>),
                quote!(where T: Send),
            ),
        ])
    };
    let types = || {
        select(vec![
            quote!(u8),
            quote!(Option<r#type>),
            quote!(&'static str),
            quote!(dyn Fn(u8) -> u8),
            quote!([u8; { 1 + 1 }]),
            quote!(<T as Trait>::Type),
            quote!(m!(any)),
        ])
    };
    let name = || {
        select(vec![
            quote!(Login),
            quote!(r#type),
            quote!(Größe),
            quote!(_a),
            quote!(HTTP2),
        ])
    };
    let named = move || {
        vec((attributes(), types()), 0..3).prop_map(|fields| {
            let fields = fields.into_iter().enumerate().map(|(index, (attributes, ty))| {
                let name = Ident::new(["a", "b", "c"][index], Span::call_site());
                quote!(#attributes pub #name: #ty)
            });
            quote!({ #(#fields),* })
        })
    };
    let tuple = move || {
        vec((attributes(), types()), 0..3).prop_map(|fields| {
            let fields = fields.into_iter().map(|(attributes, ty)| quote!(#attributes #ty));
            quote!((#(#fields),*))
        })
    };
    (
        attributes(),
        name(),
        generics(),
        0..6_u8,
        named(),
        tuple(),
        attributes(),
    )
        .prop_map(
            |(outer, name, (generics, bounds), shape, named, tuple, inner)| match shape {
                0 | 1 => quote!(#outer struct #name #generics #bounds #named),
                2 | 3 => quote!(#outer pub(crate) struct #name #generics #tuple #bounds;),
                4 => quote!(#outer struct #name #generics #bounds;),
                _ if named.to_string().len() % 2 == 0 => {
                    quote!(#outer enum #name #generics #bounds { #inner A = 3, #inner B #named, C #tuple })
                }
                _ => quote!(#outer union #name #generics #bounds #named),
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn no_tokens_make_the_derive_panic(item in item()) {
        // What is no item never reaches a derive.
        if let Ok(input) = syn::parse2::<DeriveInput>(item) {
            expand(&input);
        }
    }
}
