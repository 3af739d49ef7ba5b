//! `#[session(…)]` as it is written: each option with the tokens that an error points at.

mod field;
mod options;
mod repair;
mod slot;
mod unknown;
mod values;
mod words;
mod written;

use std::time::Duration;

use sessions_core::SameSite;
use syn::{DeriveInput, Ident, Path, Type, ext::IdentExt, parse::ParseStream};

use crate::errors::Errors;

pub(crate) use field::Principal;
pub(crate) use slot::{Setting, Slot};

use options::{Handled, Key, List, each_option, parse_attributes};
use values::{crate_path, duration, flag, same_site, text, transport, type_path, version};
use written::Written;

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
        let written = Written::of(&input.attrs);
        parse_attributes(&input.attrs, "name = \"LOGIN\"", errors, |stream, errors| {
            each_option(List::Struct, stream, errors, |key, stream, errors| {
                attrs.option(&input.ident, &written, key, stream, errors)
            });
        });
        attrs.principal = field::principal(&input.data, errors);
        attrs
    }

    fn option(
        &mut self,
        ident: &Ident,
        written: &Written,
        key: &Key,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> Handled {
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
            "version" => self.version.fill(key, errors, |e| version(key, input, e)),
            "previous" => {
                let example = format!("{}V1", ident.unraw());
                self.previous
                    .fill(key, errors, |e| type_path(key, &example, input, e))
            }
            "crate" => self.krate.fill(key, errors, |e| crate_path(key, input, e)),
            _ => {
                if let Some(meant) = unknown::on_struct(&ident.unraw(), key, input, written, errors) {
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
    fn option(&mut self, key: &Key, input: ParseStream<'_>, errors: &mut Errors) -> Handled {
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
