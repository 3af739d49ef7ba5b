//! The impl. Paths are absolute and calls are qualified, so that nothing in scope can take their place.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use sessions_core::{CookieSpec, SameSite, Transport};
use syn::{Path, Type, spanned::Spanned};

use crate::{attr::Principal, model::Model};

pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let krate = &model.krate;
    let ident = &model.input.ident;
    let spec = spec(model);
    let serializer = match model.attrs.serializer.value() {
        Some(serializer) => quote!(#serializer),
        // An error about a missing `Serialize` points at the type.
        None => located_at(ident.span(), quote!(#krate::serializer::Bincode)),
    };
    let principal = model
        .attrs
        .principal
        .as_ref()
        .map(|principal| principal_fn(krate, principal));
    let previous = model.attrs.previous.value().map(|previous| {
        let upgrade = quote!(#krate::Upgrade::<Self>);
        // An error about a missing `From` points at the older type.
        let chain = quote_spanned!(previous.span()=> chain::<#previous>());
        quote! {
            fn previous() -> ::std::vec::Vec<#krate::Upgrade<Self>> {
                #upgrade::#chain
            }
        }
    });
    let write_previous = model
        .attrs
        .previous
        .value()
        .map(|previous| write_previous(krate, ident, previous));
    quote! {
        #[automatically_derived]
        impl #krate::export::Session for #ident {
            const SPEC: #krate::SessionSpec = #spec;
            type Serializer = #serializer;
            #principal
            #previous
        }
        #write_previous
    }
}

/// Only for a type that can become its previous version: few have to. With a lifetime the bound may go unfulfilled.
fn write_previous(krate: &Path, ident: &Ident, previous: &Type) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #krate::WritePrevious for #ident
        where
            for<'a> #previous: #krate::export::MadeFrom<'a, #ident>,
        {
            fn downgrade() -> #krate::Downgrade<Self> {
                #krate::Downgrade::<Self>::to::<#previous>()
            }
        }
    }
}

/// Tokens that resolve as before, with errors at `place`.
fn located_at(place: Span, tokens: TokenStream) -> TokenStream {
    let relocate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(place));
        token
    };
    tokens.into_iter().map(relocate).collect()
}

fn principal_fn(krate: &Path, principal: &Principal) -> TokenStream {
    let Principal { member, ty } = principal;
    let trait_fn = quote_spanned!(ty.span()=> <#ty as #krate::ToPrincipal>::to_principal);
    quote! {
        fn principal(&self) -> ::core::option::Option<#krate::Principal> {
            #trait_fn(&self.#member)
        }
    }
}

fn spec(model: &Model<'_>) -> TokenStream {
    let krate = &model.krate;
    let spec = &model.spec;
    let name = borrowed(&spec.name);
    let transport = match &spec.transport {
        Transport::Header => quote!(#krate::Transport::Header),
        Transport::Cookie(cookie) => {
            let cookie = cookie_spec(krate, cookie);
            quote!(#krate::Transport::Cookie(#cookie))
        }
    };
    let idle_timeout = option(spec.idle_timeout.map(duration));
    let absolute_lifetime = option(spec.absolute_lifetime.map(duration));
    let max_age = option(spec.max_age.map(duration));
    let version = spec.version;
    quote! {
        #krate::SessionSpec {
            name: #name,
            transport: #transport,
            idle_timeout: #idle_timeout,
            absolute_lifetime: #absolute_lifetime,
            max_age: #max_age,
            version: #version,
        }
    }
}

fn cookie_spec(krate: &Path, cookie: &CookieSpec) -> TokenStream {
    let CookieSpec {
        path,
        domain,
        secure,
        http_only,
        same_site,
        partitioned,
    } = cookie;
    let path = borrowed(path);
    let domain = option(domain.as_deref().map(borrowed));
    let same_site = match same_site {
        SameSite::Strict => quote!(Strict),
        SameSite::Lax => quote!(Lax),
        SameSite::None => quote!(None),
    };
    quote! {
        #krate::CookieSpec {
            path: #path,
            domain: #domain,
            secure: #secure,
            http_only: #http_only,
            same_site: #krate::SameSite::#same_site,
            partitioned: #partitioned,
        }
    }
}

fn borrowed(text: &str) -> TokenStream {
    quote!(::std::borrow::Cow::Borrowed(#text))
}

/// Written durations are whole seconds.
fn duration(duration: Duration) -> TokenStream {
    let seconds = duration.as_secs();
    quote!(::core::time::Duration::from_secs(#seconds))
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
