//! What a field can be: its type in the warehouse, how often it occurs, and how it is written.

use serde::{Deserialize, Serialize};

use crate::derived::record;
use crate::flatten::Part;
use crate::{FieldSchema, JsonWriter, Limits};

/// A type that can be a column.
///
/// What it declares and what it writes come from the same impl, so a details object always fits its table.
/// Derive it for structs (a RECORD), newtypes (their inner type) and enums of unit variants (a STRING).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column",
    label = "no BigQuery type stands for this",
    note = "for a type of your own: `#[derive(Column)]`",
    note = "for a tuple: a struct with named fields that derives `Column`",
    note = "for a path: a `String`, such as that of `Path::display`; for another type with a text: `#[event(display)]`",
    note = "for an `Instant`: the `Duration` since it, or a `SystemTime`",
    note = "for a `Result`: an enum that derives `Column`, or one `Option` for each side",
    note = "for a type of chrono, time, jiff, uuid, rust_decimal, bigdecimal, url or bytes: the feature of that name",
    note = "for anything with `serde::Serialize`: `#[event(json)]`; to leave the field out: `#[event(skip)]`"
)]
pub trait Column {
    /// How often it occurs: [`One`], [`Maybe`] or [`Many`].
    type Shape: Shape;

    /// The shape of a list of it: [`Many`], but for `u8`, whose lists are BYTES.
    type List: Shape;

    /// The type of one value.
    const TYPE: ColumnType;

    /// The type of a list of it: the same, but for `u8`.
    const LIST_TYPE: ColumnType = Self::TYPE;

    /// The fields of a RECORD; none for other types.
    const FIELDS: &'static [FieldSchema] = &[];

    /// What a value is held to beside its type.
    const LIMITS: Limits = Limits::NONE;

    /// What the type itself adds to the description of a column, such as the names of an enum's variants.
    const DESCRIPTION: &'static str = "";

    /// What `FIELDS` is joined of where fields are flattened; for the derives.
    #[doc(hidden)]
    const PARTS: &'static [Part] = &[];

    /// Why the option that makes this column of another does not go with that one; for the derives.
    #[doc(hidden)]
    const PROBLEM: Option<&'static str> = None;

    /// The column that a field is, without a name: NULLABLE, or REPEATED.
    ///
    /// The derives name this and [`write_field`](Self::write_field) alike: so the compiler says once, and not twice,
    /// that a type is no column.
    #[doc(hidden)]
    const FIELD: FieldSchema = FieldSchema {
        name: "",
        description: "",
        type_description: Self::DESCRIPTION,
        column_type: Self::TYPE,
        mode: Self::Shape::MODE,
        limits: Self::LIMITS,
        policy_tag: None,
        // The compiler shows this line where it finds a cycle.
        fields: Self::FIELDS, // a RECORD cannot hold itself: write the key of the other value instead
    };

    /// The column that the data of a variant is, without a name: the RECORD that it is, or else one with the column
    /// `value`.
    #[doc(hidden)]
    const VARIANT: FieldSchema = if is_one_record(&Self::FIELD) {
        Self::FIELD
    } else {
        record(const { &[Self::FIELD.named("value", "")] })
    };

    /// Writes the value: exactly one JSON value of the declared type.
    fn write(&self, out: &mut JsonWriter<'_>);

    /// Whether there is nothing to write, and the field is left out of its object.
    fn is_absent(&self) -> bool {
        false
    }

    /// Writes many values as the JSON of a list of them.
    fn write_list<'a>(items: impl IntoIterator<Item = &'a Self>, out: &mut JsonWriter<'_>)
    where
        Self: Sized + 'a,
    {
        out.array(items);
    }

    /// Writes a member of an object, as [`FIELD`](Self::FIELD) declares it.
    #[doc(hidden)]
    #[inline]
    fn write_field(&self, key: &'static str, out: &mut JsonWriter<'_>) {
        out.field(key, self);
    }

    /// Writes a member of an object, as [`VARIANT`](Self::VARIANT) declares it.
    #[doc(hidden)]
    fn write_variant(&self, key: &'static str, out: &mut JsonWriter<'_>) {
        if is_one_record(&Self::FIELD) {
            out.field(key, self);
        } else {
            out.raw(key);
            out.object(|out| out.field(",\"value\":", self));
        }
    }

    /// Writes the members of a RECORD among those of an object.
    #[doc(hidden)]
    fn write_flat(&self, prefix: &str, out: &mut JsonWriter<'_>) {
        out.flat(prefix, self);
    }
}

const fn is_one_record(field: &FieldSchema) -> bool {
    matches!(field.column_type, ColumnType::Record) && !matches!(field.mode, Mode::Repeated)
}

/// How often a column's value occurs, at the level of types.
pub trait Shape: sealed::Sealed {
    /// The mode that BigQuery has for it.
    const MODE: Mode;

    /// Whether there may be no value.
    #[doc(hidden)]
    const IS_MAYBE: bool = false;
}

/// Exactly one value.
#[derive(Clone, Copy, Debug)]
pub enum One {}

/// One value or none.
#[derive(Clone, Copy, Debug)]
pub enum Maybe {}

/// Any number of values.
#[derive(Clone, Copy, Debug)]
pub enum Many {}

impl Shape for One {
    const MODE: Mode = Mode::Nullable;
}

impl Shape for Maybe {
    const MODE: Mode = Mode::Nullable;
    const IS_MAYBE: bool = true;
}

impl Shape for Many {
    const MODE: Mode = Mode::Repeated;
}

/// A shape that may stand inside an `Option` or a list: [`One`] alone.
///
/// BigQuery's arrays are never NULL, hold no NULL and hold no arrays:
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_nulls>.
///
/// ```
/// # use logeater_schema::Column;
/// fn column<C: Column>() {}
/// column::<Option<Vec<u8>>>(); // BYTES that may be absent
/// column::<Vec<Vec<u8>>>(); // many BYTES
/// ```
///
/// ```compile_fail,E0277
/// # use logeater_schema::Column;
/// # fn column<C: Column>() {}
/// column::<Option<Vec<String>>>();
/// ```
///
/// ```compile_fail,E0277
/// # use logeater_schema::Column;
/// # fn column<C: Column>() {}
/// column::<Vec<Option<String>>>();
/// ```
///
/// ```compile_fail,E0277
/// # use logeater_schema::Column;
/// # fn column<C: Column>() {}
/// column::<Vec<Vec<String>>>();
/// ```
///
/// ```compile_fail,E0277
/// # use logeater_schema::Column;
/// # fn column<C: Column>() {}
/// column::<Option<Option<String>>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "BigQuery has no column for an optional or repeated value inside an `Option` or a list",
    label = "arrays are never NULL, and hold neither NULL nor arrays",
    note = "instead of `Option<Vec<T>>` or `Option<Option<T>>` write `Vec<T>` or `Option<T>`",
    note = "instead of `Vec<Option<T>>` or `Vec<Vec<T>>` write a `Vec` of a struct that derives `Column` and has the inner value as its field"
)]
pub trait Single: Shape {}

impl Single for One {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::One {}
    impl Sealed for super::Maybe {}
    impl Sealed for super::Many {}
}

/// A type of the warehouse, by BigQuery's REST name.
///
/// <https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum ColumnType {
    /// A signed number of 64 bits.
    Integer,
    /// A double; on the wire a number, or "NaN", "Infinity", "-Infinity".
    Float,
    /// A decimal of 38 digits, 9 of them behind the point; text on the wire.
    Numeric,
    /// A decimal of 76 digits, 38 of them behind the point; text on the wire.
    BigNumeric,
    /// True or false.
    Boolean,
    /// Text.
    String,
    /// Bytes; padded base64 on the wire.
    Bytes,
    /// A day: "YYYY-MM-DD".
    Date,
    /// A time of day: "HH:MM:SS.ffffff".
    Time,
    /// A day and a time without a zone: "YYYY-MM-DDTHH:MM:SS.ffffff".
    Datetime,
    /// A moment: "YYYY-MM-DDTHH:MM:SS.ffffffZ".
    Timestamp,
    /// Any JSON value.
    Json,
    /// An object of further columns.
    Record,
}

impl ColumnType {
    /// BigQuery's REST name, such as `INTEGER`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Float => "FLOAT",
            Self::Numeric => "NUMERIC",
            Self::BigNumeric => "BIGNUMERIC",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::Datetime => "DATETIME",
            Self::Timestamp => "TIMESTAMP",
            Self::Json => "JSON",
            Self::Record => "RECORD",
        }
    }
}

/// Whether a column may be empty or holds many values, as BigQuery calls it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// One value or NULL.
    #[default]
    Nullable,
    /// One value.
    Required,
    /// An array, which may be empty.
    Repeated,
}

impl Mode {
    /// BigQuery's name, such as `NULLABLE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nullable => "NULLABLE",
            Self::Required => "REQUIRED",
            Self::Repeated => "REPEATED",
        }
    }
}
