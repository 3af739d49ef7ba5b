//! What to say to an option or word that is not known, or known elsewhere.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use sessions_core::did_you_mean;
use syn::{Ident, parse::ParseStream};

use crate::errors::Errors;

use super::{
    options::{Key, up_to_comma},
    repair,
    words::{BY_TYPE, COOKIE, ELSEWHERE, STRUCT, SYNONYMS, cookie_option, list},
    written::{Entry, Written, entries},
};

/// Returns the option that was meant, where there is a guess.
pub(super) fn on_struct(
    ident: &Ident,
    key: &Key,
    input: ParseStream<'_>,
    written: &Written,
    errors: &mut Errors,
) -> Option<&'static str> {
    let name = key.to_string();
    let word = name.replace('-', "_");
    let (message, help) = match word.as_str() {
        "principal" => (
            "`principal` belongs on a field".to_owned(),
            "put `#[session(principal)]` on the field that says whose session it is".to_owned(),
        ),
        "cookie" | "header" => (
            format!("`{name}` is a transport"),
            as_transport(&word, input, written),
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
        "csrf" => (
            "unknown option `csrf`: what other sites may send is limited by the cookie's `same_site`"
                .to_owned(),
            written.cookie_help(&name, "same_site = strict"),
        ),
        "write_previous" => (
            format!("`{name}` is set when the application starts, not on the type"),
            format!("`Sessions::builder().server_side::<{ident}>(storage).{word}::<{ident}>()`"),
        ),
        by_type if BY_TYPE.contains(&by_type) => (
            format!("`{name}` is set when the application starts, not on the type"),
            format!("`Sessions::builder().server_side_with::<{ident}>(storage, |o| o.{word}(…))`"),
        ),
        word => {
            if let Some((_, instead, help)) = ELSEWHERE.iter().find(|(known, ..)| *known == word) {
                (format!("unknown option `{name}`: {instead}"), (*help).to_owned())
            } else if let Some(option) = cookie_option(word) {
                let entry = Entry::of(&name, up_to_comma(input));
                (
                    format!("`{option}` is an option of cookies"),
                    written.cookie_help(&name, &entry.as_option(option)),
                )
            } else if let Some(option) = mistyped_of_cookie(word) {
                let entry = Entry::of(&name, up_to_comma(input));
                (
                    format!("unknown option `{name}`"),
                    written.cookie_help(&name, &entry.as_option(option)),
                )
            } else {
                return suggest(key, &STRUCT, errors);
            }
        }
    };
    errors.push(key, message, help);
    None
}

/// The cookie's option that is closest, where none of the session's is close.
fn mistyped_of_cookie(word: &str) -> Option<&'static str> {
    if close(word, &STRUCT).is_some() {
        return None;
    }
    did_you_mean(word, &COOKIE)
}

/// `cookie(…)`, `header = "X-Cart"` and the like in the words that the options have.
fn as_transport(word: &str, input: ParseStream<'_>, written: &Written) -> String {
    let value = Entry::of(word, up_to_comma(input)).value;
    let mut of_cookie = Vec::new();
    let mut of_session = Vec::new();
    let mut lift = |entry: &Entry, option: &'static str| {
        if !written.has(option) {
            of_session.push(entry.as_option(option));
        }
    };
    let options = match value.clone().into_iter().next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            entries(group.stream())
        }
        Some(_) => vec![Entry::of("", value)],
        None => Vec::new(),
    };
    for entry in &options {
        let session = STRUCT.into_iter().find(|option| *option == entry.key);
        if let Some(option) = session {
            lift(entry, option);
        } else if let Some(option) = cookie_option(&entry.key) {
            of_cookie.push(entry.as_option(option));
        } else if !entry.key.is_empty() {
            // What is not known is told when the help is taken.
            of_cookie.push(entry.as_option(&entry.key));
        } else if let Some(text) = repair::text(&entry.value) {
            // A text alone is the path where it looks like one.
            if word == "cookie" && text.starts_with("\"/") {
                of_cookie.push(entry.as_option("path"));
            } else {
                lift(entry, "name");
            }
        }
    }
    if written.has("transport") {
        return match (of_cookie.is_empty() || word == "header", of_session.is_empty()) {
            (true, true) => format!("remove `{word}`: there is a `transport` already"),
            (false, true) => format!("put `{}` into `cookie(…)`", of_cookie.join(", ")),
            (_, false) => format!("`{}`", of_session.join(", ")),
        };
    }
    let mut help = if of_cookie.is_empty() || word == "header" {
        format!("transport = {word}")
    } else {
        format!("transport = {word}({})", of_cookie.join(", "))
    };
    for option in of_session {
        help.push_str(", ");
        help.push_str(&option);
    }
    format!("`{help}`")
}

pub(super) fn in_cookie(key: &Key, errors: &mut Errors) {
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

pub(super) fn on_field(key: &Key, input: ParseStream<'_>, errors: &mut Errors) {
    let name = key.to_string();
    if STRUCT.contains(&name.as_str()) || COOKIE.contains(&name.as_str()) {
        errors.push(
            key,
            format!("`{name}` is an option of the struct, not of a field"),
            "put it into `#[session(…)]` on the struct",
        );
    } else if matches!(name.as_str(), "skip" | "rename" | "default" | "with") {
        let value = up_to_comma(input);
        let space = if value.is_empty() { "" } else { " " };
        errors.push(
            key,
            format!("`{name}` is serde's option"),
            format!("`#[serde({name}{space}{value})]`"),
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

fn suggest(key: &Key, known: &[&'static str], errors: &mut Errors) -> Option<&'static str> {
    let close = close(&key.to_string().replace('-', "_"), known);
    let help = match close {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("the options are {}", list(known)),
    };
    errors.push(key, format!("unknown option `{key}`"), help);
    close
}

fn close(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let synonym = SYNONYMS
        .iter()
        .find_map(|(synonym, option)| (*synonym == word && known.contains(option)).then_some(*option));
    let of_cookie = cookie_option(word).filter(|option| known.contains(option));
    synonym.or(of_cookie).or_else(|| did_you_mean(word, known))
}
