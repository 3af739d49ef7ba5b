//! Lists of options, read to their end whatever is wrong in them.

use std::fmt;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Ident, LitStr, MacroDelimiter, Meta, Token, ext::IdentExt, parse::ParseStream};

use crate::errors::Errors;

use super::{
    Setting,
    repair::Repair,
    words::{COOKIE, list},
    written::unwrapped,
};

/// The name of an option as it is written: `idle-timeout` is one, though Rust has three tokens for it.
pub(super) struct Key {
    name: String,
    place: TokenStream,
}

impl Key {
    fn read(input: ParseStream<'_>) -> syn::Result<Self> {
        let first = input.call(Ident::parse_any)?;
        let mut name = first.to_string();
        let mut place = first.into_token_stream();
        while input.peek(Token![-]) && input.peek2(Ident::peek_any) {
            let dash: Token![-] = input.parse()?;
            let next = input.call(Ident::parse_any)?;
            name = format!("{name}-{next}");
            dash.to_tokens(&mut place);
            next.to_tokens(&mut place);
        }
        Ok(Self { name, place })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl ToTokens for Key {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.place.to_tokens(tokens);
    }
}

impl PartialEq<str> for Key {
    fn eq(&self, name: &str) -> bool {
        self.name == name
    }
}

/// Where a list of options stands.
#[derive(Clone, Copy)]
pub(super) enum List {
    Struct,
    Cookie,
    Field,
}

impl List {
    /// What to write where something stands that names no option.
    fn help(self, found: &TokenStream) -> String {
        let text = syn::parse2::<LitStr>(found.clone()).is_ok();
        match self {
            Self::Struct if text => format!("`name = {found}`"),
            Self::Struct => "write `name = \"LOGIN\"`, with commas between options".to_owned(),
            Self::Cookie if text && found.to_string().starts_with("\"/") => {
                format!("`cookie(path = {found})`")
            }
            Self::Cookie => format!("the options are {}, as in `cookie(path = \"/\")`", list(&COOKIE)),
            Self::Field => "`#[session(principal)]`".to_owned(),
        }
    }
}

/// What a value has to be.
pub(super) struct Expected<'a> {
    pub(super) kind: &'a str,
    pub(super) example: &'a str,
    /// What is better than the example: the user's own value.
    pub(super) repair: Repair,
    /// All that it can be, where that is a few words.
    pub(super) words: &'a [&'a str],
}

impl Expected<'_> {
    fn help(&self, key: &Key, written: &TokenStream) -> String {
        match (self.repair)(&unwrapped(written)) {
            Some(repaired) => format!("`{key} = {repaired}`"),
            // An example would put one of the words in the place of another that was meant.
            None if !self.words.is_empty() && !written.is_empty() => {
                format!("it is one of {}", list(self.words))
            }
            None => format!("`{key} = {}`", self.example),
        }
    }
}

/// What became of one option.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Handled {
    Read,
    /// Reported; whatever is left of it is passed over.
    Failed,
}

/// Reads each `#[session(…)]` among the attributes.
pub(super) fn parse_attributes(
    attributes: &[Attribute],
    example: &str,
    errors: &mut Errors,
    mut read: impl FnMut(ParseStream<'_>, &mut Errors),
) {
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("session"))
    {
        match &attribute.meta {
            Meta::List(list) if matches!(list.delimiter, MacroDelimiter::Paren(_)) => {
                let parsed = list.parse_args_with(|input: ParseStream<'_>| {
                    read(input, errors);
                    Ok(())
                });
                if let Err(error) = parsed {
                    errors.add(error);
                }
            }
            _ => errors.push(
                attribute.path(),
                "the options of `session` stand in parentheses",
                format!("`#[session({example})]`"),
            ),
        }
    }
}

/// Hands each option's key to `option`, which reads the rest of it.
pub(super) fn each_option(
    list: List,
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut option: impl FnMut(&Key, ParseStream<'_>, &mut Errors) -> Handled,
) {
    while !input.is_empty() {
        let handled = match Key::read(input) {
            Ok(key) => option(&key, input, errors),
            Err(_) => {
                let found = next_token(input);
                errors.push(
                    &found,
                    format!("expected the name of an option{}", found_text(&found)),
                    list.help(&found),
                );
                Handled::Failed
            }
        };
        if handled == Handled::Read && !input.is_empty() && !input.peek(Token![,]) {
            let found = next_token(input);
            errors.push(
                &found,
                format!("expected a comma{}", found_text(&found)),
                "put commas between options",
            );
        }
        while !input.is_empty() && !input.peek(Token![,]) {
            drop(input.parse::<TokenTree>());
        }
        drop(input.parse::<Token![,]>());
    }
}

/// Reads `= value`.
pub(super) fn value<T>(
    key: &Key,
    expected: &Expected<'_>,
    input: ParseStream<'_>,
    errors: &mut Errors,
    read: impl FnOnce(ParseStream<'_>) -> syn::Result<(T, TokenStream)>,
) -> Option<Setting<T>> {
    let kind = expected.kind;
    if input.peek(Token![:]) {
        let colon = input.parse::<Token![:]>().ok()?;
        let help = expected.help(key, &up_to_comma(input));
        errors.push(colon, "expected `=`, found `:`", help);
        return None;
    }
    let no_value = |input: ParseStream<'_>| input.is_empty() || input.peek(Token![,]);
    let written = up_to_comma(input);
    if input.parse::<Token![=]>().is_err() || no_value(input) {
        errors.push(key, format!("`{key}` takes {kind}"), expected.help(key, &written));
        return None;
    }
    let found = next_token(input);
    let written = up_to_comma(input);
    match read(input) {
        Ok((value, place)) => Some(Setting { value, place }),
        Err(_) => {
            errors.push(
                &found,
                format!("`{key}` takes {kind}{}", found_text(&found)),
                expected.help(key, &written),
            );
            None
        }
    }
}

/// What stands before the next comma.
pub(super) fn up_to_comma(input: ParseStream<'_>) -> TokenStream {
    let input = input.fork();
    let mut written = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(token) => written.extend([token]),
            Err(_) => break,
        }
    }
    written
}

fn next_token(input: ParseStream<'_>) -> TokenStream {
    input
        .cursor()
        .token_tree()
        .map(|(token, _)| token.into())
        .unwrap_or_default()
}

fn found_text(found: &TokenStream) -> String {
    match found.clone().into_iter().next() {
        Some(TokenTree::Group(_)) | None => String::new(),
        Some(token) => format!(", found `{token}`"),
    }
}
