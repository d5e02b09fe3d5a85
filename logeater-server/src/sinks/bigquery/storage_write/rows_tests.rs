use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use super::super::warehouse::storage::rows as warehouse;
use super::*;
use crate::testing::{catalog_of_cart, stored};

fn read(form: &Form, row: Bytes) -> DynamicMessage {
    DynamicMessage::decode(warehouse::form(form.descriptor.clone()), row).unwrap()
}

/// The column `a` in the row of these details; none if it is NULL.
fn column(column: &str, value: &str) -> Option<Value> {
    let catalog = catalog_of_cart(&format!(r#"{{"name":"a",{column}}}"#), &["a"]);
    let event = StoredEvent {
        details: Some(format!(r#"{{"a":{value}}}"#)),
        ..stored(7)
    };
    let (forms, types) = (Forms::new(&catalog), Types::new(&catalog));
    let (table, row) = forms.extended(&types, &event).unwrap().unwrap();
    let row = read(forms.get(table).unwrap(), row);
    row.has_field_by_name("a")
        .then(|| row.get_field_by_name("a").unwrap().into_owned())
}

#[test]
fn each_type_is_what_bigquery_takes_for_it() {
    let text = |text: &str| Value::String(text.to_owned());
    for (column_type, wire, read) in [
        ("INTEGER", "9223372036854775807", Value::I64(i64::MAX)),
        ("INTEGER", "0", Value::I64(0)),
        ("FLOAT", "0.1", Value::F64(0.1)),
        ("FLOAT", r#""-Infinity""#, Value::F64(f64::NEG_INFINITY)),
        ("NUMERIC", r#""1.10""#, text("1.10")),
        (
            "BIGNUMERIC",
            r#""340282366920938463463374607431768211455""#,
            text("340282366920938463463374607431768211455"),
        ),
        ("BOOLEAN", "false", Value::Bool(false)),
        ("STRING", r#""""#, text("")),
        ("STRING", r#""a \"b\" \u00e4""#, text("a \"b\" ä")),
        (
            "BYTES",
            r#""AP8=""#,
            Value::Bytes(Bytes::from_static(&[0, 255])),
        ),
        ("DATE", r#""2026-01-31""#, Value::I32(20_484)),
        ("TIME", r#""12:00:00.000001""#, text("12:00:00.000001")),
        (
            "DATETIME",
            r#""2026-01-31T12:00:00.000001""#,
            text("2026-01-31T12:00:00.000001"),
        ),
        (
            "TIMESTAMP",
            r#""2026-01-31T12:00:00.000001Z""#,
            Value::I64(1_769_860_800_000_001),
        ),
        (
            "JSON",
            r#"{"n": 1.10, "t": [null]}"#,
            text(r#"{"n": 1.10, "t": [null]}"#),
        ),
    ] {
        let found = column(&format!(r#""type":"{column_type}""#), wire);
        assert_eq!(found, Some(read), "{column_type} {wire}");
    }
    assert_eq!(column(r#""type":"STRING""#, "null"), None);
}

#[test]
fn what_repeats_and_what_nests_has_it_at_each_level() {
    let found = column(
        r#""type":"RECORD","mode":"REPEATED","fields":[{"name":"n","type":"INTEGER","mode":"REPEATED"},{"name":"j","type":"JSON"}]"#,
        r#"[{"N":[1,0],"j":{"x":1}},{"j":null,"n":[]}]"#,
    );
    let found = found.unwrap();
    let records: Vec<_> = found
        .as_list()
        .unwrap()
        .iter()
        .map(|record| record.as_message().unwrap())
        .collect();
    let numbers = records[0].get_field_by_name("n").unwrap().into_owned();
    assert_eq!(numbers, Value::List(vec![Value::I64(1), Value::I64(0)]));
    let json = records[0].get_field_by_name("j").unwrap().into_owned();
    assert_eq!(json, Value::String(r#"{"x":1}"#.to_owned()));
    assert_eq!(records.len(), 2);
    assert_eq!(
        records[1].fields().count(),
        0,
        "{:?}",
        records[1].descriptor()
    );
}

#[test]
fn the_row_of_the_events_table_has_what_the_store_has() {
    let forms = Forms::new(&Catalog::new());
    let row = read(forms.events(), forms.events().event(&stored(7)));
    let found = |name: &str| row.get_field_by_name(name).unwrap().into_owned();
    let text = |text: &str| Value::String(text.to_owned());
    assert_eq!(found("event_id"), text("7"));
    assert_eq!(found("cluster_key"), Value::I32(20_484));
    assert_eq!(found("timestamp"), Value::I64(1_769_860_800_000_000));
    assert_eq!(
        (found("service"), found("type")),
        (text("shop"), text("cart.add"))
    );
    assert_eq!(found("details"), text(r#"{"n":1}"#));
    assert!(!row.has_field_by_name("user_id"));
}
