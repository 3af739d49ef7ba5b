//! Lists of options, read to their end whatever is wrong in them.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Ident, MacroDelimiter, Meta, Token, ext::IdentExt, parse::ParseStream};

use crate::errors::Errors;

use super::Setting;

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
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut option: impl FnMut(&Ident, ParseStream<'_>, &mut Errors) -> Handled,
) {
    while !input.is_empty() {
        let handled = match input.call(Ident::parse_any) {
            Ok(key) => option(&key, input, errors),
            Err(_) => {
                let found = next_token(input);
                errors.push(
                    &found,
                    format!("expected the name of an option{}", found_text(&found)),
                    "write `name = \"LOGIN\"`, with commas between options",
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
    key: &Ident,
    kind: &str,
    example: &str,
    input: ParseStream<'_>,
    errors: &mut Errors,
    read: impl FnOnce(ParseStream<'_>) -> syn::Result<(T, TokenStream)>,
) -> Option<Setting<T>> {
    let help = format!("`{key} = {example}`");
    if input.parse::<Token![=]>().is_err() || input.is_empty() || input.peek(Token![,]) {
        errors.push(key, format!("`{key}` takes {kind}"), help);
        return None;
    }
    let found = next_token(input);
    match read(input) {
        Ok((value, place)) => Some(Setting { value, place }),
        Err(_) => {
            errors.push(
                &found,
                format!("`{key}` takes {kind}{}", found_text(&found)),
                help,
            );
            None
        }
    }
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
