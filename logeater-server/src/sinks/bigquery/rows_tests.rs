use serde_json::{Value, json};

use super::*;
use crate::testing::{cart, stored};

fn parsed(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap()
}

/// The table and the row of these details.
fn extended(columns: &str, details: &str) -> Result<Option<(String, Bytes)>, String> {
    let event = StoredEvent {
        details: Some(details.to_owned()),
        ..stored(7)
    };
    let types = Types(cart(columns, &["a"]));
    let row = types.extended(&event)?;
    Ok(row.map(|(table, row)| (table.to_owned(), row)))
}

/// The value of the column `a` in the row of these details.
fn column(column: &str, value: &str) -> Value {
    let columns = format!(r#"{{"name":"a",{column}}}"#);
    let row = extended(&columns, &format!(r#"{{"a":{value}}}"#));
    let row = parsed(&row.unwrap().unwrap().1);
    row.get("a").cloned().unwrap_or(Value::Null)
}

#[test]
fn each_type_has_the_form_that_bigquery_takes() {
    for (column_type, wire, row) in [
        (
            "INTEGER",
            "9223372036854775807",
            json!("9223372036854775807"),
        ),
        ("INTEGER", "-1", json!("-1")),
        ("FLOAT", "0.1", json!(0.1)),
        ("FLOAT", r#""NaN""#, json!("NaN")),
        ("NUMERIC", r#""1.10""#, json!("1.10")),
        ("NUMERIC", "1.10", json!("1.10")),
        (
            "BIGNUMERIC",
            r#""340282366920938463463374607431768211455""#,
            json!("340282366920938463463374607431768211455"),
        ),
        ("BOOLEAN", "true", json!(true)),
        ("STRING", r#""a \"b\" \u00e4""#, json!("a \"b\" ä")),
        ("BYTES", r#""AP8=""#, json!("AP8=")),
        ("DATE", r#""2026-01-31""#, json!("2026-01-31")),
        ("TIME", r#""12:00:00.000001""#, json!("12:00:00.000001")),
        (
            "DATETIME",
            r#""2026-01-31T12:00:00.000001""#,
            json!("2026-01-31T12:00:00.000001"),
        ),
        (
            "TIMESTAMP",
            r#""2026-01-31T12:00:00.000001Z""#,
            json!("2026-01-31T12:00:00.000001Z"),
        ),
        (
            "JSON",
            r#"{"n": 1.10, "t": [null]}"#,
            json!(r#"{"n": 1.10, "t": [null]}"#),
        ),
        ("JSON", r#""text""#, json!(r#""text""#)),
        ("STRING", "null", Value::Null),
    ] {
        assert_eq!(
            column(&format!(r#""type":"{column_type}""#), wire),
            row,
            "{column_type} {wire}"
        );
    }
}

#[test]
fn what_repeats_and_what_nests_has_it_at_each_level() {
    let column = column(
        r#""type":"RECORD","mode":"REPEATED","fields":[{"name":"n","type":"INTEGER","mode":"REPEATED"},{"name":"j","type":"JSON"}]"#,
        r#"[{"N":[1,2],"j":{"x":1}},{"j":null,"n":[]}]"#,
    );
    assert_eq!(
        column,
        json!([{"n": ["1", "2"], "j": r#"{"x":1}"#}, {"n": []}])
    );
}

#[test]
fn a_row_has_its_keys_before_its_own_columns() {
    let columns = r#"{"name":"a","type":"INTEGER"},{"name":"b","type":"STRING"}"#;
    let row = extended(columns, r#"{"a":1,"b":null}"#);
    let (table, json) = row.unwrap().unwrap();
    assert_eq!(table, "cart");
    assert_eq!(
        json,
        r#"{"event_id":"7","cluster_key":"2026-01-31","a":"1"}"#
    );
}

#[test]
fn details_that_do_not_fit_say_what_does_not() {
    assert_eq!(
        extended(r#"{"name":"a","type":"INTEGER"}"#, r#"{"a":"x"}"#),
        Err(r#"table cart: column `a`: expected INTEGER, found "x""#.to_owned())
    );
    let by_hand = extended(r#"{"name":"a","type":"INTEGER"}"#, "by hand").unwrap_err();
    assert!(
        by_hand.starts_with("table cart: details are not one JSON object: "),
        "{by_hand}"
    );
}

#[test]
fn a_type_that_nobody_declared_and_an_event_without_details_have_no_row() {
    let tables = Types(cart(r#"{"name":"a","type":"INTEGER"}"#, &["a"]));
    let other = StoredEvent {
        event_type: "cart.other".to_owned(),
        ..stored(1)
    };
    assert_eq!(tables.extended(&other), Ok(None));
    let bare = StoredEvent {
        details: None,
        ..stored(1)
    };
    assert_eq!(tables.extended(&bare), Ok(None));
}

#[test]
fn the_row_of_the_events_table_has_the_details_as_the_text_of_a_json() {
    let mut stored = stored(7);
    stored.user_id = Some("u-1".to_owned());
    let row = json!({
        "event_id": "7", "cluster_key": "2026-01-31", "timestamp": "2026-01-31T12:00:00.000000Z",
        "service": "shop", "type": "cart.add", "user_id": "u-1", "details": r#"{"n":1}"#,
    });
    assert_eq!(parsed(&event(&stored)), row);
    stored.details = Some("by hand".to_owned());
    assert_eq!(parsed(&event(&stored))["details"], json!(r#""by hand""#));
    (stored.details, stored.user_id) = (None, None);
    let row = parsed(&event(&stored));
    assert_eq!((row.get("details"), row.get("user_id")), (None, None));
}
