//! A value of the wrong kind, written as the right one: for the help alone.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use sessions_core::parse_duration;
use syn::{LitChar, LitStr, Path, parse::Parser};

use super::words::SAME_SITE;

pub(super) type Repair = fn(&TokenStream) -> Option<String>;

pub(super) fn none(_: &TokenStream) -> Option<String> {
    None
}

/// `LOGIN`, `'S'` or `/shop` in the quotes of a string.
pub(super) fn text(written: &TokenStream) -> Option<String> {
    if let Ok(literal) = syn::parse2::<LitStr>(written.clone()) {
        return Some(format!("{:?}", literal.value()));
    }
    if let Ok(literal) = syn::parse2::<LitChar>(written.clone()) {
        return Some(format!("{:?}", literal.value().to_string()));
    }
    let mut joined = String::new();
    for token in written.clone() {
        match &token {
            TokenTree::Ident(_) => {}
            TokenTree::Punct(punct) if matches!(punct.as_char(), '-' | '.' | '/') => {}
            _ => return None,
        }
        joined.push_str(&token.to_string());
    }
    (!joined.is_empty()).then(|| format!("{joined:?}"))
}

/// `30m` or `30 days` in the quotes of a string.
pub(super) fn duration(written: &TokenStream) -> Option<String> {
    let text = match syn::parse2::<LitStr>(written.clone()) {
        Ok(literal) => literal.value(),
        Err(_) => written.to_string(),
    };
    parse_duration(&text).is_ok().then(|| format!("{text:?}"))
}

pub(super) fn flag(written: &TokenStream) -> Option<String> {
    let on = one_of(written, &["true", "yes", "on", "1"]).is_some();
    on.then(|| "true".to_owned())
}

pub(super) fn same_site(written: &TokenStream) -> Option<String> {
    one_of(written, &SAME_SITE)
}

pub(super) fn transport(written: &TokenStream) -> Option<String> {
    one_of(written, &["cookie", "header"])
}

/// `"Strict"`, `Strict` or `SameSite::Strict` as the word that it stands for.
fn one_of(written: &TokenStream, known: &[&str]) -> Option<String> {
    let last = written.clone().into_iter().last()?;
    let word = match syn::parse2::<LitStr>(last.clone().into()) {
        Ok(literal) => literal.value(),
        Err(_) => last.to_string(),
    };
    let word = word.to_lowercase();
    known.contains(&word.as_str()).then_some(word)
}

/// `"Json"`, `Json()` or `Json::new()` as the path of the type.
pub(super) fn type_path(written: &TokenStream) -> Option<String> {
    if let Ok(literal) = syn::parse2::<LitStr>(written.clone()) {
        let path: Path = literal.parse().ok()?;
        return Some(shown(&path.to_token_stream()));
    }
    let before_the_call: TokenStream = written
        .clone()
        .into_iter()
        .take_while(|token| !matches!(token, TokenTree::Group(group) if group.delimiter() != Delimiter::None))
        .collect();
    let path = Path::parse_mod_style.parse2(before_the_call).ok()?;
    let mut segments: Vec<String> = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect();
    // A function of the type.
    if segments.len() > 1 && segments.last()?.starts_with(|c: char| c.is_lowercase()) {
        segments.pop();
    }
    let root = if path.leading_colon.is_some() { "::" } else { "" };
    Some(format!("{root}{}", segments.join("::")))
}

pub(super) fn shown(tokens: &TokenStream) -> String {
    tokens
        .to_string()
        .replace(" :: ", "::")
        .trim_start_matches(' ')
        .to_owned()
}
