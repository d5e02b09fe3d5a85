//! The model of what derives `Event`, read from its syntax and its attributes.

use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Ident, Variant};

use crate::attr::Attrs;
use crate::errors::Errors;
use crate::field::{Field, named_fields};
use crate::item::Item;
use crate::name_rules::levels;
use crate::names::{Name, RenameRule, snake_case};
use crate::place::Place;

/// A type that derives `Event`.
pub(crate) struct Event<'a> {
    pub(crate) item: Item<'a>,
    /// Whether each variant is an event type; a struct is one.
    pub(crate) is_enum: bool,
    pub(crate) types: Vec<EventType<'a>>,
}

/// One event type: a struct or a variant.
pub(crate) struct EventType<'a> {
    pub(crate) ident: &'a Ident,
    /// `None` after an error.
    pub(crate) name: Option<Name>,
    pub(crate) description: String,
    pub(crate) fields: Vec<Field<'a>>,
}

impl<'a> Event<'a> {
    /// Reads a type that derives `Event`.
    pub(crate) fn read(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let mut attrs = Attrs::read(&input.attrs, Place::Event, errors);
        let item = Item::new(input, &attrs);
        match &input.data {
            Data::Struct(data) => {
                let types = vec![event_struct(input, &data.fields, &mut attrs, errors)];
                Self {
                    item,
                    is_enum: false,
                    types,
                }
            }
            Data::Enum(data) => Self {
                item,
                is_enum: true,
                types: event_enum(input, data, &attrs, errors),
            },
            Data::Union(data) => {
                let message = "a union cannot be an event: write a struct or an enum";
                errors.push(Error::new(data.union_token.span, message));
                Self {
                    item,
                    is_enum: false,
                    types: Vec::new(),
                }
            }
        }
    }
}

fn event_struct<'a>(
    input: &'a DeriveInput,
    fields: &'a Fields,
    attrs: &mut Attrs,
    errors: &mut Errors,
) -> EventType<'a> {
    if attrs.name.is_none() {
        let sample = snake_case(&input.ident.unraw().to_string());
        let message = format!(
            "an event needs the name of its type: write `#[event(\"namespace.{sample}\")]` above it"
        );
        errors.at(&input.ident, message);
    }
    EventType {
        ident: &input.ident,
        name: attrs.name.take(),
        description: attrs.description(&input.attrs),
        fields: event_fields(&input.ident, fields, attrs.column_style(errors), errors),
    }
}

fn event_enum<'a>(
    input: &'a DeriveInput,
    data: &'a DataEnum,
    attrs: &Attrs,
    errors: &mut Errors,
) -> Vec<EventType<'a>> {
    if data.variants.is_empty() {
        errors.at(
            &input.ident,
            "an enum without variants has no event types: write a variant for each",
        );
    }
    if let Some(given) = &attrs.description {
        let message = "an enum is a namespace: write `description` on its variants, which are the event types";
        errors.at(&given.key, message);
    }
    let namespace = namespace(&input.ident, attrs, errors);
    let style = attrs.column_style(errors);
    data.variants
        .iter()
        .map(|variant| event_variant(variant, namespace.as_deref(), style, errors))
        .collect()
}

/// The levels that the names of all variants begin with; `None` after an error.
fn namespace(ident: &Ident, attrs: &Attrs, errors: &mut Errors) -> Option<String> {
    let Some(name) = &attrs.name else {
        let sample = snake_case(&ident.unraw().to_string());
        let message = format!(
            "an enum of events needs the namespace of its variants: write `#[event(\"{sample}\")]` above it"
        );
        errors.at(ident, message);
        return None;
    };
    levels(name, errors).then(|| name.text.clone())
}

fn event_variant<'a>(
    variant: &'a Variant,
    namespace: Option<&str>,
    style: Option<RenameRule>,
    errors: &mut Errors,
) -> EventType<'a> {
    let attrs = Attrs::read(&variant.attrs, Place::EventVariant, errors);
    let style = attrs.column_style(errors).or(style);
    EventType {
        ident: &variant.ident,
        name: namespace.and_then(|namespace| variant_name(variant, namespace, &attrs, errors)),
        description: attrs.description(&variant.attrs),
        fields: event_fields(&variant.ident, &variant.fields, style, errors),
    }
}

/// The name of a variant's event type; `None` after an error.
fn variant_name(
    variant: &Variant,
    namespace: &str,
    attrs: &Attrs,
    errors: &mut Errors,
) -> Option<Name> {
    let Some(given) = &attrs.name else {
        let renamed = |name: &str| format!("{namespace}.{}", snake_case(name));
        return Some(Name::of(&variant.ident, renamed));
    };
    levels(given, errors).then(|| Name {
        text: format!("{namespace}.{}", given.text),
        span: given.span,
    })
}

fn event_fields<'a>(
    owner: &Ident,
    fields: &'a Fields,
    style: Option<RenameRule>,
    errors: &mut Errors,
) -> Vec<Field<'a>> {
    if let Fields::Unnamed(unnamed) = fields {
        let message = format!(
            "columns need names: write `{owner} {{ name: Type }}`, or `{owner}` alone for an event without details"
        );
        errors.at(unnamed, message);
        return Vec::new();
    }
    named_fields(fields, Place::EventField, style, errors)
}
