//! The model of what derives `Column`, read from its syntax and its attributes.

use syn::{Data, DataEnum, DeriveInput, Error, Fields, Ident, Type, Variant};

use crate::attr::{Attrs, Given};
use crate::errors::Errors;
use crate::field::{Field, named_fields};
use crate::item::Item;
use crate::names::{Name, RenameRule};
use crate::place::Place;

/// A type that derives `Column`.
pub(crate) struct Column<'a> {
    pub(crate) item: Item<'a>,
    pub(crate) description: String,
    pub(crate) body: Body<'a>,
}

/// What a column is made of.
pub(crate) enum Body<'a> {
    /// Another column: a struct of one field without a name.
    Newtype(&'a Type),
    /// A RECORD: a struct of named fields.
    Record(Vec<Field<'a>>),
    /// A STRING: an enum without data.
    Labels(Vec<Label<'a>>),
    /// None of these, which is reported already.
    Refused,
}

/// A variant without data, and its text.
pub(crate) struct Label<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) text: Name,
}

impl<'a> Column<'a> {
    /// Reads a type that derives `Column`.
    pub(crate) fn read(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let attrs = Attrs::read(&input.attrs, Place::Column, errors);
        let body = match &input.data {
            Data::Struct(data) => column_struct(&input.ident, &data.fields, &attrs, errors),
            Data::Enum(data) => column_enum(&input.ident, data, attrs.value_style(), errors),
            Data::Union(data) => {
                let message = "a union cannot be a column: write a struct or an enum";
                errors.push(Error::new(data.union_token.span, message));
                Body::Refused
            }
        };
        Self {
            item: Item::new(input, &attrs),
            description: attrs.description(&input.attrs),
            body,
        }
    }
}

fn column_struct<'a>(
    ident: &Ident,
    fields: &'a Fields,
    attrs: &Attrs,
    errors: &mut Errors,
) -> Body<'a> {
    match fields {
        Fields::Named(_) => Body::Record(named_fields(
            fields,
            Place::ColumnField,
            attrs.column_style(errors),
            errors,
        )),
        Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => {
            if let Some(Given { key, .. }) = &attrs.rename_all {
                errors.at(key, "a newtype has no names: remove `rename_all`");
            }
            newtype(&unnamed.unnamed[0], errors)
        }
        Fields::Unnamed(unnamed) if !unnamed.unnamed.is_empty() => {
            errors.at(
                unnamed,
                format!("columns need names: write `{ident} {{ name: Type, … }}`"),
            );
            Body::Refused
        }
        _ => {
            errors.at(
                ident,
                format!("BigQuery has no RECORD without columns: write `{ident} {{ name: Type }}`"),
            );
            Body::Refused
        }
    }
}

fn newtype<'a>(field: &'a syn::Field, errors: &mut Errors) -> Body<'a> {
    let attrs = Attrs::read(&field.attrs, Place::ColumnField, errors);
    for key in attrs.column_options().chain(attrs.roles()) {
        errors.at(
            key,
            format!("a newtype is its inner column: write `{key}` on the fields of this type"),
        );
    }
    Body::Newtype(&field.ty)
}

fn column_enum<'a>(
    ident: &Ident,
    data: &'a DataEnum,
    style: Option<RenameRule>,
    errors: &mut Errors,
) -> Body<'a> {
    if data.variants.is_empty() {
        errors.at(
            ident,
            "an enum without variants has no values: write its variants",
        );
    }
    Body::Labels(
        data.variants
            .iter()
            .map(|variant| label(variant, style, errors))
            .collect(),
    )
}

fn label<'a>(variant: &'a Variant, style: Option<RenameRule>, errors: &mut Errors) -> Label<'a> {
    if !variant.fields.is_empty() {
        let message = "a variant with data is not supported as a column yet: write a struct with `Option` fields";
        errors.at(&variant.fields, message);
    }
    let attrs = Attrs::read(&variant.attrs, Place::ColumnVariant, errors);
    let renamed = |name: &str| style.map_or_else(|| name.to_owned(), |style| style.variant(name));
    let given = attrs.rename.map(|given| given.value);
    let text = given.unwrap_or_else(|| Name::of(&variant.ident, renamed));
    Label {
        ident: &variant.ident,
        text,
    }
}
