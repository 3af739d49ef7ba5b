//! `#[session(…)]` as it is written: each option with the tokens that an error points at.

mod field;
mod options;
mod slot;
mod unknown;

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens;
use sessions_core::{SameSite, parse_duration};
use syn::{
    DeriveInput, Ident, LitBool, LitInt, LitStr, Path, Token, Type, TypePath, ext::IdentExt, parenthesized,
    parse::ParseStream, token,
};

use crate::errors::Errors;

pub(crate) use field::Principal;
pub(crate) use slot::{Setting, Slot};

use options::{Handled, each_option, parse_attributes, value};

/// The options of the struct.
#[derive(Default)]
pub(crate) struct Attrs {
    pub(crate) name: Slot<String>,
    pub(crate) transport: Slot<TransportAttr>,
    pub(crate) max_age: Slot<Duration>,
    pub(crate) idle_timeout: Slot<Duration>,
    pub(crate) absolute_lifetime: Slot<Duration>,
    pub(crate) serializer: Slot<Type>,
    pub(crate) version: Slot<u32>,
    pub(crate) previous: Slot<Type>,
    pub(crate) krate: Slot<Path>,
    pub(crate) principal: Option<Principal>,
}

pub(crate) enum TransportAttr {
    Cookie(Box<CookieAttrs>),
    Header,
}

/// The options in `cookie(…)`.
#[derive(Default)]
pub(crate) struct CookieAttrs {
    pub(crate) path: Slot<String>,
    pub(crate) domain: Slot<String>,
    pub(crate) secure: Slot<bool>,
    pub(crate) http_only: Slot<bool>,
    pub(crate) same_site: Slot<SameSite>,
    pub(crate) partitioned: Slot<bool>,
}

impl Attrs {
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Self {
        let mut attrs = Self::default();
        parse_attributes(&input.attrs, "name = \"LOGIN\"", errors, |stream, errors| {
            each_option(stream, errors, |key, stream, errors| {
                attrs.option(&input.ident, key, stream, errors)
            });
        });
        attrs.principal = field::principal(&input.data, errors);
        attrs
    }

    fn option(&mut self, ident: &Ident, key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Handled {
        match key.to_string().as_str() {
            "name" => self.name.fill(key, errors, |e| text(key, "\"LOGIN\"", input, e)),
            "transport" => self.transport.fill(key, errors, |e| transport(key, input, e)),
            "max_age" => self
                .max_age
                .fill(key, errors, |e| duration(key, "\"30 days\"", input, e)),
            "idle_timeout" => self
                .idle_timeout
                .fill(key, errors, |e| duration(key, "\"30m\"", input, e)),
            "absolute_lifetime" => self
                .absolute_lifetime
                .fill(key, errors, |e| duration(key, "\"12h\"", input, e)),
            "serializer" => self
                .serializer
                .fill(key, errors, |e| type_path(key, "Json", input, e)),
            "version" => self.version.fill(key, errors, |e| {
                value(key, "a whole number", "2", input, e, |input| {
                    let number: LitInt = input.parse()?;
                    Ok((number.base10_parse()?, number.into_token_stream()))
                })
            }),
            "previous" => {
                let example = format!("{}V1", ident.unraw());
                self.previous
                    .fill(key, errors, |e| type_path(key, &example, input, e))
            }
            "crate" => self.krate.fill(key, errors, |e| crate_path(key, input, e)),
            _ => {
                if let Some(meant) = unknown::on_struct(&ident.unraw(), key, input, errors) {
                    self.mark_broken(meant);
                }
                Handled::Failed
            }
        }
    }

    /// A mistyped option is there all the same: that it lacks is no second mistake.
    fn mark_broken(&mut self, option: &str) {
        match option {
            "name" => self.name.mark_broken(),
            "transport" => self.transport.mark_broken(),
            "max_age" => self.max_age.mark_broken(),
            "absolute_lifetime" => self.absolute_lifetime.mark_broken(),
            "serializer" => self.serializer.mark_broken(),
            "version" => self.version.mark_broken(),
            _ => {}
        }
    }
}

impl CookieAttrs {
    fn option(&mut self, key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Handled {
        match key.to_string().as_str() {
            "path" => self.path.fill(key, errors, |e| text(key, "\"/\"", input, e)),
            "domain" => self
                .domain
                .fill(key, errors, |e| text(key, "\"example.org\"", input, e)),
            "secure" => self.secure.fill(key, errors, |e| flag(key, input, e)),
            "http_only" => self.http_only.fill(key, errors, |e| flag(key, input, e)),
            "same_site" => self.same_site.fill(key, errors, |e| same_site(key, input, e)),
            "partitioned" => self.partitioned.fill(key, errors, |e| flag(key, input, e)),
            _ => {
                unknown::in_cookie(key, errors);
                Handled::Failed
            }
        }
    }
}

fn text(key: &Ident, example: &str, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<String>> {
    value(key, "a string", example, input, errors, |input| {
        let literal: LitStr = input.parse()?;
        Ok((literal.value(), literal.into_token_stream()))
    })
}

fn duration(
    key: &Ident,
    example: &str,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Option<Setting<Duration>> {
    let literal = value(
        key,
        "a string with a number and a unit",
        example,
        input,
        errors,
        |input| {
            let literal: LitStr = input.parse()?;
            Ok((literal.value(), literal.into_token_stream()))
        },
    )?;
    match parse_duration(&literal.value) {
        Ok(duration) => Some(Setting {
            value: duration,
            place: literal.place,
        }),
        Err(error) => {
            let help = format!("`{key} = {}`", error.help.trim_matches('`'));
            errors.push(literal.place, error.message, help);
            None
        }
    }
}

/// `secure`, `secure = true` or `secure = false`; an error points at the key.
fn flag(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<bool>> {
    if input.is_empty() || input.peek(Token![,]) {
        return Some(Setting {
            value: true,
            place: key.to_token_stream(),
        });
    }
    value(key, "`true` or `false`", "false", input, errors, |input| {
        let literal: LitBool = input.parse()?;
        Ok((literal.value, key.to_token_stream()))
    })
}

fn same_site(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<SameSite>> {
    let word = value(key, "`strict`, `lax` or `none`", "lax", input, errors, |input| {
        let word: Ident = input.parse()?;
        Ok((word.to_string(), word.into_token_stream()))
    })?;
    let value = match word.value.as_str() {
        "strict" => SameSite::Strict,
        "lax" => SameSite::Lax,
        "none" => SameSite::None,
        other => {
            unknown::word(
                "`same_site`",
                other,
                &["strict", "lax", "none"],
                &word.place,
                errors,
            );
            return None;
        }
    };
    Some(Setting {
        value,
        place: word.place,
    })
}

fn transport(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<TransportAttr>> {
    let word = value(
        key,
        "`cookie`, `cookie(…)` or `header`",
        "header",
        input,
        errors,
        |input| {
            let word: Ident = input.parse()?;
            Ok((word.to_string(), word.into_token_stream()))
        },
    )?;
    let options = input.peek(token::Paren);
    let value = match word.value.as_str() {
        "cookie" => {
            let mut cookie = Box::<CookieAttrs>::default();
            if options {
                in_parentheses(input, errors, |content, errors| {
                    each_option(content, errors, |key, input, errors| {
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

fn type_path(
    key: &Ident,
    example: &str,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Option<Setting<Type>> {
    value(key, "the path of a type", example, input, errors, |input| {
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
    })
}

/// `crate = ::path` or, as in serde, `crate = "path"`.
fn crate_path(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting<Path>> {
    let setting = value(
        key,
        "the path of a crate or module",
        "::sessions_core",
        input,
        errors,
        |input| {
            let path = if input.peek(LitStr) {
                let literal: LitStr = input.parse()?;
                literal.parse_with(Path::parse_mod_style)?
            } else {
                input.call(Path::parse_mod_style)?
            };
            let place: TokenStream = path.to_token_stream();
            Ok((path, place))
        },
    )?;
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
