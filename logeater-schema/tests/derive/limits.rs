//! Fields that are held to less than their type, and spans in a unit.

use std::num::NonZeroU64;
use std::time::Duration;

use logeater_schema::{Column, ColumnType, Event, JsonWriter};
use serde_json::{Value, json};

use crate::details;

#[derive(Default, Event)]
#[event("limits.all", crate = logeater_schema)]
struct All<'a> {
    #[event(int64)]
    count: u64,
    #[event(int64)]
    id: Option<NonZeroU64>,
    #[event(int64)]
    counts: Vec<usize>,
    #[event(max_length = 3)]
    code: &'a str,
    #[event(max_length = 3)]
    codes: Vec<String>,
    #[event(max_length = 3)]
    bytes: Option<Vec<u8>>,
    #[event(display, max_length = 3)]
    shown: Option<u16>,
    #[event(numeric(6, 2))]
    price: Price<'a>,
    #[event(numeric(3))]
    whole: u64,
    #[event(policy_tag = "projects/p/locations/eu/taxonomies/1/policyTags/2")]
    secret: &'a str,
    #[event(millis)]
    took: Duration,
    #[event(secs)]
    waited: Vec<Duration>,
    #[event(nanos)]
    exact: Option<Duration>,
}

/// What a decimal type of another crate writes.
#[derive(Default)]
struct Price<'a>(&'a str);

impl Column for Price<'_> {
    type Shape = logeater_schema::One;
    type List = logeater_schema::Many;
    const TYPE: ColumnType = ColumnType::Numeric;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.string(self.0);
    }
}

fn invalid(event: &impl Event) -> String {
    let mut out = Vec::new();
    let mut json = JsonWriter::new(&mut out);
    event.write_details(&mut json);
    json.finish()
        .expect_err("a value that does not fit")
        .into_owned()
}

#[test]
fn values_within_their_limits_are_written_in_their_unit() {
    let event = All {
        count: 9_223_372_036_854_775_807,
        id: NonZeroU64::new(2),
        counts: vec![1, 2],
        code: "aä\n",
        codes: vec![String::new(), "abc".to_owned()],
        bytes: Some(vec![1, 2, 3]),
        shown: Some(100),
        price: Price("-9999.994"),
        whole: 999,
        secret: "s",
        took: Duration::from_micros(1_999),
        waited: vec![Duration::from_millis(2_999), Duration::ZERO],
        exact: Some(Duration::from_nanos(3)),
    };
    let expected = r#"{"count":9223372036854775807,"id":2,"counts":[1,2],"code":"aä\n","codes":["","abc"],"bytes":"AQID","shown":"100","price":"-9999.99","whole":"999","secret":"s","took":1,"waited":[2,0],"exact":3}"#;
    assert_eq!(details(&event), expected);
}

#[test]
fn what_is_absent_stays_absent() {
    let expected = r#"{"count":0,"counts":[],"code":"","codes":[],"price":"0","whole":"0","secret":"","took":0,"waited":[]}"#;
    let event = All {
        price: Price("0"),
        ..All::default()
    };
    assert_eq!(details(&event), expected);
}

#[test]
fn limits_are_declared() {
    let fields = All::TYPES[0].fields;
    let types = fields.iter().map(|field| field.column_type.name());
    assert_eq!(
        types.collect::<Vec<_>>(),
        [
            "INTEGER", "INTEGER", "INTEGER", "STRING", "STRING", "BYTES", "STRING", "NUMERIC",
            "NUMERIC", "STRING", "INTEGER", "INTEGER", "INTEGER"
        ]
    );
    assert_eq!(fields[4].limits.max_length, Some(3));
    let digits = |at: usize| (fields[at].limits.precision, fields[at].limits.scale);
    assert_eq!(
        (digits(7), digits(8)),
        ((Some(6), Some(2)), (Some(3), Some(0)))
    );
    assert_eq!(
        fields[9].policy_tag,
        Some("projects/p/locations/eu/taxonomies/1/policyTags/2")
    );
    let units = fields[10..].iter().map(|field| field.type_description);
    assert_eq!(
        units.collect::<Vec<_>>(),
        ["In milliseconds.", "In seconds.", "In nanoseconds."]
    );
}

#[test]
fn a_value_beyond_its_limit_is_refused_with_column_value_and_limit() {
    let event = || All {
        price: Price("0"),
        ..All::default()
    };
    let text = || "abcd".to_owned();
    for (event, reason) in [
        (
            All {
                count: 1 << 63,
                ..event()
            },
            "column `count`: 9223372036854775808 does not fit an INTEGER, which ends at 9223372036854775807: without `int64` it is a NUMERIC",
        ),
        (
            All {
                counts: vec![1, usize::MAX],
                ..event()
            },
            "column `counts`: 18446744073709551615 does not fit an INTEGER, which ends at 9223372036854775807: without `int64` it is a NUMERIC",
        ),
        (
            All {
                code: "äöü\n",
                ..event()
            },
            "column `code`: 4 characters are more than its `max_length` of 3",
        ),
        (
            All {
                codes: vec![String::new(), text()],
                ..event()
            },
            "column `codes`: 4 characters are more than its `max_length` of 3",
        ),
        (
            All {
                bytes: Some(vec![0; 4]),
                ..event()
            },
            "column `bytes`: 4 bytes are more than its `max_length` of 3",
        ),
        (
            All {
                shown: Some(1000),
                ..event()
            },
            "column `shown`: 4 characters are more than its `max_length` of 3",
        ),
        (
            All {
                price: Price("9999.995"),
                ..event()
            },
            "column `price`: 10000.00 does not fit NUMERIC(6, 2)",
        ),
        (
            All {
                whole: 1000,
                ..event()
            },
            "column `whole`: 1000 does not fit NUMERIC(3, 0)",
        ),
        (
            All {
                exact: Some(Duration::MAX),
                ..event()
            },
            "column `exact`: a span of 18446744073709551615999999999 does not fit an INTEGER, which ends at 9223372036854775807: write a longer unit, such as `secs`",
        ),
    ] {
        assert_eq!(invalid(&event), reason);
    }
}

#[test]
fn a_json_value_nests_as_deep_as_the_warehouse_takes_it() {
    #[derive(Event)]
    #[event("limits.depth", crate = logeater_schema)]
    struct Depth<'a> {
        #[event(json)]
        tree: &'a Value,
        other: Option<&'a Value>,
    }
    let nested = |levels| (1..levels).fold(json!([]), |inner, _| json!({ "a": inner }));
    let (most, more) = (nested(468), nested(469));
    let event = |tree, other| Depth { tree, other };
    assert_eq!(details(&event(&most, Some(&most))).matches('[').count(), 2);
    for (event, column) in [
        (event(&more, None), "tree"),
        (event(&most, Some(&more)), "other"),
    ] {
        assert_eq!(
            invalid(&event),
            format!(
                "column `{column}`: its JSON nests deeper than 468 levels, which BigQuery does not take: write its inner part as text"
            )
        );
    }
}

/// The limits of a newtype are those of the fields that have it.
#[derive(Column)]
#[column(crate = logeater_schema)]
struct Inside<T> {
    #[column(max_length = 1)]
    deep: T,
}

#[derive(Event)]
#[event("limits.nested", crate = logeater_schema)]
struct Nested<'a> {
    before: &'a str,
    outer: Vec<Inside<&'a str>>,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Flat<'a> {
    #[column(flatten, prefix = "flat_")]
    inner: Inside<&'a str>,
}

#[derive(Event)]
#[event("limits.flat", crate = logeater_schema)]
struct Flattened<'a> {
    before: bool,
    #[event(flatten, prefix = "top_")]
    top: Flat<'a>,
    nested: Option<Flat<'a>>,
}

#[test]
fn a_flattened_column_is_named_with_its_prefix() {
    let flat = |deep| Flat {
        inner: Inside { deep },
    };
    let reason = |column: &str| {
        format!("column `{column}`: 2 characters are more than its `max_length` of 1")
    };
    let event = |top, nested| Flattened {
        before: true,
        top: flat(top),
        nested: Some(flat(nested)),
    };
    assert_eq!(invalid(&event("ab", "abc")), reason("top_flat_deep"));
    assert_eq!(invalid(&event("a", "ab")), reason("nested.flat_deep"));
}

#[test]
fn a_nested_column_is_named_by_its_path() {
    let event = Nested {
        before: "\",\"outer\":",
        outer: vec![Inside { deep: "a" }, Inside { deep: "ab" }],
    };
    let reason = "column `outer.deep`: 2 characters are more than its `max_length` of 1";
    assert_eq!(invalid(&event), reason);
}
