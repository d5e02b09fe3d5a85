//! What the code declares of one field, all of it known at compile time.

use crate::{Column, ColumnType, Mode, Shape};

/// One declared field: a column of an event type, or of a RECORD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldSchema {
    /// The column's name.
    pub name: &'static str,
    /// The field's own description, from its doc comment; may be empty.
    pub description: &'static str,
    /// What the field's type adds to the description; may be empty.
    pub type_description: &'static str,
    /// The type of one value.
    pub column_type: ColumnType,
    /// Whether it may be absent or repeats.
    pub mode: Mode,
    /// The fields of a RECORD; none for other types.
    pub fields: &'static [FieldSchema],
}

impl FieldSchema {
    /// Declares the column `name` of type `C`, without a description.
    #[must_use]
    pub const fn of<C: Column + ?Sized>(name: &'static str) -> Self {
        Self {
            name,
            description: "",
            type_description: C::DESCRIPTION,
            column_type: C::TYPE,
            mode: C::Shape::MODE,
            fields: C::FIELDS,
        }
    }

    /// Sets the field's own description.
    #[must_use]
    pub const fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Makes the column REQUIRED.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.mode = Mode::Required;
        self
    }
}
