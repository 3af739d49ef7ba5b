//! The values of the options.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens;
use sessions_core::{SameSite, parse_duration};
use syn::{
    Ident, LitBool, LitInt, LitStr, Path, PathArguments, Token, Type, TypePath, parenthesized,
    parse::ParseStream, token,
};

use crate::errors::Errors;

use super::{
    CookieAttrs, Setting, TransportAttr,
    options::{Expected, Key, List, each_option, up_to_comma, value},
    repair, unknown,
    words::SAME_SITE,
    written::Entry,
};

pub(super) fn text(
    key: &Key,
    example: &str,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Option<Setting<String>> {
    let expected = Expected {
        kind: "a string",
        example,
        repair: repair::text,
        words: &[],
    };
    value(key, &expected, input, errors, |input| {
        let literal: LitStr = input.parse()?;
        Ok((literal.value(), literal.into_token_stream()))
    })
}

pub(super) fn duration(
    key: &Key,
    example: &str,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Option<Setting<Duration>> {
    let expected = Expected {
        kind: "a string with a number and a unit",
        example,
        repair: repair::duration,
        words: &[],
    };
    let literal = value(key, &expected, input, errors, |input| {
        let literal: LitStr = input.parse()?;
        Ok((literal.value(), literal.into_token_stream()))
    })?;
    match parse_duration(&literal.value) {
        Ok(duration) => Some(Setting {
            value: duration,
            place: literal.place,
        }),
        Err(error) => {
            // What is no value to paste is a sentence.
            let example = error
                .help
                .strip_prefix('`')
                .and_then(|help| help.strip_suffix('`'));
            let help = match example {
                Some(example) => format!("`{key} = {example}`"),
                None => error.help,
            };
            errors.push(literal.place, error.message, help);
            None
        }
    }
}

/// `secure`, `secure = true` or `secure = false`; an error points at the key.
pub(super) fn flag(key: &Key, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<bool>> {
    if input.is_empty() || input.peek(Token![,]) {
        return Some(Setting {
            value: true,
            place: key.to_token_stream(),
        });
    }
    let expected = Expected {
        kind: "`true` or `false`",
        example: "false",
        repair: repair::flag,
        words: &[],
    };
    value(key, &expected, input, errors, |input| {
        let literal: LitBool = input.parse()?;
        Ok((literal.value, key.to_token_stream()))
    })
}

pub(super) fn same_site(key: &Key, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<SameSite>> {
    let expected = Expected {
        kind: "`strict`, `lax` or `none`",
        example: "lax",
        repair: repair::same_site,
        words: &SAME_SITE,
    };
    let word = value(key, &expected, input, errors, |input| {
        let word: Ident = input.parse()?;
        // `SameSite::Strict` is no option's word.
        if input.peek(Token![::]) {
            return Err(input.error("a path"));
        }
        Ok((word.to_string(), word.into_token_stream()))
    })?;
    let value = match word.value.as_str() {
        "strict" => SameSite::Strict,
        "lax" => SameSite::Lax,
        "none" => SameSite::None,
        other => {
            unknown::word("`same_site`", other, &SAME_SITE, &word.place, errors);
            return None;
        }
    };
    Some(Setting {
        value,
        place: word.place,
    })
}

pub(super) fn transport(
    key: &Key,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Option<Setting<TransportAttr>> {
    let expected = Expected {
        kind: "`cookie`, `cookie(…)` or `header`",
        example: "header",
        repair: repair::transport,
        words: &[],
    };
    let word = value(key, &expected, input, errors, |input| {
        let word: Ident = input.parse()?;
        Ok((word.to_string(), word.into_token_stream()))
    })?;
    let options = input.peek(token::Paren);
    let value = match word.value.as_str() {
        "cookie" => {
            let mut cookie = Box::<CookieAttrs>::default();
            if options {
                in_parentheses(input, errors, |content, errors| {
                    each_option(List::Cookie, content, errors, |key, input, errors| {
                        cookie.option(key, input, errors)
                    });
                });
            }
            TransportAttr::Cookie(cookie)
        }
        "header" => {
            if options {
                errors.push(
                    &word.place,
                    "`header` takes no options",
                    "`transport = header`, with the header's name in `name`",
                );
                return None;
            }
            TransportAttr::Header
        }
        other => {
            unknown::word("`transport`", other, &["cookie", "header"], &word.place, errors);
            return None;
        }
    };
    Some(Setting {
        value,
        place: word.place,
    })
}

fn in_parentheses(
    input: ParseStream<'_>,
    errors: &mut Errors,
    read: impl FnOnce(ParseStream<'_>, &mut Errors),
) {
    let parsed = (|| {
        let content;
        parenthesized!(content in input);
        read(&content, errors);
        Ok(())
    })();
    if let Err(error) = parsed {
        errors.add(error);
    }
}

pub(super) fn type_path(
    key: &Key,
    example: &str,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Option<Setting<Type>> {
    let expected = Expected {
        kind: "the path of a type",
        example,
        repair: repair::type_path,
        words: &[],
    };
    let written = up_to_comma(input);
    let setting = value(key, &expected, input, errors, |input| {
        let start = input.span();
        let written: Type = input.parse()?;
        let mut inner = &written;
        while let Type::Group(group) = inner {
            inner = &group.elem;
        }
        match inner {
            Type::Path(TypePath { .. }) => Ok((inner.clone(), inner.to_token_stream())),
            _ => Err(syn::Error::new(start, "not a path")),
        }
    })?;
    // `Json()` parses as a type, as `Fn()` does, and `Json::new` as one that stands before parentheses.
    let called = input.peek(token::Paren) || input.peek(token::Brace) || is_call(&setting.value);
    if called {
        let value = Entry::of("value", written).value;
        let help = repair::type_path(&value).unwrap_or_else(|| example.to_owned());
        errors.push(
            value,
            format!("`{key}` takes {}", expected.kind),
            format!("`{key} = {help}`"),
        );
        return None;
    }
    Some(setting)
}

fn is_call(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path
        .segments
        .iter()
        .any(|segment| matches!(segment.arguments, PathArguments::Parenthesized(_)))
}

/// `crate = ::path` or, as in serde, `crate = "path"`.
pub(super) fn crate_path(key: &Key, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<Path>> {
    let expected = Expected {
        kind: "the path of a crate or module",
        example: "::sessions_core",
        repair: repair::none,
        words: &[],
    };
    let setting = value(key, &expected, input, errors, |input| {
        let path = if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            literal.parse_with(Path::parse_mod_style)?
        } else {
            input.call(Path::parse_mod_style)?
        };
        let place: TokenStream = path.to_token_stream();
        Ok((path, place))
    })?;
    if is_absolute(&setting.value) {
        return Some(setting);
    }
    // Where the type stands another item may have that name.
    let written = setting.place.to_string().replace(' ', "");
    errors.push(
        setting.place,
        format!(
            "`{written}` is found or not, depending on what is in scope: `crate` takes a path from a root"
        ),
        format!("`crate = ::{written}` for a crate, `crate = crate::{written}` for a module of this one"),
    );
    None
}

fn is_absolute(path: &Path) -> bool {
    path.leading_colon.is_some()
        || path.segments.first().is_some_and(|root| {
            ["crate", "$crate", "self", "super"]
                .iter()
                .any(|known| root.ident == known)
        })
}

pub(super) fn version(key: &Key, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<u32>> {
    let expected = Expected {
        kind: "a whole number",
        example: "2",
        repair: repair::none,
        words: &[],
    };
    let number = value(key, &expected, input, errors, |input| {
        let number: LitInt = input.parse()?;
        let place = number.to_token_stream();
        Ok((number, place))
    })?;
    if let Ok(value) = number.value.base10_parse() {
        return Some(Setting {
            value,
            place: number.place,
        });
    }
    let digits = number.value.base10_digits();
    if digits.starts_with('-') {
        errors.push(
            number.place,
            format!("`{key}` takes {}, found `{}`", expected.kind, number.value),
            format!("versions count from 1: `{key} = 1`"),
        );
    } else {
        errors.push(
            number.place,
            format!("`{key}` is too large, found `{}`", number.value),
            format!("versions count from 1: `{key} = 2`"),
        );
    }
    None
}
