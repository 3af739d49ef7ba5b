//! What JSON writes and cannot read back: a silent logout.
//!
//! Only what is wrong as far as the struct shows. An alias of `Option` that is not written is said to be optional by
//! `#[serde(default)]`. A conversion of the whole type or of a field is its author's business.

use quote::ToTokens;
use syn::{
    Attribute, Data, Expr, Field, Fields, GenericArgument, Lit, Meta, PathArguments, PathSegment, Token,
    Type, ext::IdentExt, punctuated::Punctuated,
};

use crate::{errors::Errors, model::Model};

pub(super) fn check(model: &Model<'_>, errors: &mut Errors) {
    let Data::Struct(data) = &model.input.data else {
        return;
    };
    let whole = Options::of(&model.input.attrs);
    if ["from", "try_from", "into", "transparent"]
        .iter()
        .any(|converts| whole.find(converts).is_some())
    {
        return;
    }
    // What the case makes of each name is serde's business: of names with one word often nothing.
    let cases = whole.find("rename_all").is_some();
    if let (Some(option), Fields::Named(fields)) = (whole.only("rename_all"), &data.fields)
        && differs(option, None)
        && fields.named.iter().any(takes_its_case)
    {
        let help = "give both directions the same case: `#[serde(rename_all = \"…\")]`";
        refuse(
            option,
            "the names that it writes are not those that it reads",
            help,
            errors,
        );
    }
    let strict = whole.find("deny_unknown_fields").is_some();
    if let Some(option) = whole.find("tag").filter(|_| strict) {
        refuse(
            option,
            "with `deny_unknown_fields` the tag is an unknown field",
            "remove one of the two",
            errors,
        );
    }
    let defaults = whole.find("default").is_some();
    for (index, field) in data.fields.iter().enumerate() {
        let options = Options::of(&field.attrs);
        if options.find("skip").is_some() || options.find("flatten").is_some() {
            continue;
        }
        let optional = defaults || options.find("default").is_some();
        if matches!(data.fields, Fields::Named(_)) {
            check_named(field, &options, optional, strict, cases, errors);
        } else if data.fields.len() > 1 {
            check_element(&options, optional && index + 1 == data.fields.len(), errors);
        }
    }
}

/// Whether a case changes its name for sure, and no other name is given to it.
fn takes_its_case(field: &Field) -> bool {
    let options = Options::of(&field.attrs);
    let own = field
        .ident
        .as_ref()
        .is_some_and(|ident| ident.unraw().to_string().contains('_'));
    own && ["rename", "alias", "skip", "flatten"]
        .iter()
        .all(|option| options.find(option).is_none())
}

fn check_named(
    field: &Field,
    options: &Options,
    optional: bool,
    strict: bool,
    cases: bool,
    errors: &mut Errors,
) {
    let unwritten = options.find("skip_serializing");
    let unread = options.find("skip_deserializing");
    let converted = options.find("with").or_else(|| options.find("deserialize_with"));
    // Of itself an `Option` may be missing, but not when something else reads it.
    let optional = optional || is_option(&field.ty) && converted.is_none();
    match (unwritten, unread) {
        (Some(_), Some(_)) => return,
        (None, Some(option)) => {
            if strict {
                let why = "with `deny_unknown_fields` the field is an unknown one when it is read";
                refuse(option, why, "`#[serde(skip)]`", errors);
            }
            return;
        }
        (unwritten, None) => {
            if let Some(option) = unwritten.or_else(|| options.find("skip_serializing_if"))
                && !optional
            {
                let help = "say what it is then: `#[serde(default)]`";
                refuse(
                    option,
                    "the field may not be missing when it is read",
                    help,
                    errors,
                );
            }
        }
    }
    let own = field.ident.as_ref().map(|ident| ident.unraw().to_string());
    if let Some(option) = options.only("rename")
        && unwritten.is_none()
        && !(cases
            && (direction(option, "serialize").is_none() || direction(option, "deserialize").is_none()))
        && differs(option, own.as_deref())
        && !options.has_alias(direction(option, "serialize").or(own).as_deref())
    {
        let help = "give it one name: `#[serde(rename = \"…\")]`";
        refuse(
            option,
            "the name that it writes is not the one that it reads",
            help,
            errors,
        );
    }
}

/// An element of a tuple struct is read by its position.
fn check_element(options: &Options, last_and_optional: bool, errors: &mut Errors) {
    let one_sided = options
        .find("skip_serializing")
        .xor(options.find("skip_deserializing"));
    let option = one_sided.or_else(|| options.find("skip_serializing_if").filter(|_| !last_and_optional));
    if let Some(option) = option {
        let help = "`#[serde(skip)]`, or a struct with named fields";
        refuse(
            option,
            "elements without names are read by their position",
            help,
            errors,
        );
    }
}

fn refuse(option: &Meta, why: &str, help: &str, errors: &mut Errors) {
    let name = option.path().to_token_stream();
    errors.push(
        option,
        format!("JSON cannot read back a session with `#[serde({name})]`: {why}"),
        help,
    );
}

/// Whether it says one thing for writing and another for reading; where it says nothing there is the `own` name.
fn differs(option: &Meta, own: Option<&str>) -> bool {
    let of = |side| direction(option, side).or_else(|| own.map(str::to_owned));
    matches!(option, Meta::List(_)) && of("serialize") != of("deserialize")
}

/// The text in `option(direction = "text")`.
fn direction(option: &Meta, direction: &str) -> Option<String> {
    let Meta::List(list) = option else {
        return None;
    };
    let sides = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    sides
        .ok()?
        .iter()
        .find(|side| side.path().is_ident(direction))
        .and_then(text)
}

fn text(option: &Meta) -> Option<String> {
    let Meta::NameValue(pair) = option else {
        return None;
    };
    let mut value = &pair.value;
    // A value that a macro was given.
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn is_option(mut ty: &Type) -> bool {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            last.ident == "Option"
                || ["Box", "Rc", "Arc"].iter().any(|held| last.ident == held) && holds_an_option(last)
        }),
        _ => false,
    }
}

fn holds_an_option(pointer: &PathSegment) -> bool {
    match &pointer.arguments {
        PathArguments::AngleBracketed(held) => held
            .args
            .iter()
            .any(|held| matches!(held, GenericArgument::Type(ty) if is_option(ty))),
        _ => false,
    }
}

/// What stands in `#[serde(…)]`. What does not parse is for serde to complain about.
struct Options(Vec<Meta>);

impl Options {
    fn of(attributes: &[Attribute]) -> Self {
        let lists = attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("serde"))
            .filter_map(|attribute| {
                attribute
                    .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                    .ok()
            });
        Self(lists.flatten().collect())
    }

    fn find(&self, name: &str) -> Option<&Meta> {
        self.0.iter().find(|option| option.path().is_ident(name))
    }

    /// The option, if it is written once.
    fn only(&self, name: &str) -> Option<&Meta> {
        let mut all = self.0.iter().filter(|option| option.path().is_ident(name));
        all.next().filter(|_| all.next().is_none())
    }

    fn has_alias(&self, name: Option<&str>) -> bool {
        let aliases = self.0.iter().filter(|option| option.path().is_ident("alias"));
        name.is_some() && aliases.filter_map(text).any(|alias| Some(alias.as_str()) == name)
    }
}
