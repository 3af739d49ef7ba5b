//! All options of the struct as they are written: a help about one has to fit the others.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::{Attribute, Meta};

use super::{
    repair,
    words::{COOKIE, cookie_option},
};

/// One option; without a key where it is only a value.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: TokenStream,
}

impl Entry {
    fn new(tokens: Vec<TokenTree>) -> Self {
        let mut tokens = tokens.into_iter().peekable();
        let mut key = String::new();
        // `idle-timeout` is one key.
        while let Some(TokenTree::Ident(ident)) = tokens.peek() {
            key.push_str(&ident.to_string());
            tokens.next();
            if !matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '-') {
                break;
            }
            key.push('-');
            tokens.next();
        }
        Self::of(&key, tokens.collect())
    }

    /// `rest` is what stands after the key.
    pub(super) fn of(key: &str, rest: TokenStream) -> Self {
        let mut value = rest.clone().into_iter();
        let separated = matches!(value.next(), Some(TokenTree::Punct(punct))
            if punct.as_char() == '=' || punct.as_char() == ':' && punct.spacing() == Spacing::Alone);
        Self {
            key: key.to_owned(),
            value: if separated && !key.is_empty() {
                value.collect()
            } else {
                rest
            },
        }
    }

    /// The option under its right name, with a value that it takes.
    pub(super) fn as_option(&self, option: &str) -> String {
        let value = unwrapped(&self.value);
        if value.is_empty() {
            return match option {
                "secure" | "http_only" | "partitioned" => option.to_owned(),
                _ => format!("{option} = …"),
            };
        }
        let repaired = match option {
            "name" | "path" | "domain" => repair::text(&value),
            "max_age" | "idle_timeout" | "absolute_lifetime" => repair::duration(&value),
            "same_site" => repair::same_site(&value),
            "serializer" | "previous" => repair::type_path(&value),
            _ => None,
        };
        format!("{option} = {}", repaired.unwrap_or_else(|| repair::shown(&value)))
    }
}

/// `("S")` without its parentheses.
pub(super) fn unwrapped(value: &TokenStream) -> TokenStream {
    let mut tokens = value.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::Parenthesis => {
            group.stream()
        }
        _ => value.clone(),
    }
}

fn first(tokens: &TokenStream) -> TokenStream {
    tokens.clone().into_iter().take(1).collect()
}

pub(super) fn entries(list: TokenStream) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut current = Vec::new();
    for token in list {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            entries.push(Entry::new(std::mem::take(&mut current)));
        } else {
            current.push(token);
        }
    }
    if !current.is_empty() {
        entries.push(Entry::new(current));
    }
    entries
}

#[derive(Default)]
pub(super) struct Written(Vec<Entry>);

impl Written {
    pub(super) fn of(attributes: &[Attribute]) -> Self {
        let lists = attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("session"))
            .filter_map(|attribute| match &attribute.meta {
                Meta::List(list) => Some(entries(list.tokens.clone())),
                _ => None,
            });
        Self(lists.flatten().collect())
    }

    pub(super) fn find(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// How to say `option` with what is written already; `option` is as it stands in `cookie(…)`.
    pub(super) fn cookie_help(&self, name: &str, option: &str) -> String {
        let header = match self.find("transport") {
            Some(entry) => repair::transport(&first(&entry.value)).is_some_and(|word| word == "header"),
            None => self.has("header"),
        };
        if header {
            return format!("remove `{name}`: a header has no cookie attributes");
        }
        if self.has("transport") || self.has("cookie") {
            return format!("put `{option}` into `cookie(…)`");
        }
        let mut options: Vec<String> = COOKIE
            .iter()
            .filter_map(|known| {
                let entry = self
                    .0
                    .iter()
                    .find(|entry| cookie_option(&entry.key) == Some(*known))?;
                Some(entry.as_option(known))
            })
            .collect();
        if !options.iter().any(|known| known == option) {
            options.push(option.to_owned());
        }
        format!("`transport = cookie({})`", options.join(", "))
    }
}
