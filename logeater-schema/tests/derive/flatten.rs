//! Flattened fields: the columns of a struct beside those of what it stands in.

use logeater_schema::{Column, ColumnType, Event, Mode};

use crate::{details, types, written};

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Address {
    #[column(required)]
    city: String,
    /// The postal code.
    zip: Option<u32>,
    tags: Vec<String>,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Parcel<'a, T> {
    weight: u32,
    #[column(flatten, prefix = "to_")]
    to: T,
    note: &'a str,
}

#[derive(Event)]
#[event("flat.sent", crate = logeater_schema)]
struct Sent<'a> {
    sku: &'a str,
    #[event(flatten)]
    parcel: Parcel<'a, Address>,
    #[event(flatten, prefix = "back_")]
    back: Option<Address>,
    last: bool,
}

fn address(city: &str) -> Address {
    Address {
        city: city.to_owned(),
        zip: None,
        tags: vec![format!("{city},\"x\":")],
    }
}

fn sent(back: Option<Address>) -> Sent<'static> {
    Sent {
        sku: "A",
        parcel: Parcel {
            weight: 1,
            to: address("Bonn"),
            note: "n",
        },
        back,
        last: true,
    }
}

#[test]
fn flattened_columns_stand_where_their_field_stands() {
    assert_eq!(
        types(Sent::TYPES[0].fields),
        [
            ("sku", ColumnType::String, Mode::Nullable),
            ("weight", ColumnType::Integer, Mode::Nullable),
            ("to_city", ColumnType::String, Mode::Required),
            ("to_zip", ColumnType::Integer, Mode::Nullable),
            ("to_tags", ColumnType::String, Mode::Repeated),
            ("note", ColumnType::String, Mode::Nullable),
            ("back_city", ColumnType::String, Mode::Nullable),
            ("back_zip", ColumnType::Integer, Mode::Nullable),
            ("back_tags", ColumnType::String, Mode::Repeated),
            ("last", ColumnType::Boolean, Mode::Nullable),
        ]
    );
    assert_eq!(Sent::TYPES[0].fields[3].description, "The postal code.");
}

#[test]
fn flattened_fields_are_written_beside_the_others() {
    let to = r#""sku":"A","weight":1,"to_city":"Bonn","to_tags":["Bonn,\"x\":"],"note":"n""#;
    assert_eq!(
        details(&sent(Some(address("Köln")))),
        format!(r#"{{{to},"back_city":"Köln","back_tags":["Köln,\"x\":"],"last":true}}"#)
    );
    assert_eq!(details(&sent(None)), format!(r#"{{{to},"last":true}}"#));
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct AllMaybe {
    one: Option<u8>,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct MaybeNothing {
    before: Option<bool>,
    #[column(flatten)]
    inner: AllMaybe,
    #[column(flatten, prefix = "other_")]
    other: AllMaybe,
}

#[test]
fn a_flattened_struct_without_a_value_leaves_nothing_behind() {
    let maybe = |before, one, other| MaybeNothing {
        before,
        inner: AllMaybe { one },
        other: AllMaybe { one: other },
    };
    assert_eq!(written(&maybe(None, None, None)), "{}");
    assert_eq!(
        written(&maybe(Some(true), None, None)),
        r#"{"before":true}"#
    );
    assert_eq!(
        written(&maybe(None, Some(1), Some(2))),
        r#"{"one":1,"other_one":2}"#
    );
}

/// A generic event has the columns of its parameter.
#[derive(Event)]
#[event("flat.of", crate = logeater_schema)]
struct Of<T> {
    at: u64,
    #[event(flatten)]
    what: T,
}

#[test]
fn a_type_parameter_can_be_flattened() {
    let names = |fields| {
        types(fields)
            .into_iter()
            .map(|(name, ..)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Of::<AllMaybe>::TYPES[0].fields), ["at", "one"]);
    assert_eq!(
        names(Of::<&Address>::TYPES[0].fields),
        ["at", "city", "zip", "tags"]
    );
    let event = Of {
        at: 1,
        what: &address("Ulm"),
    };
    assert_eq!(
        details(&event),
        r#"{"at":"1","city":"Ulm","tags":["Ulm,\"x\":"]}"#
    );
}

#[derive(Event)]
#[event("flatenum", crate = logeater_schema)]
enum Variants {
    One {
        #[event(flatten)]
        address: Address,
        #[event(user_id)]
        user: u8,
    },
    Two {
        city: String,
        #[event(flatten, prefix = "other_")]
        address: Address,
    },
    Three {
        zip: u32,
    },
}

#[test]
fn variants_can_have_flattened_fields() {
    let event = Variants::Two {
        city: "a".to_owned(),
        address: address("b"),
    };
    assert_eq!(
        details(&event),
        r#"{"city":"a","other_city":"b","other_tags":["b,\"x\":"]}"#
    );
    let counts = Variants::TYPES.iter().map(|known| known.fields.len());
    assert_eq!(counts.collect::<Vec<_>>(), [3, 4, 1]);
}
