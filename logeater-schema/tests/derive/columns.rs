//! Columns that are derived, and fields that become columns by their attributes.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use logeater_schema::{Column, ColumnType, Event, EventTime, Mode, UserId};

use crate::{details, written};

/// A newtype of what names no user.
#[derive(Column)]
#[column(crate = logeater_schema)]
struct Wait(Duration);

/// A customer.
#[derive(Column)]
#[column(crate = logeater_schema)]
struct Customer(u64);

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Byte(u8);

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Maybe(Option<String>);

#[derive(Column)]
#[column(crate = logeater_schema)]
struct When<T>(Option<T>);

#[test]
fn a_newtype_of_a_moment_is_one() {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    assert_eq!(When(Some(moment)).event_time(), Some(moment));
    assert_eq!(When::<SystemTime>(None).event_time(), None);
}

#[test]
fn a_newtype_is_its_inner_column() {
    assert_eq!(written(&Wait(Duration::from_millis(2))), "2000");
    assert_eq!(
        (Wait::TYPE, Wait::DESCRIPTION),
        (ColumnType::Integer, "In microseconds.")
    );
    assert_eq!(
        (Customer::TYPE, Customer::DESCRIPTION),
        (ColumnType::Numeric, "A customer.")
    );
    assert_eq!(Customer(7).user_id().as_deref(), Some("7"));
    assert_eq!(<Vec<Byte>>::TYPE, ColumnType::Bytes);
    assert_eq!(written(&vec![Byte(1), Byte(2), Byte(3)]), r#""AQID""#);
    assert!(Maybe(None).is_absent());
    assert!(!Maybe(Some(String::new())).is_absent());
}

/// Names are renamed.
#[derive(Event)]
#[event("renamed.fields", crate = logeater_schema, rename_all = "camelCase", description = "Named anew.")]
struct Renamed {
    very_tasty: bool,
    #[event(rename = "Other_Name", description = "Another.")]
    field: bool,
    r#type: bool,
    #[event(required)]
    always: u8,
}

#[derive(Column)]
#[column(crate = logeater_schema, rename_all = "SCREAMING-KEBAB-CASE")]
enum r#Level {
    VeryHigh,
    #[column(rename = "lo\"w")]
    Low {},
    r#Mid,
}

#[test]
fn names_are_as_the_attributes_say() {
    let event = Renamed {
        very_tasty: true,
        field: false,
        r#type: true,
        always: 0,
    };
    assert_eq!(
        details(&event),
        r#"{"veryTasty":true,"Other_Name":false,"type":true,"always":0}"#
    );
    let [renamed] = Renamed::TYPES else {
        panic!("one event type")
    };
    assert_eq!(
        (renamed.description, renamed.fields[1].description),
        ("Named anew.", "Another.")
    );
    assert_eq!(renamed.fields[3].mode, Mode::Required);
    assert_eq!(written(&Level::VeryHigh), r#""VERY-HIGH""#);
    assert_eq!(written(&Level::Low {}), r#""lo\"w""#);
    assert_eq!(Level::DESCRIPTION, "One of: `VERY-HIGH`, `lo\"w`, `MID`.");
}

mod cents {
    pub(super) type Column = i64;

    pub(super) const fn column(euros: &super::Euros) -> Column {
        euros.0 * 100
    }
}

#[derive(serde::Serialize)]
struct Euros(i64);

impl From<&Euros> for String {
    fn from(euros: &Euros) -> Self {
        format!("{} EUR", euros.0)
    }
}

#[derive(Event)]
#[event("encoded.fields", crate = logeater_schema)]
struct Encoded<'a> {
    #[event(json)]
    json: BTreeMap<&'a str, Euros>,
    #[event(json)]
    json_null: Option<Euros>,
    #[event(display)]
    display: std::fmt::Arguments<'a>,
    #[event(display)]
    display_none: Option<std::fmt::Arguments<'a>>,
    #[event(with = cents)]
    with: Euros,
    #[event(into = String)]
    into: Euros,
}

#[test]
fn a_field_that_is_no_column_becomes_one_by_its_attribute() {
    let event = Encoded {
        json: BTreeMap::from([("price", Euros(5))]),
        json_null: None,
        display: format_args!("a\"b"),
        display_none: None,
        with: Euros(5),
        into: Euros(6),
    };
    let expected = r#"{"json":{"price":5},"display":"a\"b","with":500,"into":"6 EUR"}"#;
    assert_eq!(details(&event), expected);
    let types = Encoded::TYPES[0]
        .fields
        .iter()
        .map(|field| field.column_type);
    let expected = ["JSON", "JSON", "STRING", "STRING", "INTEGER", "STRING"];
    assert_eq!(types.map(ColumnType::name).collect::<Vec<_>>(), expected);
}
