//! Whatever the columns and the details are, the row says the same to a reader that has its descriptor and the table.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ToSpan as _};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::warehouse::storage::rows as warehouse;
use super::*;
use crate::testing::{catalog_of_cart, stored};

/// How deep records nest at most.
const DEPTH: u32 = 3;

const SCALARS: &[&str] = &[
    "INTEGER",
    "FLOAT",
    "NUMERIC",
    "BIGNUMERIC",
    "BOOLEAN",
    "STRING",
    "BYTES",
    "DATE",
    "TIME",
    "DATETIME",
    "TIMESTAMP",
    "JSON",
];

/// The columns of a table or a record.
fn columns(depth: u32) -> BoxedStrategy<Vec<Value>> {
    let named = |columns: Vec<Value>| {
        let columns = columns.into_iter().enumerate().map(|(place, mut column)| {
            column["name"] = json!(format!("c{place}"));
            column
        });
        columns.collect::<Vec<_>>()
    };
    vec(column(depth), 1..5).prop_map(named).boxed()
}

fn column(depth: u32) -> BoxedStrategy<Value> {
    let mode = prop_oneof![Just("NULLABLE"), Just("REPEATED")];
    let scalar = (prop::sample::select(SCALARS), mode.clone())
        .prop_map(|(column_type, mode)| json!({"type": column_type, "mode": mode}));
    if depth == 0 {
        return scalar.boxed();
    }
    let record = (columns(depth - 1), mode)
        .prop_map(|(fields, mode)| json!({"type": "RECORD", "mode": mode, "fields": fields}));
    prop_oneof![4 => scalar, 1 => record].boxed()
}

/// A value on the wire, and as the reader has it; none is NULL.
type Pair = (Value, Value);

fn members(columns: &[Value]) -> BoxedStrategy<Pair> {
    let names: Vec<_> = columns
        .iter()
        .map(|column| column["name"].as_str().unwrap().to_owned())
        .collect();
    let values: Vec<_> = columns.iter().map(value).collect();
    values
        .prop_map(move |values| {
            let (mut wire, mut read) = (Map::new(), Map::new());
            for (name, pair) in names.iter().zip(values) {
                let Some((written, found)) = pair else {
                    continue;
                };
                wire.insert(name.clone(), written);
                if found != json!([]) {
                    read.insert(name.clone(), found);
                }
            }
            (Value::Object(wire), Value::Object(read))
        })
        .boxed()
}

fn value(column: &Value) -> BoxedStrategy<Option<Pair>> {
    let one = match column["fields"].as_array() {
        Some(fields) => members(fields),
        None => scalar(column["type"].as_str().unwrap()),
    };
    if column["mode"] == "REPEATED" {
        let many = vec(one, 0..4).prop_map(|pairs| {
            let (wire, read): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            (json!(wire), json!(read))
        });
        return option::of(many).boxed();
    }
    option::of(one).boxed()
}

fn scalar(column_type: &str) -> BoxedStrategy<Pair> {
    let same = |text: String| (json!(text), json!(text));
    let micros = || -62_135_596_800_000_000_i64..=253_402_207_200_999_999;
    let date = || (0..=3_652_058).prop_map(|days: i32| Date::constant(1, 1, 1) + days.days());
    let time = || {
        let micros = 0..86_400_000_000_i64;
        micros.prop_map(|micros| Time::midnight() + micros.microseconds())
    };
    match column_type {
        "INTEGER" => any::<i64>()
            .prop_map(|number| (json!(number), json!(number.to_string())))
            .boxed(),
        "FLOAT" => prop_oneof![
            any::<f64>()
                .prop_filter("JSON has no others", |number| number.is_finite())
                .prop_map(|number| (json!(number), json!(number))),
            prop_oneof![Just("NaN"), Just("Infinity"), Just("-Infinity")]
                .prop_map(move |text| same(text.to_owned())),
        ]
        .boxed(),
        "NUMERIC" => (any::<i64>(), 0..1_000_000_000)
            .prop_map(move |(whole, nanos)| same(format!("{whole}.{nanos:09}")))
            .boxed(),
        "BIGNUMERIC" => any::<u128>()
            .prop_map(move |number| same(number.to_string()))
            .boxed(),
        "BOOLEAN" => any::<bool>()
            .prop_map(|is_so| (json!(is_so), json!(is_so)))
            .boxed(),
        "STRING" => any::<String>().prop_map(same).boxed(),
        "BYTES" => vec(any::<u8>(), 0..20)
            .prop_map(move |bytes| same(BASE64_STANDARD.encode(bytes)))
            .boxed(),
        "DATE" => date().prop_map(move |date| same(date.to_string())).boxed(),
        "TIME" => time()
            .prop_map(move |time| same(format!("{time:.6}")))
            .boxed(),
        "DATETIME" => (date(), time())
            .prop_map(move |(date, time)| same(format!("{:.6}", DateTime::from_parts(date, time))))
            .boxed(),
        "TIMESTAMP" => micros()
            .prop_map(move |micros| {
                let moment = Timestamp::from_microsecond(micros).unwrap();
                same(format!("{moment:.6}"))
            })
            .boxed(),
        "JSON" => free_form()
            .prop_map(|free| (free.clone(), json!(free.to_string())))
            .boxed(),
        other => unreachable!("no column is drawn with {other}"),
    }
}

/// JSON that is not NULL.
fn free_form() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(option::of(inner.clone()), 0..3).prop_map(|items| json!(items)),
            prop::collection::btree_map(any::<String>(), inner, 0..3)
                .prop_map(|members| json!(members)),
        ]
    })
    .boxed()
}

proptest! {
    #[test]
    fn a_row_says_what_the_details_say(
        (columns, (wire, mut read)) in columns(DEPTH).prop_flat_map(|columns| {
            let details = members(&columns);
            (Just(columns), details)
        })
    ) {
        let names: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
        let texts: Vec<_> = columns.iter().map(Value::to_string).collect();
        let catalog = catalog_of_cart(&texts.join(","), &names);
        let event = StoredEvent { details: Some(wire.to_string()), ..stored(7) };
        let (forms, types) = (Forms::new(&catalog), Types::new(&catalog));
        let (table, row) = forms.extended(&types, &event).unwrap().unwrap();
        let form = warehouse::form(forms.get(table).unwrap().descriptor.clone());

        let mut fields = vec![
            json!({"name": "event_id", "type": "STRING"}),
            json!({"name": "cluster_key", "type": "DATE"}),
        ];
        fields.extend(columns);
        read["event_id"] = json!("7");
        read["cluster_key"] = json!("2026-01-31");
        prop_assert_eq!(warehouse::read(&fields, &form, &row), read);
    }
}
