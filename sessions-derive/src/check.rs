//! What a session type has to keep. Rules about the spec are sessions-core's; those here are about Rust's items.

mod json;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use sessions_core::Culprit;
use syn::{Attribute, Data, GenericParam, Ident, Meta, Type, ext::IdentExt};

use crate::{attr::Slot, errors::Errors, model::Model};

pub(crate) fn check(model: &Model<'_>, errors: &mut Errors) {
    check_shape(model, errors);
    check_generics(model, errors);
    check_spec(model, errors);
    check_previous(model, errors);
    match serializer_name(&model.attrs.serializer) {
        Some(name) if name == "Bincode" => check_bincode(model, errors),
        Some(name) if name == "Json" => json::check(model, errors),
        _ => {}
    }
}

fn check_shape(model: &Model<'_>, errors: &mut Errors) {
    let ident = model.input.ident.unraw();
    match &model.input.data {
        Data::Struct(_) => {}
        Data::Enum(data) => errors.push(
            data.enum_token,
            "`Session` can be derived for structs only",
            format!("put the enum into a field: `struct {ident}Session {{ state: {ident} }}`"),
        ),
        Data::Union(data) => errors.push(
            data.union_token,
            "`Session` can be derived for structs only, and a union cannot be serialized",
            "use a struct, with an enum in a field",
        ),
    }
}

/// One name and one place of storage belong to one type: two instances of a generic one would share them.
fn check_generics(model: &Model<'_>, errors: &mut Errors) {
    let ident = model.input.ident.unraw();
    for parameter in &model.input.generics.params {
        match parameter {
            GenericParam::Lifetime(parameter) => errors.push(
                &parameter.lifetime,
                format!(
                    "a session outlives the request and cannot borrow for `{}`",
                    parameter.lifetime
                ),
                "use owned fields, such as `String`",
            ),
            GenericParam::Type(parameter) => generic(&ident, &parameter.ident, errors),
            GenericParam::Const(parameter) => generic(&ident, &parameter.ident, errors),
        }
    }
}

fn generic(ident: &Ident, parameter: &Ident, errors: &mut Errors) {
    errors.push(
        parameter,
        format!("a session type cannot be generic: every `{ident}<{parameter}>` would share one name"),
        format!("derive it for a concrete type: `struct My{ident}({ident}<…>);`"),
    );
}

fn check_spec(model: &Model<'_>, errors: &mut Errors) {
    let attrs = &model.attrs;
    let limits_broken =
        attrs.max_age.is_broken() || attrs.idle_timeout.is_broken() || attrs.absolute_lifetime.is_broken();
    for violation in model.spec.violations() {
        let about_limits = matches!(
            violation.culprit,
            Culprit::MaxAge | Culprit::IdleTimeout | Culprit::AbsoluteLifetime
        );
        // A limit that could not be read may be the very one that the others lack.
        if !(limits_broken && about_limits) {
            errors.push(place(model, violation.culprit), violation.message, violation.help);
        }
    }
}

/// The tokens to edit; the type's name where the rule is broken by a default.
fn place(model: &Model<'_>, culprit: Culprit) -> TokenStream {
    let attrs = &model.attrs;
    let cookie = model.cookie();
    let written = match culprit {
        Culprit::Path => cookie.and_then(|cookie| cookie.path.place()),
        Culprit::Domain => cookie.and_then(|cookie| cookie.domain.place()),
        Culprit::Secure => cookie.and_then(|cookie| cookie.secure.place()),
        Culprit::HttpOnly => cookie.and_then(|cookie| cookie.http_only.place()),
        Culprit::SameSite => cookie.and_then(|cookie| cookie.same_site.place()),
        Culprit::Partitioned => cookie.and_then(|cookie| cookie.partitioned.place()),
        Culprit::MaxAge => attrs.max_age.place(),
        Culprit::IdleTimeout => attrs.idle_timeout.place(),
        Culprit::AbsoluteLifetime => attrs.absolute_lifetime.place(),
        Culprit::Version => attrs.version.place(),
        _ => attrs.name.place(),
    };
    written
        .cloned()
        .unwrap_or_else(|| model.input.ident.to_token_stream())
}

fn check_previous(model: &Model<'_>, errors: &mut Errors) {
    let Some(previous) = model.attrs.previous.setting() else {
        return;
    };
    let ident = &model.input.ident;
    if let Type::Path(path) = &previous.value
        && (path.path.is_ident(ident) || path.path.is_ident("Self"))
    {
        errors.push(
            &previous.place,
            format!("`{}` cannot be its own previous version", ident.unraw()),
            format!(
                "keep the old struct under another name: `previous = {}V1`",
                ident.unraw()
            ),
        );
    } else if !model.attrs.version.is_broken() && model.spec.version == 1 {
        errors.push(
            &previous.place,
            "`previous` needs a `version` above the previous one's",
            "`version = 2`",
        );
    }
}

/// Rust has no way to ask which type it is, so its name has to do.
fn serializer_name(serializer: &Slot<Type>) -> Option<String> {
    match serializer {
        Slot::Unset => Some("Bincode".to_owned()),
        Slot::Broken => None,
        Slot::Set(setting) => match &setting.value {
            Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        },
    }
}

/// Bincode encodes these happily, or not at all, and cannot decode what it wrote: a silent logout.
fn check_bincode(model: &Model<'_>, errors: &mut Errors) {
    let Data::Struct(data) = &model.input.data else {
        return;
    };
    for option in serde_options(&model.input.attrs) {
        if option == "tag" || option == "untagged" {
            refuse(&option, errors);
        }
    }
    for field in &data.fields {
        let options = serde_options(&field.attrs);
        let has = |name: &str| options.iter().any(|option| option == name);
        let one_sided = has("skip_serializing") != has("skip_deserializing");
        for option in &options {
            // A field that is skipped both ways is never written, whatever the condition.
            let conditional = option == "skip_serializing_if" && !has("skip");
            if option == "flatten" || conditional {
                refuse(option, errors);
            } else if one_sided && (option == "skip_serializing" || option == "skip_deserializing") {
                errors.push(
                    option,
                    format!(
                        "bincode cannot decode a session with `#[serde({option})]`: it has no field names"
                    ),
                    "`#[serde(skip)]`, or another serializer: `#[session(serializer = Json)]`",
                );
            }
        }
    }
}

fn refuse(option: &Ident, errors: &mut Errors) {
    errors.push(
        option,
        format!("bincode cannot decode a session with `#[serde({option})]`: it has no field names"),
        "remove it, or choose another serializer: `#[session(serializer = Json)]`",
    );
}

/// The names of the options in `#[serde(…)]`; their values are serde's business.
fn serde_options(attributes: &[Attribute]) -> Vec<Ident> {
    let mut options = Vec::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
    {
        let Meta::List(list) = &attribute.meta else {
            continue;
        };
        let mut at_start = true;
        for token in list.tokens.clone() {
            match token {
                TokenTree::Ident(ident) if at_start => {
                    options.push(ident);
                    at_start = false;
                }
                TokenTree::Punct(punct) => at_start = punct.as_char() == ',',
                _ => at_start = false,
            }
        }
    }
    options
}
