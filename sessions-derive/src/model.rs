//! A session type with its defaults filled in.

use std::{borrow::Cow, time::Duration};

use proc_macro2::TokenStream;
use sessions_core::{CookieSpec, SameSite, SessionSpec, Transport, default_name};
use syn::{DeriveInput, Path, ext::IdentExt};

use crate::{
    attr::{Attrs, CookieAttrs, Slot, TransportAttr},
    errors::Errors,
};

pub(crate) struct Model<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) attrs: Attrs,
    pub(crate) krate: Path,
    /// What is broken is replaced by what breaks no rule, so that every other mistake can still be told.
    pub(crate) spec: SessionSpec,
}

impl<'a> Model<'a> {
    pub(crate) fn new(
        input: &'a DeriveInput,
        attrs: Attrs,
        default_crate: Path,
        errors: &mut Errors,
    ) -> Self {
        let transport = match attrs.transport.value() {
            Some(TransportAttr::Header) => Transport::Header,
            Some(TransportAttr::Cookie(cookie)) => Transport::Cookie(cookie_spec(cookie)),
            None => Transport::Cookie(CookieSpec::new()),
        };
        let spec = SessionSpec {
            name: name(input, &attrs, &transport, errors),
            transport,
            idle_timeout: copied(&attrs.idle_timeout),
            absolute_lifetime: copied(&attrs.absolute_lifetime),
            max_age: copied(&attrs.max_age),
            version: attrs.version.value().copied().unwrap_or(1),
        };
        let krate = attrs.krate.value().cloned().unwrap_or(default_crate);
        Self {
            input,
            attrs,
            krate,
            spec,
        }
    }

    /// The cookie's options as written.
    pub(crate) fn cookie(&self) -> Option<&CookieAttrs> {
        match self.attrs.transport.value()? {
            TransportAttr::Cookie(cookie) => Some(cookie),
            TransportAttr::Header => None,
        }
    }
}

fn copied(slot: &Slot<Duration>) -> Option<Duration> {
    slot.value().copied()
}

fn cookie_spec(attrs: &CookieAttrs) -> CookieSpec {
    let default = CookieSpec::new();
    CookieSpec {
        path: attrs.path.value().cloned().map_or(default.path, Cow::Owned),
        domain: attrs.domain.value().cloned().map(Cow::Owned),
        secure: attrs.secure.value().copied().unwrap_or(default.secure),
        http_only: attrs.http_only.value().copied().unwrap_or(default.http_only),
        same_site: attrs.same_site.value().copied().unwrap_or(SameSite::Lax),
        partitioned: attrs.partitioned.value().copied().unwrap_or(default.partitioned),
    }
}

fn name(input: &DeriveInput, attrs: &Attrs, transport: &Transport, errors: &mut Errors) -> Cow<'static, str> {
    let ident = input.ident.unraw().to_string();
    match (&attrs.name, transport) {
        (Slot::Set(name), _) => Cow::Owned(name.value.clone()),
        (Slot::Broken, _) => Cow::Borrowed("session"),
        (Slot::Unset, Transport::Cookie(cookie)) => Cow::Owned(default_name(&ident, cookie)),
        (Slot::Unset, Transport::Header) => {
            let place = attrs
                .transport
                .place()
                .map_or_else(TokenStream::new, Clone::clone);
            errors.push(
                place,
                "a session in a header needs a `name`",
                format!("`name = \"X-{ident}\"`"),
            );
            Cow::Borrowed("X-Session")
        }
    }
}
