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
    /// A RECORD of which variant it is, and of one RECORD for each that has data.
    Variants(Variants<'a>),
    /// None of these, which is reported already.
    Refused,
}

/// A variant without data, and its text.
pub(crate) struct Label<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) text: Name,
}

/// An enum with data.
pub(crate) struct Variants<'a> {
    /// The column that says which variant it is.
    pub(crate) kind: Name,
    pub(crate) variants: Vec<DataVariant<'a>>,
}

/// A variant of an enum with data; its own may be none.
pub(crate) struct DataVariant<'a> {
    pub(crate) label: Label<'a>,
    pub(crate) description: String,
    pub(crate) data: VariantData<'a>,
}

/// What a variant holds.
pub(crate) enum VariantData<'a> {
    Nothing,
    Fields(Vec<Field<'a>>),
    /// One value without a name.
    Value(&'a Type),
}

impl<'a> Column<'a> {
    /// Reads a type that derives `Column`.
    pub(crate) fn read(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let attrs = Attrs::read(&input.attrs, Place::Column, errors);
        let body = match &input.data {
            Data::Struct(data) => column_struct(&input.ident, &data.fields, &attrs, errors),
            Data::Enum(data) => column_enum(&input.ident, data, &attrs, errors),
            Data::Union(data) => {
                let message = "a union cannot be a column: write a struct or an enum";
                errors.push(Error::new(data.union_token.span, message));
                Body::Refused
            }
        };
        if let (Some(Given { key, .. }), false) = (&attrs.kind, matches!(body, Body::Variants(_))) {
            errors.at(
                key,
                "`kind` names a column that only an enum with data has: remove it",
            );
        }
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
    no_options(field, errors);
    Body::Newtype(&field.ty)
}

/// A field without a name is its inner column, whatever that is.
fn no_options(field: &syn::Field, errors: &mut Errors) {
    let attrs = Attrs::read(&field.attrs, Place::ColumnField, errors);
    for key in attrs.column_options().chain(attrs.roles()) {
        errors.at(
            key,
            format!("a newtype is its inner column: write `{key}` on the fields of this type"),
        );
    }
}

fn column_enum<'a>(
    ident: &Ident,
    data: &'a DataEnum,
    attrs: &Attrs,
    errors: &mut Errors,
) -> Body<'a> {
    if data.variants.is_empty() {
        errors.at(
            ident,
            "an enum without variants has no values: write its variants",
        );
    }
    let variants = data.variants.iter();
    if variants.clone().all(|variant| variant.fields.is_empty()) {
        let style = attrs.value_style();
        return Body::Labels(
            variants
                .map(|variant| unit_variant(variant, style, errors))
                .collect(),
        );
    }
    let style = attrs.column_style(errors);
    let kind = attrs.kind.as_ref().map(|given| given.value.clone());
    Body::Variants(Variants {
        kind: kind.unwrap_or_else(|| Name::of(ident, |_| "kind".to_owned())),
        variants: variants
            .map(|variant| data_variant(variant, style, errors))
            .collect(),
    })
}

fn unit_variant<'a>(
    variant: &'a Variant,
    style: Option<RenameRule>,
    errors: &mut Errors,
) -> Label<'a> {
    let attrs = Attrs::read(&variant.attrs, Place::ColumnVariant, errors);
    let description = attrs.description.as_ref().map(|given| &given.key);
    let rename_all = attrs.rename_all.as_ref().map(|given| &given.key);
    for key in description.into_iter().chain(rename_all) {
        let message = format!(
            "this enum is one column of texts, so that `{key}` says nothing: write it on the enum"
        );
        errors.at(key, message);
    }
    label(variant, attrs, style)
}

fn data_variant<'a>(
    variant: &'a Variant,
    style: Option<RenameRule>,
    errors: &mut Errors,
) -> DataVariant<'a> {
    let attrs = Attrs::read(&variant.attrs, Place::ColumnVariant, errors);
    let description = attrs.description(&variant.attrs);
    let data = variant_data(variant, attrs.column_style(errors), errors);
    DataVariant {
        label: label(variant, attrs, style),
        description,
        data,
    }
}

fn variant_data<'a>(
    variant: &'a Variant,
    style: Option<RenameRule>,
    errors: &mut Errors,
) -> VariantData<'a> {
    match &variant.fields {
        Fields::Named(_) => {
            let fields = named_fields(&variant.fields, Place::ColumnField, style, errors);
            for Given { key, .. } in fields
                .iter()
                .filter_map(|field| field.attrs.flatten.as_ref())
            {
                let message = format!(
                    "a variant has no place for `flatten`: write `{}(Data)` with a struct that has it",
                    variant.ident
                );
                errors.at(key, message);
            }
            if fields.iter().any(Field::is_written) {
                VariantData::Fields(fields)
            } else {
                VariantData::Nothing
            }
        }
        Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => {
            let field = &unnamed.unnamed[0];
            no_options(field, errors);
            VariantData::Value(&field.ty)
        }
        Fields::Unnamed(unnamed) if !unnamed.unnamed.is_empty() => {
            let message = format!(
                "columns need names: write `{} {{ name: Type, … }}`",
                variant.ident
            );
            errors.at(unnamed, message);
            VariantData::Nothing
        }
        _ => VariantData::Nothing,
    }
}

fn label(variant: &Variant, attrs: Attrs, style: Option<RenameRule>) -> Label<'_> {
    let renamed = |name: &str| style.map_or_else(|| name.to_owned(), |style| style.variant(name));
    let given = attrs.rename.map(|given| given.value);
    let text = given.unwrap_or_else(|| Name::of(&variant.ident, renamed));
    Label {
        ident: &variant.ident,
        text,
    }
}
