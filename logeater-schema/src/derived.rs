//! What the derives' output calls: the columns that options of a field make, and the registration of events.

use std::fmt::Display;

use serde::Serialize;

use crate::const_text::refuse;
use crate::{
    Column, ColumnType, EventType, FieldSchema, JsonWriter, Limits, Many, Mode, One, Shape, Source,
};

/// A column of type JSON, by a value's `Serialize`.
#[derive(Debug)]
pub struct AsJson<T: ?Sized>(pub T);

impl<T: Serialize + ?Sized> Column for AsJson<T> {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::Json;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.json(&self.0);
    }
}

/// A column of type STRING, by a value's `Display`.
#[derive(Debug)]
pub struct AsDisplay<T: ?Sized>(pub T);

impl<T: Display + ?Sized> Column for AsDisplay<T> {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::String;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.display(&self.0);
    }
}

/// A reference, where a lint would find fault with `&Option<&T>` that nobody wrote.
pub type Ref<'a, T> = &'a T;

/// The shape of a column that always has a value: [`One`] alone.
#[diagnostic::on_unimplemented(
    message = "a REQUIRED column always has one value",
    label = "this one may be absent, or repeats",
    note = "remove `required`, or the `Option` around the type",
    note = "a REPEATED column is never NULL, and needs no `required`"
)]
pub trait AlwaysPresent: Shape {}

impl AlwaysPresent for One {}

/// Declares columns: each with its name and its description.
#[must_use]
pub const fn columns<const N: usize>(
    declared: [(FieldSchema, &'static str, &'static str); N],
) -> [FieldSchema; N] {
    let mut columns = [record(&[]); N];
    let mut at = 0;
    while at < N {
        let (column, name, description) = declared[at];
        // Not by a call: the compiler runs this for every column.
        columns[at] = FieldSchema {
            name,
            description,
            ..column
        };
        at += 1;
    }
    columns
}

/// A column that is a RECORD of `fields`, without a name.
#[must_use]
pub const fn record(fields: &'static [FieldSchema]) -> FieldSchema {
    FieldSchema {
        name: "",
        description: "",
        type_description: "",
        column_type: ColumnType::Record,
        mode: Mode::Nullable,
        limits: Limits::NONE,
        policy_tag: None,
        fields,
    }
}

/// Makes a column REQUIRED.
///
/// # Panics
///
/// At compile time, for a column of type JSON.
#[must_use]
pub const fn required<S: AlwaysPresent>(column: FieldSchema) -> FieldSchema {
    assert!(
        !matches!(column.column_type, ColumnType::Json),
        "a column of type JSON cannot be `required`, since its null is SQL's NULL: remove `required`"
    );
    FieldSchema {
        mode: Mode::Required,
        ..column
    }
}

/// Declares an event type.
#[must_use]
pub const fn event_type(
    name: &'static str,
    description: &'static str,
    fields: &'static [FieldSchema],
    source: Source,
) -> EventType {
    EventType::new(name, fields, source).description(description)
}

/// The description of a newtype: the inner type's, which says what its values mean, before its own.
#[must_use]
pub const fn inner_or_own(inner: &'static str, own: &'static str) -> &'static str {
    if inner.is_empty() { own } else { inner }
}

/// Fails to compile unless the two can be one column of one table.
///
/// # Panics
///
/// With `message`, if they differ in type, in its limits, in whether they repeat, or in a field that both
/// RECORDs have.
pub const fn same_column(a: FieldSchema, b: FieldSchema, message: &str) {
    assert!(is_same(&a, &b), "{}", message);
}

pub(crate) const fn is_same(a: &FieldSchema, b: &FieldSchema) -> bool {
    let same_type = a.column_type as u8 == b.column_type as u8;
    let same_repeats = matches!(a.mode, Mode::Repeated) == matches!(b.mode, Mode::Repeated);
    same_type && same_repeats && a.limits.is(b.limits) && are_same(a.fields, b.fields)
}

const fn are_same(a: &[FieldSchema], b: &[FieldSchema]) -> bool {
    let mut pair = 0;
    while pair < a.len() * b.len() {
        let (a, b) = (&a[pair / b.len()], &b[pair % b.len()]);
        if a.name.eq_ignore_ascii_case(b.name) && !is_same(a, b) {
            return false;
        }
        pair += 1;
    }
    true
}

/// How many RECORDs may lie in each other, the outermost included:
/// <https://cloud.google.com/bigquery/docs/nested-repeated#limitations>.
pub(crate) const DEPTH_MAX: usize = 15;

/// How many columns a table may have, those in RECORDs included: <https://cloud.google.com/bigquery/quotas#standard_tables>.
pub(crate) const COLUMNS_MAX: usize = 10_000;

/// How many of them every table has: `event_id` and `cluster_key`.
const OWN_COLUMNS: usize = 2;

/// Fails for columns that no table can have. Here, and not where a RECORD is declared, all of them are known:
/// those of maps and of other crates' types as well.
pub(crate) const fn check_columns(columns: &[FieldSchema]) {
    let (mut count, mut at) = (OWN_COLUMNS + columns.len(), 0);
    while at < columns.len() {
        let fields = columns[at].fields;
        if !fields.is_empty() {
            let (depth, inner) = size(fields);
            if depth >= DEPTH_MAX {
                refuse(&[
                    "the column `",
                    columns[at].name,
                    "` has more than 15 RECORDs in each other, which BigQuery does not take: write `json` on one of their fields",
                ]);
            }
            count += inner;
        }
        at += 1;
    }
    assert!(
        count <= COLUMNS_MAX,
        "BigQuery has at most 10,000 columns in a table, those in RECORDs and our two included: write `json` on a field with many"
    );
}

/// How many RECORDs the columns have in each other, and how many columns there are in all.
const fn size(columns: &[FieldSchema]) -> (usize, usize) {
    let (mut deepest, mut count, mut at) = (0, columns.len(), 0);
    while at < columns.len() {
        let fields = columns[at].fields;
        if !fields.is_empty() {
            let (depth, inner) = size(fields);
            deepest = if depth < deepest { deepest } else { depth + 1 };
            count += inner;
        }
        at += 1;
    }
    (deepest, count)
}

/// Lists event types among those of the program.
#[cfg(feature = "catalog")]
#[doc(hidden)]
#[macro_export]
macro_rules! __register_events {
    ($event:ty) => {
        $crate::__private::inventory::submit! { $crate::__private::RegisteredEvents::of::<$event>() }
    };
}

/// Without the catalog nobody asks for event types; what can be wrong with them is found all the same.
#[cfg(not(feature = "catalog"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __register_events {
    ($event:ty) => {
        const _: &[$crate::__private::EventType] = <$event as $crate::__private::Event>::TYPES;
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: FieldSchema = FieldSchema {
        fields: &[FieldSchema::of::<u8>("column"); 4_998],
        ..record(&[])
    };

    #[test]
    fn an_event_type_has_as_many_columns_as_a_table_can_have_beside_our_own() {
        check_columns(&[MANY, MANY]);
    }

    #[test]
    #[should_panic(expected = "write `json` on a field with many")]
    fn an_event_type_of_more_columns_than_a_table_can_have_is_refused() {
        check_columns(&[MANY, MANY, FieldSchema::of::<u8>("last")]);
    }
}
