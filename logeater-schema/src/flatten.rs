//! Flattened fields: the columns of a struct among those of what it stands in, joined at compile time.
//!
//! A generic type's columns are known late, and an array's length must be known early: so the columns go
//! into an array of the next power of two, and only what they fill of it is seen.

use std::marker::PhantomData;

use crate::const_text::{Text, is_equal, refuse, text};
use crate::derived::{is_same, record};
use crate::name::{check_column_name, check_table_column_name};
use crate::{Column, ColumnType, Event, EventType, FieldSchema, Maybe, Mode, One, Shape, Source};

/// Some of the columns of an event type or of a RECORD, in their order.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Columns of its own.
    Columns(&'static [FieldSchema]),
    /// The columns of a flattened field.
    Flat {
        /// What their names begin with here.
        prefix: &'static str,
        /// The columns as the field's type declares them.
        fields: &'static [FieldSchema],
        /// Whether all of them may be absent.
        optional: bool,
    },
}

/// The shape of what can be flattened: one value, or maybe one.
#[diagnostic::on_unimplemented(
    message = "`flatten` puts the columns of one struct beside the others",
    label = "this repeats",
    note = "remove `flatten`: a list of structs is a REPEATED RECORD"
)]
pub trait Flat: Shape {}

impl Flat for One {}
impl Flat for Maybe {}

/// The columns of a flattened field, which would be the column `field`.
///
/// # Panics
///
/// When that is no RECORD.
#[must_use]
pub const fn flat<S: Flat>(field: FieldSchema, prefix: &'static str) -> Part {
    assert!(
        matches!(field.column_type, ColumnType::Record),
        "only the fields of a struct can be flattened: remove `flatten`, or write a struct that derives `Column`"
    );
    Part::Flat {
        prefix,
        fields: field.fields,
        optional: S::IS_MAYBE,
    }
}

/// Declares an event type with flattened fields, the one at `INDEX` of the event's types.
///
/// # Panics
///
/// When two columns have one name, whatever its case, or a column has a name that it cannot have.
#[must_use]
pub const fn flat_event_type<E: Event, const INDEX: usize>(
    name: &'static str,
    description: &'static str,
    source: Source,
) -> EventType {
    let fields = joined::<OfEvent<E, INDEX>>();
    let mut at = 0;
    while at < fields.len() {
        let column = fields[at].name;
        if let Err(error) = check_table_column_name(column) {
            refuse(&[
                "`flatten` brings `",
                column,
                "`, which cannot be a column here: ",
                error.as_str(),
                ": write `flatten, prefix = \"…\"`",
            ]);
        }
        if is_namespace(column, name) {
            refuse(&[
                "the table is called `",
                column,
                "`, and in SQL a column of that name would hide it: write `flatten, prefix = \"…\"`",
            ]);
        }
        at += 1;
    }
    EventType::new(name, fields, source).description(description)
}

/// The fields of a RECORD with flattened fields.
///
/// # Panics
///
/// When two columns have one name, whatever its case, or a column has a name that it cannot have.
#[must_use]
pub const fn flat_record<C: Column>() -> &'static [FieldSchema] {
    joined::<OfColumn<C>>()
}

/// Checks that a column which several event types of one table have is the same in all.
///
/// # Panics
///
/// When it is not.
#[must_use]
pub const fn one_table(types: &'static [EventType]) -> &'static [EventType] {
    let mut pair = 0;
    while pair < types.len() * types.len() {
        let (a, b) = (&types[pair / types.len()], &types[pair % types.len()]);
        let mut at = 0;
        while at < a.fields.len() {
            let mut other = 0;
            while other < b.fields.len() {
                one_column(&a.fields[at], a.name, &b.fields[other], b.name);
                other += 1;
            }
            at += 1;
        }
        pair += 1;
    }
    types
}

const fn one_column(a: &FieldSchema, in_a: &str, b: &FieldSchema, in_b: &str) {
    if !a.name.eq_ignore_ascii_case(b.name) {
        return;
    }
    if !is_same(a, b) || !is_equal(a.name, b.name) {
        refuse(&[
            "the column `",
            a.name,
            "` is not the same in two event types that share a table: ",
            in_a,
            " and ",
            in_b,
            "; write one name and type in both, or `flatten, prefix = \"…\"` in one of them",
        ]);
    }
}

/// Where parts come from.
trait Parts {
    const PARTS: &'static [Part];
}

struct OfColumn<C>(PhantomData<C>);

impl<C: Column> Parts for OfColumn<C> {
    const PARTS: &'static [Part] = C::PARTS;
}

struct OfEvent<E, const INDEX: usize>(PhantomData<E>);

impl<E: Event, const INDEX: usize> Parts for OfEvent<E, INDEX> {
    const PARTS: &'static [Part] = E::PARTS[INDEX];
}

/// The columns of all parts.
const fn joined<P: Parts>() -> &'static [FieldSchema] {
    let (count, _) = sizes(P::PARTS);
    let room: &'static [FieldSchema] = match count {
        0..=8 => filled::<P, 8>(),
        9..=16 => filled::<P, 16>(),
        17..=32 => filled::<P, 32>(),
        33..=64 => filled::<P, 64>(),
        65..=128 => filled::<P, 128>(),
        129..=256 => filled::<P, 256>(),
        257..=512 => filled::<P, 512>(),
        513..=1_024 => filled::<P, 1_024>(),
        1_025..=4_096 => filled::<P, 4_096>(),
        4_097..=10_000 => filled::<P, 10_000>(),
        _ => panic!("BigQuery has at most 10,000 columns in a table: remove `flatten`"),
    };
    let fields = room.split_at(count).0;
    check(fields);
    fields
}

/// How many columns there are, and how many bytes the names that have a prefix.
const fn sizes(parts: &[Part]) -> (usize, usize) {
    let (mut count, mut bytes, mut at) = (0, 0, 0);
    while at < parts.len() {
        match parts[at] {
            Part::Columns(fields) => count += fields.len(),
            Part::Flat { prefix, fields, .. } => {
                count += fields.len();
                let mut field = 0;
                while field < fields.len() && !prefix.is_empty() {
                    bytes += prefix.len() + fields[field].name.len();
                    field += 1;
                }
            }
        }
        at += 1;
    }
    (count, bytes)
}

const fn filled<P: Parts, const N: usize>() -> &'static [FieldSchema; N] {
    const { &fill(P::PARTS, names::<P>()) }
}

const fn fill<const N: usize>(parts: &[Part], mut names: &'static [u8]) -> [FieldSchema; N] {
    let mut filled = [record(&[]); N];
    let (mut count, mut at) = (0, 0);
    while at < parts.len() {
        let (prefix, fields, optional) = open(parts[at]);
        let mut field = 0;
        while field < fields.len() {
            let column = &mut filled[count];
            *column = fields[field];
            if !prefix.is_empty() {
                let (name, rest) = names.split_at(prefix.len() + column.name.len());
                (column.name, names) = (text(name), rest);
            }
            if optional && matches!(column.mode, Mode::Required) {
                column.mode = Mode::Nullable;
            }
            field += 1;
            count += 1;
        }
        at += 1;
    }
    filled
}

const fn open(part: Part) -> (&'static str, &'static [FieldSchema], bool) {
    match part {
        Part::Columns(fields) => ("", fields, false),
        Part::Flat {
            prefix,
            fields,
            optional,
        } => (prefix, fields, optional),
    }
}

/// All names that have a prefix, one behind the other.
const fn names<P: Parts>() -> &'static [u8] {
    match sizes(P::PARTS).1 {
        0 => &[],
        1..=64 => spelled::<P, 64>(),
        65..=256 => spelled::<P, 256>(),
        257..=1_024 => spelled::<P, 1_024>(),
        1_025..=4_096 => spelled::<P, 4_096>(),
        4_097..=65_536 => spelled::<P, 65_536>(),
        65_537..=3_000_000 => spelled::<P, 3_000_000>(),
        _ => panic!("BigQuery has at most 10,000 columns in a table, each with at most 300 bytes"),
    }
}

const fn spelled<P: Parts, const N: usize>() -> &'static [u8; N] {
    const { &spell(P::PARTS) }
}

const fn spell<const N: usize>(parts: &[Part]) -> [u8; N] {
    let mut names = Text::new();
    let mut at = 0;
    while at < parts.len() {
        let (prefix, fields, _) = open(parts[at]);
        let mut field = 0;
        while field < fields.len() && !prefix.is_empty() {
            names.push(prefix);
            names.push(fields[field].name);
            field += 1;
        }
        at += 1;
    }
    names.bytes
}

/// Names that BigQuery does not take, or takes for one and the same.
const fn check(fields: &[FieldSchema]) {
    let mut at = 0;
    while at < fields.len() {
        let name = fields[at].name;
        if let Err(error) = check_column_name(name) {
            refuse(&[
                "`flatten` makes `",
                name,
                "`, which cannot be a column: ",
                error.as_str(),
                ": write another `prefix`",
            ]);
        }
        let mut before = 0;
        while before < at {
            let other = fields[before].name;
            if other.len() == name.len() && other.eq_ignore_ascii_case(name) {
                refuse(&[
                    "`flatten` brings the column `",
                    name,
                    "` here a second time, and BigQuery ignores case: write `flatten, prefix = \"…\"`, or `rename = \"…\"` on one of them",
                ]);
            }
            before += 1;
        }
        at += 1;
    }
}

const fn is_namespace(column: &str, event_type: &str) -> bool {
    let (column, event_type) = (column.as_bytes(), event_type.as_bytes());
    event_type.len() > column.len()
        && event_type[column.len()] == b'.'
        && event_type
            .split_at(column.len())
            .0
            .eq_ignore_ascii_case(column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JsonWriter;

    /// A RECORD of what `PARTS` says, whose check runs where the test calls it.
    struct Joined<const CASE: usize>;

    const SKU: FieldSchema = FieldSchema::of::<String>("sku");

    const fn flat_sku(prefix: &'static str) -> Part {
        Part::Flat {
            prefix,
            fields: &[SKU],
            optional: false,
        }
    }

    impl<const CASE: usize> Column for Joined<CASE> {
        type Shape = One;
        type List = crate::Many;
        const TYPE: ColumnType = ColumnType::Record;
        const PARTS: &'static [Part] = match CASE {
            0 => &[
                Part::Columns(&[FieldSchema::of::<String>("SKU")]),
                flat_sku(""),
            ],
            1 => &[flat_sku("a_"), flat_sku("b_"), flat_sku("A_")],
            2 => &[flat_sku("ä_")],
            _ => &[
                flat_sku("a_"),
                Part::Columns(&[SKU; 9]),
                flat_sku("much_longer_than_that_"),
            ],
        };

        fn write(&self, _: &mut JsonWriter<'_>) {}
    }

    #[test]
    #[should_panic(expected = "`flatten` brings the column `sku` here a second time")]
    fn a_flattened_column_differs_from_the_others_in_more_than_its_case() {
        let _ = flat_record::<Joined<0>>();
    }

    #[test]
    #[should_panic(expected = "`flatten` brings the column `A_sku` here a second time")]
    fn a_prefix_may_be_what_makes_two_columns_one() {
        let _ = flat_record::<Joined<1>>();
    }

    #[test]
    #[should_panic(expected = "`ä_sku`, which cannot be a column: a column's name starts with")]
    fn a_name_with_its_prefix_is_checked() {
        let _ = flat_record::<Joined<2>>();
    }

    #[test]
    fn parts_are_joined_in_their_order_whatever_their_number() {
        let names =
            |fields: &[FieldSchema]| fields.iter().map(|field| field.name).collect::<Vec<_>>();
        let fields = filled::<OfColumn<Joined<3>>, 16>();
        let mut expected = vec!["a_sku"];
        expected.extend(["sku"; 9]);
        expected.push("much_longer_than_that_sku");
        assert_eq!(names(&fields[..11]), expected);
    }

    #[test]
    #[should_panic(
        expected = "the column `sku` is not the same in two event types that share a table: a.a and a.b"
    )]
    fn a_column_of_two_event_types_is_the_same_in_both() {
        const PLACE: Source = Source::new("A", "a.rs", 1);
        const OTHER: &[FieldSchema] = &[FieldSchema::of::<u8>("sku")];
        const TYPES: &[EventType] = &[
            EventType::new("a.a", &[SKU], PLACE),
            EventType::new("a.b", OTHER, PLACE),
        ];
        let _ = one_table(TYPES);
    }
}
