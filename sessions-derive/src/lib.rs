//! `#[derive(Session)]`: what a session is called, where its token travels and how long it lasts, on its data class.
//!
//! Use it through the crate that re-exports it; the generated code names that crate's items. The rules are those of
//! `sessions_core::SessionSpec::violations`.

mod attr;
mod check;
mod errors;
mod expand;
mod fallback;
mod model;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::{DeriveInput, Path, parse_macro_input, parse_quote};

/// Makes a struct a session. `docs/attributes.md` has each option with an example and what it sends.
///
/// # On the struct: `#[session(…)]`
///
/// | option | value | default |
/// |---|---|---|
/// | `name` | `"LOGIN"`, exactly as it goes over the wire | `__Host-` (`__Secure-` with a path or domain) and the type in snake case; a header needs one |
/// | `transport` | `cookie`, `cookie(…)` or `header` | `cookie` |
/// | `max_age` | `"30 days"`: how long the browser keeps the cookie | until the browser is closed |
/// | `idle_timeout` | `"30m"`: the longest time between two requests | `max_age`, else 30 minutes |
/// | `absolute_lifetime` | `"12h"`: the longest life, however active | 400 days with `max_age`, else 12 hours |
/// | `serializer` | a type, `Json` | `Bincode` |
/// | `version` | a number from 1 | 1 |
/// | `previous` | the type of the version before, with `From` | none |
/// | `crate` | the path of the crate that re-exports the derive | that crate itself |
///
/// In `cookie(…)`: `path = "/"`, `domain = "example.org"`, `secure = false`, `http_only = false`,
/// `same_site = strict` (or `lax`, the default, or `none`), `partitioned`.
///
/// # On a field: `#[session(principal)]`
///
/// The field, a `ToPrincipal`, says whose session it is.
#[proc_macro_derive(Session, attributes(session))]
pub fn derive_session(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input, parse_quote!(::sessions_actix)).into()
}

/// The same for `sessions_core` alone, without a web framework; the options are those of [`Session`](macro@Session).
#[proc_macro_derive(CoreSession, attributes(session))]
pub fn derive_core_session(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input, parse_quote!(::sessions_core)).into()
}

fn derive(input: &DeriveInput, default_crate: Path) -> proc_macro2::TokenStream {
    let mut errors = errors::Errors::default();
    let attrs = attr::Attrs::read(input, &mut errors);
    let model = model::Model::new(input, attrs, default_crate, &mut errors);
    check::check(&model, &mut errors);
    match errors.finish() {
        Ok(()) => expand::expand(&model),
        Err(error) => fallback::expand(&model, &error),
    }
}
