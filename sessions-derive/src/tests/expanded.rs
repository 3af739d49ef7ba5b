//! What the derive writes, to be read by people. `EXPANDED=overwrite cargo test -p sessions-derive --lib expanded`
//! writes the files anew.

use std::{env, fs, path::PathBuf};

use syn::{DeriveInput, parse_quote};

use super::expand;

#[track_caller]
fn is_as_written(name: &str, errors: usize, input: &DeriveInput) {
    let (found, tokens) = expand(input);
    assert_eq!(found, errors, "{tokens}");
    let file = syn::parse2(tokens).unwrap();
    let expanded = prettyplease::unparse(&file);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/expanded/{name}.rs"));
    if env::var_os("EXPANDED").is_some_and(|value| value == "overwrite") {
        fs::write(&path, &expanded).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expanded,
        "{} is not what is written now:\n{expanded}",
        path.display()
    );
}

#[test]
fn a_cookie_with_defaults() {
    is_as_written("cookie", 0, &parse_quote! { struct Visits { count: u32 } });
}

#[test]
fn a_header_with_every_option() {
    let input = parse_quote! {
        #[session(
            name = "X-Cart",
            transport = header,
            idle_timeout = "40 days",
            absolute_lifetime = "400 days",
            serializer = Json,
            crate = ::sessions
        )]
        struct Cart(Vec<Item>);
    };
    is_as_written("header", 0, &input);
}

#[test]
fn a_principal_and_a_previous_version() {
    let input = parse_quote! {
        #[session(
            name = "__Secure-LOGIN",
            transport = cookie(path = "/shop", domain = "example.org", same_site = strict, partitioned),
            version = 2,
            previous = old::Login
        )]
        struct Login { #[session(principal)] r#type: Option<UserId>, at: u64 }
    };
    is_as_written("principal", 0, &input);
}

#[test]
fn a_type_that_is_refused() {
    let input = parse_quote! {
        #[session(nme = "LOGIN", max_age = "a month")]
        struct Login<T> where T: Clone { #[serde(flatten)] more: T }
    };
    is_as_written("refused", 4, &input);
}
