//! What the code declares of one field, all of it known at compile time.

use crate::{Column, ColumnType, Limits, Mode};

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
    /// What its values are held to beside their type.
    pub limits: Limits,
    /// The resource name of the policy tag that says who may read it.
    pub policy_tag: Option<&'static str>,
    /// The fields of a RECORD; none for other types.
    pub fields: &'static [FieldSchema],
}

impl FieldSchema {
    /// Declares the column `name` of type `C`, without a description.
    #[must_use]
    pub const fn of<C: Column + ?Sized>(name: &'static str) -> Self {
        C::FIELD.named(name, "")
    }

    /// Sets the field's own description.
    #[must_use]
    pub const fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Lets those read it who may read what has this policy tag.
    #[must_use]
    pub const fn policy_tag(mut self, tag: &'static str) -> Self {
        self.policy_tag = Some(tag);
        self
    }

    /// The same column by its name.
    pub(crate) const fn named(self, name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            ..self
        }
    }

    /// Makes the column REQUIRED.
    ///
    /// # Panics
    ///
    /// When it repeats: a REPEATED column is never NULL, and needs it not.
    #[must_use]
    pub const fn required(mut self) -> Self {
        assert!(
            !matches!(self.mode, Mode::Repeated),
            "a REPEATED column cannot be REQUIRED as well"
        );
        self.mode = Mode::Required;
        self
    }
}
