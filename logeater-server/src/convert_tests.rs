use super::*;
use crate::testing::cart;

/// Converts a value of a column `c` of this type, mode and fields.
fn convert(column: &str, json: &str) -> Result<Cell<'static>, String> {
    let plan = cart(&format!(r#"{{"name":"c",{column}}}"#), &["c"]);
    let (_, cart) = plan.find("cart.add").unwrap();
    let converted =
        cell(cart.columns.get(0).unwrap(), json).map_err(|misfit| misfit.to_string())?;
    Ok(match converted {
        Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        Cell::Null => Cell::Null,
        Cell::Integer(value) => Cell::Integer(value),
        Cell::Real(value) => Cell::Real(value),
        Cell::Blob(bytes) => Cell::Blob(bytes),
    })
}

fn text(text: &str) -> Cell<'static> {
    Cell::Text(Cow::Owned(text.to_owned()))
}

#[test]
fn values_in_the_wires_forms_are_kept() {
    for (column_type, json, kept) in [
        ("INTEGER", "-9223372036854775808", Cell::Integer(i64::MIN)),
        ("INTEGER", "9223372036854775807", Cell::Integer(i64::MAX)),
        ("FLOAT", "1", Cell::Real(1.0)),
        ("FLOAT", "-2.5e-3", Cell::Real(-0.0025)),
        ("FLOAT", r#""NaN""#, text("NaN")),
        ("FLOAT", r#""-Infinity""#, text("-Infinity")),
        (
            "NUMERIC",
            r#""18446744073709551615""#,
            text("18446744073709551615"),
        ),
        ("NUMERIC", "0.10", text("0.10")),
        (
            "BIGNUMERIC",
            r#""340282366920938463463374607431768211455""#,
            text("340282366920938463463374607431768211455"),
        ),
        ("BOOLEAN", "true", Cell::Integer(1)),
        ("BOOLEAN", "false", Cell::Integer(0)),
        ("STRING", r#""""#, text("")),
        ("STRING", r#""ä\n\u00e4\"""#, text("ä\nä\"")),
        ("BYTES", r#""AP8=""#, Cell::Blob(vec![0, 255])),
        ("BYTES", r#""\/w==""#, Cell::Blob(vec![255])),
        ("DATE", r#""2024-02-29""#, text("2024-02-29")),
        ("TIME", r#""12:00:00.5""#, text("12:00:00.500000")),
        (
            "DATETIME",
            r#""2026-01-31T12:00:00.000001""#,
            text("2026-01-31T12:00:00.000001"),
        ),
        (
            "TIMESTAMP",
            r#""2026-01-31T13:00:00+01:00""#,
            text("2026-01-31T12:00:00.000000Z"),
        ),
        ("JSON", r#"{"a" : [1, null]}"#, text(r#"{"a" : [1, null]}"#)),
        ("JSON", r#""text""#, text(r#""text""#)),
        ("JSON", "null", Cell::Null),
        ("STRING", "null", Cell::Null),
    ] {
        assert_eq!(
            convert(&format!(r#""type":"{column_type}""#), json),
            Ok(kept),
            "{column_type} {json}"
        );
    }
}

#[test]
fn other_values_do_not_fit_and_the_reason_names_column_type_and_value() {
    for (column_type, json) in [
        ("INTEGER", "1.0"),
        ("INTEGER", "1e3"),
        ("INTEGER", "9223372036854775808"),
        ("INTEGER", r#""1""#),
        ("INTEGER", "true"),
        ("FLOAT", "1e999"),
        ("FLOAT", r#""nan""#),
        ("FLOAT", r#""1""#),
        ("NUMERIC", "1e3"),
        ("NUMERIC", r#""""#),
        ("NUMERIC", "0.0000000001"),
        ("NUMERIC", "true"),
        ("BIGNUMERIC", r#""1e400""#),
        ("BOOLEAN", "1"),
        ("BOOLEAN", r#""true""#),
        ("STRING", "1"),
        ("STRING", "{}"),
        ("STRING", r#""\ud800""#),
        ("BYTES", r#""AP8""#),
        ("BYTES", r#""A_8=""#),
        ("DATE", r#""2023-02-29""#),
        ("TIME", r#""24:00:00""#),
        ("DATETIME", r#""2026-01-31T12:00:00Z""#),
        ("TIMESTAMP", r#""2026-01-31T12:00:00""#),
        ("TIMESTAMP", "1769860800"),
    ] {
        assert_eq!(
            convert(&format!(r#""type":"{column_type}""#), json),
            Err(format!("column `c`: expected {column_type}, found {json}")),
        );
    }
}

#[test]
fn a_long_value_is_shortened_in_the_reason() {
    let json = format!("\"{}\"", "ä".repeat(1_000));
    let reason = convert(r#""type":"INTEGER""#, &json).unwrap_err();
    assert_eq!(
        reason,
        format!("column `c`: expected INTEGER, found \"{}…", "ä".repeat(63))
    );
}

#[test]
fn a_list_is_kept_as_it_is_when_each_of_its_values_fits() {
    let column = r#""type":"INTEGER","mode":"REPEATED""#;
    assert_eq!(convert(column, "[1, 2]"), Ok(text("[1, 2]")));
    assert_eq!(convert(column, "[]"), Ok(text("[]")));
    assert_eq!(convert(column, "null"), Ok(Cell::Null));
    let misfit = |found| {
        Err(format!(
            "column `c`: expected REPEATED INTEGER, found {found}"
        ))
    };
    assert_eq!(convert(column, r#"[1,"2"]"#), misfit("\"2\""));
    assert_eq!(convert(column, "[[1]]"), misfit("[1]"));
    assert_eq!(convert(column, "[1,null]"), misfit("[1,null]"));
    assert_eq!(convert(column, "1"), misfit("1"));
}

#[test]
fn a_record_is_checked_to_its_leaves() {
    let column = r#""type":"RECORD","fields":[
        {"name":"city","type":"STRING","mode":"REQUIRED"},
        {"name":"stops","type":"RECORD","mode":"REPEATED","fields":[{"name":"zip","type":"INTEGER"}]}]"#;
    let good = r#"{"City":"Köln","stops":[{"zip":1},{}]}"#;
    assert_eq!(convert(column, good), Ok(text(good)));
    for (json, reason) in [
        (
            r#"{"city":"a","stops":[{"zip":"b"}]}"#,
            "column `c.stops.zip`: expected INTEGER, found \"b\"",
        ),
        (
            r#"{"city":"a","town":"b"}"#,
            "column `c.town`: the catalog has no such column",
        ),
        (
            r#"{"city":"a","CITY":"b"}"#,
            "column `c.CITY`: it is there twice",
        ),
        (
            r#"{"city":null}"#,
            "column `c.city`: it is REQUIRED and missing",
        ),
        ("[]", "column `c`: expected RECORD, found []"),
    ] {
        assert_eq!(convert(column, json), Err(reason.to_owned()), "{json}");
    }
}

#[test]
fn values_beyond_the_limits_of_their_column_do_not_fit() {
    let text = r#""type":"STRING","max_length":2"#;
    let bytes = r#""type":"BYTES","max_length":1"#;
    let decimal = r#""type":"NUMERIC","precision":4,"scale":2"#;
    for (column, json) in [
        (text, r#""äö""#),
        (bytes, r#""AA==""#),
        (decimal, r#""-0099.990""#),
        (decimal, "12"),
    ] {
        assert!(convert(column, json).is_ok(), "{column} {json}");
    }
    for (column, json, wanted) in [
        (text, r#""äöü""#, "STRING(2)"),
        (bytes, r#""AAA=""#, "BYTES(1)"),
        (decimal, r#""100""#, "NUMERIC(4, 2)"),
        (decimal, r#""0.001""#, "NUMERIC(4, 2)"),
    ] {
        let reason = convert(column, json).unwrap_err();
        assert!(
            reason.contains(&format!("expected {wanted}, found {json}")),
            "{reason}"
        );
    }
}

#[test]
fn times_that_are_none_or_in_another_form_do_not_fit() {
    for (column_type, json) in [
        ("TIME", r#""23:59:60""#),
        ("DATETIME", r#""2026-01-31T12:59:60.123""#),
        ("TIMESTAMP", r#""2026-01-31T12:59:60Z""#),
        ("TIMESTAMP", r#""20260131T120000+0100""#),
        ("TIMESTAMP", r#""2026-01-31T12:00:00+01""#),
        ("TIMESTAMP", r#""2026-01-31T12:00:00+24:00""#),
        (
            "TIMESTAMP",
            r#""2026-01-31T12:00:00+01:00[America/New_York]""#,
        ),
        ("TIMESTAMP", r#""0001-01-01T00:00:00+00:01""#),
    ] {
        assert!(
            convert(&format!(r#""type":"{column_type}""#), json).is_err(),
            "{json}"
        );
    }
    for (json, kept) in [
        (
            r#""9999-12-31T23:59:59+00:00""#,
            "9999-12-31T23:59:59.000000Z",
        ),
        (
            r#""2026-01-01 01:30:00.1234567-02:30""#,
            "2026-01-01T04:00:00.123456Z",
        ),
        (r#""2026-01-31t12:00:00z""#, "2026-01-31T12:00:00.000000Z"),
    ] {
        assert_eq!(convert(r#""type":"TIMESTAMP""#, json), Ok(text(kept)));
    }
}
