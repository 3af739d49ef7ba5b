//! What to say to an option or word that is not known, or known elsewhere.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use sessions_core::did_you_mean;
use syn::{Ident, LitStr, Token, parse::ParseStream};

use crate::errors::Errors;

const STRUCT: [&str; 9] = [
    "name",
    "transport",
    "max_age",
    "idle_timeout",
    "absolute_lifetime",
    "serializer",
    "version",
    "previous",
    "crate",
];
const COOKIE: [&str; 6] = [
    "path",
    "domain",
    "secure",
    "http_only",
    "same_site",
    "partitioned",
];
const BY_TYPE: [&str; 9] = [
    "renew_every",
    "grace",
    "touch_interval",
    "on_conflict",
    "max_per_principal",
    "always_send",
    "clear_site_data",
    "revocable",
    "signed",
];

/// What other libraries call an option, or what one would call it.
const SYNONYMS: [(&str, &str); 16] = [
    ("cookie_name", "name"),
    ("rename", "name"),
    ("ttl", "idle_timeout"),
    ("timeout", "idle_timeout"),
    ("idle", "idle_timeout"),
    ("inactivity_timeout", "idle_timeout"),
    ("expiry", "absolute_lifetime"),
    ("expires_in", "absolute_lifetime"),
    ("lifetime", "absolute_lifetime"),
    ("max_lifetime", "absolute_lifetime"),
    ("absolute_timeout", "absolute_lifetime"),
    ("expires", "max_age"),
    ("session_ttl", "max_age"),
    ("format", "serializer"),
    ("codec", "serializer"),
    ("schema", "version"),
];

/// Returns the option that was meant, where there is a guess.
pub(super) fn on_struct(
    ident: &Ident,
    key: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Option<&'static str> {
    let name = key.to_string();
    let (message, help) = match name.as_str() {
        "principal" => (
            "`principal` belongs on a field".to_owned(),
            "put `#[session(principal)]` on the field that says whose session it is".to_owned(),
        ),
        "cookie" | "header" => (
            format!("`{name}` is a transport"),
            format!("`{}`", as_transport(&name, input)),
        ),
        "storage" | "store" | "server_side" => (
            "where a session is kept is chosen when the application starts, not on the type".to_owned(),
            format!("`Sessions::builder().server_side::<{ident}>(MemoryStorage::new())`"),
        ),
        "secret" | "key" | "keys" => (
            "a key in the source can be read by whoever has the source or the program".to_owned(),
            format!(
                "`Sessions::builder().client_side::<{ident}>(Encrypted::new(&keys))`, with keys from outside"
            ),
        ),
        "tracking" => (
            "where a session's data is kept is chosen when the application starts, not on the type"
                .to_owned(),
            format!(
                "`Sessions::builder().client_side::<{ident}>(Encrypted::new(&keys))`, or \
                 `.server_side::<{ident}>(MemoryStorage::new())`"
            ),
        ),
        "protection" | "encrypted" | "client_side" => (
            "how a session is protected is chosen when the application starts, not on the type".to_owned(),
            format!("`Sessions::builder().client_side::<{ident}>(Encrypted::new(&keys))`"),
        ),
        by_type if BY_TYPE.contains(&by_type) => (
            format!("`{name}` is set when the application starts, not on the type"),
            format!("`Sessions::builder().server_side_with::<{ident}>(storage, |o| o.{name}(…))`"),
        ),
        option if COOKIE.contains(&without_cookie(option)) => {
            let option = without_cookie(option);
            (
                format!("`{option}` is an option of cookies"),
                format!("`transport = cookie({option}{})`", rest(input)),
            )
        }
        _ => return suggest(key, &STRUCT, errors),
    };
    errors.push(key, message, help);
    None
}

/// Some put the word before each option.
fn without_cookie(option: &str) -> &str {
    option.strip_prefix("cookie_").unwrap_or(option)
}

/// What is written up to the next comma, for a help that can be pasted.
fn rest(input: ParseStream<'_>) -> String {
    let input = input.fork();
    let mut written = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(token) => written.extend([token]),
            Err(_) => break,
        }
    }
    if written.is_empty() {
        String::new()
    } else {
        format!(" {written}")
    }
}

/// `cookie(…)`, `header = "X-Cart"` and the like in the words that the options have.
fn as_transport(word: &str, input: ParseStream<'_>) -> String {
    let input = input.fork();
    if let Ok(TokenTree::Group(options)) = input.parse()
        && options.delimiter() == Delimiter::Parenthesis
        && !options.stream().is_empty()
    {
        return format!("transport = {word}({})", options.stream());
    }
    match input.parse::<LitStr>() {
        Ok(name) => format!("transport = {word}, name = {}", name.to_token_stream()),
        Err(_) => format!("transport = {word}"),
    }
}

pub(super) fn in_cookie(key: &Ident, errors: &mut Errors) {
    let name = key.to_string();
    if STRUCT.contains(&name.as_str()) {
        errors.push(
            key,
            format!("`{name}` is an option of the session, not of its cookie"),
            format!("write `{name} = …` beside `transport`"),
        );
    } else {
        suggest(key, &COOKIE, errors);
    }
}

pub(super) fn on_field(key: &Ident, errors: &mut Errors) {
    let name = key.to_string();
    if STRUCT.contains(&name.as_str()) || COOKIE.contains(&name.as_str()) {
        errors.push(
            key,
            format!("`{name}` is an option of the struct, not of a field"),
            "put it into `#[session(…)]` on the struct",
        );
    } else if matches!(name.as_str(), "skip" | "rename" | "default" | "with") {
        errors.push(
            key,
            format!("`{name}` is serde's option"),
            format!("`#[serde({name})]`"),
        );
    } else {
        suggest(key, &["principal"], errors);
    }
}

/// An unknown word where one of a few is expected.
pub(super) fn word(option: &str, found: &str, known: &[&str], place: &TokenStream, errors: &mut Errors) {
    let help = match did_you_mean(found, known) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("it is one of {}", list(known)),
    };
    errors.push(place, format!("{option} cannot be `{found}`"), help);
}

fn suggest(key: &Ident, known: &[&'static str], errors: &mut Errors) -> Option<&'static str> {
    let name = key.to_string();
    let synonym = SYNONYMS
        .iter()
        .find_map(|(synonym, option)| (*synonym == name && known.contains(option)).then_some(*option));
    let close = synonym.or_else(|| did_you_mean(&name, known));
    let help = match close {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("the options are {}", list(known)),
    };
    errors.push(key, format!("unknown option `{key}`"), help);
    close
}

fn list(known: &[&str]) -> String {
    known
        .iter()
        .map(|known| format!("`{known}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
