//! `#[session(principal)]` on a field.

use syn::{Data, Index, Member, Token, Type, parse::ParseStream};

use crate::errors::Errors;

use super::{
    options::{Handled, Key, List, each_option, parse_attributes},
    unknown,
};

/// The field that says whose session it is.
pub(crate) struct Principal {
    pub(crate) member: Member,
    pub(crate) ty: Type,
}

pub(super) fn principal(data: &Data, errors: &mut Errors) -> Option<Principal> {
    let Data::Struct(data) = data else { return None };
    let mut found = None;
    for (position, field) in data.fields.iter().enumerate() {
        parse_attributes(&field.attrs, "principal", errors, |input, errors| {
            each_option(List::Field, input, errors, |key, input, errors| {
                if *key != *"principal" {
                    unknown::on_field(key, input, errors);
                    return Handled::Failed;
                }
                if takes_value(key, input, errors) {
                    return Handled::Failed;
                }
                if found.is_some() {
                    errors.push(
                        key,
                        "a session has one principal, and another field is marked already",
                        "remove one of the two",
                    );
                    return Handled::Failed;
                }
                let member = field
                    .ident
                    .clone()
                    .map_or_else(|| Member::from(Index::from(position)), Member::from);
                found = Some(Principal {
                    member,
                    ty: field.ty.clone(),
                });
                Handled::Read
            });
        });
    }
    found
}

fn takes_value(key: &Key, input: ParseStream<'_>, errors: &mut Errors) -> bool {
    let value = !input.is_empty() && !input.peek(Token![,]);
    if value {
        errors.push(key, "`principal` takes no value", "`#[session(principal)]`");
    }
    value
}
