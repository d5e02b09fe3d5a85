//! What an event and a column must hold to, reported at the token that breaks it.

use std::collections::HashMap;

use syn::{Ident, Type};

use crate::column_input::{Body, Column, Label, VariantData, Variants};
use crate::errors::Errors;
use crate::event_input::{Event, EventType};
use crate::field::{Field, Role};
use crate::name_rules::{column_name, top_level_column, type_name};

/// Checks a type that derives `Event`.
pub(crate) fn event(event: &Event<'_>, errors: &mut Errors) {
    let mut seen = HashMap::new();
    for event_type in &event.types {
        if let Some(name) = &event_type.name {
            type_name(name, errors);
            if let Some(first) = seen.insert(&name.text, event_type.ident) {
                let name = &name.text;
                let message = format!(
                    "`{first}` is `{name}` already: write `#[event(\"…\")]` with another name"
                );
                errors.at(event_type.ident, message);
            }
        }
        event_fields(event_type, errors);
    }
    one_spelling(event, errors);
}

/// The variants of an enum share a table, whose columns differ in more than their case.
fn one_spelling(event: &Event<'_>, errors: &mut Errors) {
    let mut spellings = HashMap::new();
    for event_type in &event.types {
        for field in event_type.fields.iter().filter(|field| field.is_column()) {
            let name = &field.name.text;
            let (first, owner) = spellings
                .entry(name.to_ascii_lowercase())
                .or_insert((name, event_type.ident));
            if *first != name && *owner != event_type.ident {
                let message = format!(
                    "`{owner}` spells this column `{first}`: write `rename = {first:?}` here as well"
                );
                errors.at(&field.name, message);
            }
        }
    }
}

fn event_fields(event_type: &EventType<'_>, errors: &mut Errors) {
    let mut levels = event_type.name.iter().flat_map(|name| name.text.split('.'));
    let namespace = levels.next().unwrap_or_default();
    fields(&event_type.fields, errors);
    for field in event_type.fields.iter().filter(|field| field.is_column()) {
        top_level_column(&field.name, namespace, errors);
    }
    for role in [Role::UserId, Role::Timestamp] {
        once(role, &event_type.fields, errors);
    }
}

/// An event has one user and one moment.
fn once(role: Role, fields: &[Field<'_>], errors: &mut Errors) {
    let mut marked = fields.iter().filter(|field| field.role() == role);
    let Some(first) = marked.next() else { return };
    for second in marked {
        for key in second.attrs.roles() {
            errors.at(
                key,
                format!("`{}` is the `{key}` already: remove one", first.ident),
            );
        }
    }
}

/// Checks a type that derives `Column`.
pub(crate) fn column(column: &Column<'_>, errors: &mut Errors) {
    match &column.body {
        Body::Record(record) => {
            fields(record, errors);
            if !record.iter().any(Field::is_written) {
                let message = "BigQuery has no RECORD without columns: write at least one field that is not skipped";
                errors.at(column.item.ident, message);
            }
            for field in record {
                not_itself(field.ty, column.item.ident, errors);
            }
        }
        Body::Labels(labels) => distinct_labels(labels, errors),
        Body::Variants(variants) => data_variants(variants, column.item.ident, errors),
        Body::Newtype(_) | Body::Refused => {}
    }
}

/// The RECORD of an enum has a column for each variant with data, and one for which variant it is.
fn data_variants(variants: &Variants<'_>, owner: &Ident, errors: &mut Errors) {
    column_name(&variants.kind, errors);
    let mut seen = HashMap::from([(variants.kind.text.to_ascii_lowercase(), None)]);
    for variant in &variants.variants {
        let Label { ident, text } = &variant.label;
        match &variant.data {
            VariantData::Nothing => {}
            VariantData::Fields(data) => {
                column_name(text, errors);
                fields(data, errors);
                for field in data {
                    not_itself(field.ty, owner, errors);
                }
            }
            VariantData::Value(ty) => {
                column_name(text, errors);
                not_itself(ty, owner, errors);
            }
        }
        let message = match seen.insert(text.text.to_ascii_lowercase(), Some(*ident)) {
            None => continue,
            Some(Some(first)) => format!(
                "`{first}` is written `{}` already, whatever the case: write `rename = \"…\"` with another text",
                text.text
            ),
            Some(None) => format!(
                "`{}` is the column that says which variant it is: write `rename = \"…\"` here, or `kind = \"…\"` above the enum",
                text.text
            ),
        };
        errors.at(text, message);
    }
}

fn not_itself(ty: &Type, owner: &Ident, errors: &mut Errors) {
    if holds(ty, owner) {
        errors.at(
            ty,
            "a RECORD cannot hold itself: write the key of the other value instead",
        );
    }
}

fn distinct_labels(labels: &[Label<'_>], errors: &mut Errors) {
    let mut seen = HashMap::new();
    for label in labels {
        if let Some(first) = seen.insert(&label.text.text, label.ident) {
            let text = &label.text.text;
            let message = format!(
                "`{first}` is written `{text}` already: write `rename = \"…\"` with another text"
            );
            errors.at(&label.text, message);
        }
    }
}

/// What holds for the fields of events and of RECORDs.
fn fields(fields: &[Field<'_>], errors: &mut Errors) {
    let mut seen = HashMap::new();
    for field in fields {
        contradictions(field, errors);
        if !field.is_column() {
            continue;
        }
        column_name(&field.name, errors);
        if let Some(first) = seen.insert(field.name.text.to_ascii_lowercase(), field.ident) {
            let name = &field.name.text;
            let message = format!(
                "`{first}` is the column `{name}` already, and BigQuery ignores case: write `rename = \"…\"` with another name"
            );
            errors.at(&field.name, message);
        }
    }
}

/// The first of the options that only one type of column each has.
fn first_of(field: &Field<'_>) -> String {
    let json = field.attrs.json.as_ref().map(|given| &given.key);
    let mut words = json.into_iter().chain(field.attrs.refinements());
    words.next().map(ToString::to_string).unwrap_or_default()
}

fn contradictions(field: &Field<'_>, errors: &mut Errors) {
    if let (Some(prefix), None) = (&field.attrs.prefix, &field.attrs.flatten) {
        errors.at(
            &prefix.key,
            "`prefix` is for the columns of a flattened field: write `flatten` before it, or `rename` instead",
        );
    }
    let mut roles = field.attrs.roles();
    let Some(role) = roles.next() else {
        for second in field.attrs.encodings().skip(1) {
            errors.at(
                second,
                format!("`{second}` is one of several ways to write a field: keep one"),
            );
        }
        if let (Some(required), Some(_)) = (&field.attrs.required, &field.attrs.json) {
            let message = "a column of type JSON cannot be `required`, since its null is SQL's NULL: remove `required`";
            errors.at(&required.key, message);
        }
        let json = field.attrs.json.as_ref().map(|given| &given.key);
        for second in json.into_iter().chain(field.attrs.refinements()).skip(1) {
            errors.at(
                second,
                format!(
                    "`{second}` and `{}` are for different types: keep one",
                    first_of(field)
                ),
            );
        }
        return;
    };
    let why = match role.to_string().as_str() {
        "skip" => "leaves the field out",
        "flatten" => "has the columns of the field's type instead of one for the field",
        _ => "puts the field into the envelope",
    };
    for other in roles.chain(field.attrs.column_options()) {
        errors.at(
            other,
            format!("`{role}` {why}, so that `{other}` says nothing: remove one"),
        );
    }
}

/// Whether `ty` is the type `owner`, or one of the containers that every RECORD may stand in.
fn holds(ty: &Type, owner: &Ident) -> bool {
    match ty {
        Type::Reference(reference) => holds(&reference.elem, owner),
        Type::Slice(slice) => holds(&slice.elem, owner),
        Type::Array(array) => holds(&array.elem, owner),
        Type::Group(group) => holds(&group.elem, owner),
        Type::Paren(paren) => holds(&paren.elem, owner),
        Type::Path(path) if path.qself.is_none() => path_holds(&path.path, owner),
        _ => false,
    }
}

const CONTAINERS: [&str; 11] = [
    "Option", "Vec", "VecDeque", "Box", "Rc", "Arc", "Cow", "HashMap", "BTreeMap", "HashSet",
    "BTreeSet",
];

fn path_holds(path: &syn::Path, owner: &Ident) -> bool {
    let Some(last) = path.segments.last() else {
        return false;
    };
    if path.segments.len() == 1 && (last.ident == *owner || last.ident == "Self") {
        return true;
    }
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return false;
    };
    CONTAINERS.iter().any(|container| last.ident == container)
        && arguments
            .args
            .iter()
            .any(|argument| matches!(argument, syn::GenericArgument::Type(ty) if holds(ty, owner)))
}
