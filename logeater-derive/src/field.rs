//! The model of a named field: what becomes of it, and how it becomes a column.

use syn::{Fields, Ident, Path, Type};

use crate::attr::Attrs;
use crate::errors::Errors;
use crate::names::{Name, RenameRule};
use crate::place::Place;

/// A named field.
pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    /// The name of its column, if it has one.
    pub(crate) name: Name,
    pub(crate) description: String,
    pub(crate) attrs: Attrs,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Column,
    UserId,
    Timestamp,
    Skipped,
    /// The columns of its type stand in its place.
    Flattened,
}

/// How a field becomes a column.
pub(crate) enum Encoding<'a> {
    /// Its type is a column.
    Itself,
    /// By its `Serialize`.
    Json,
    /// By its `Display`.
    Display,
    /// By an adapter.
    With(&'a Path),
    /// As another type, which is `From` it.
    Into(&'a Type),
    /// As a span in a unit of so many nanoseconds.
    Unit(u32),
}

/// Reads named fields; there are none in a unit.
pub(crate) fn named_fields<'a>(
    fields: &'a Fields,
    place: Place,
    style: Option<RenameRule>,
    errors: &mut Errors,
) -> Vec<Field<'a>> {
    let named = fields
        .iter()
        .filter_map(|field| Some((field, field.ident.as_ref()?)));
    named
        .map(|(field, ident)| Field::read(field, ident, place, style, errors))
        .collect()
}

impl<'a> Field<'a> {
    fn read(
        field: &'a syn::Field,
        ident: &'a Ident,
        place: Place,
        style: Option<RenameRule>,
        errors: &mut Errors,
    ) -> Self {
        let attrs = Attrs::read(&field.attrs, place, errors);
        let renamed = |name: &str| style.map_or_else(|| name.to_owned(), |style| style.field(name));
        let given = attrs.rename.as_ref().map(|given| given.value.clone());
        let name = given.unwrap_or_else(|| Name::of(ident, renamed));
        Self {
            ident,
            ty: &field.ty,
            name,
            description: attrs.description(&field.attrs),
            attrs,
        }
    }

    pub(crate) fn role(&self) -> Role {
        if self.attrs.skip.is_some() {
            Role::Skipped
        } else if self.attrs.user_id.is_some() {
            Role::UserId
        } else if self.attrs.timestamp.is_some() {
            Role::Timestamp
        } else if self.attrs.flatten.is_some() {
            Role::Flattened
        } else {
            Role::Column
        }
    }

    pub(crate) fn is_column(&self) -> bool {
        self.role() == Role::Column
    }

    /// Whether the details have something of it.
    pub(crate) fn is_written(&self) -> bool {
        matches!(self.role(), Role::Column | Role::Flattened)
    }

    pub(crate) fn is_flattened(&self) -> bool {
        self.role() == Role::Flattened
    }

    pub(crate) fn encoding(&self) -> Encoding<'_> {
        match &self.attrs {
            Attrs { json: Some(_), .. } => Encoding::Json,
            Attrs {
                display: Some(_), ..
            } => Encoding::Display,
            Attrs {
                with: Some(adapter),
                ..
            } => Encoding::With(&adapter.value),
            Attrs {
                into: Some(target), ..
            } => Encoding::Into(&target.value),
            Attrs {
                unit: Some(unit), ..
            } => Encoding::Unit(nanos_per(&unit.key)),
            _ => Encoding::Itself,
        }
    }
}

fn nanos_per(unit: &Ident) -> u32 {
    match unit.to_string().as_str() {
        "secs" => 1_000_000_000,
        "millis" => 1_000_000,
        _ => 1,
    }
}
