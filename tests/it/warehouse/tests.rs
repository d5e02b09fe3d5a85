//! The checker refuses a bad row or a bad schema for each of its rules.

use super::Table;

/// A schema file with one column.
fn schema(rest: &str) -> String {
    format!(r#"[{{"name":"c","mode":"NULLABLE",{rest}}}]"#)
}

fn refused(rest: &str, value: &str) -> bool {
    let table = Table::read(&schema(rest)).unwrap();
    !table.refusals(&format!(r#"{{"c":{value}}}"#)).is_empty()
}

/// Holds the values of one type that fit against those that do not.
fn hold(rest: &str, good: &[&str], bad: &[&str]) {
    for value in good {
        assert!(!refused(rest, value), "{rest}: {value} fits");
    }
    for value in bad {
        assert!(refused(rest, value), "{rest}: {value} does not fit");
    }
}

#[test]
fn an_integer_has_64_bits_and_no_point() {
    hold(
        r#""type":"INTEGER""#,
        &["0", "-1", "9223372036854775807", "-9223372036854775808"],
        &[
            "9223372036854775808",
            "-9223372036854775809",
            "1.0",
            "1e3",
            "\"1\"",
            "true",
            "[1]",
            "null",
        ],
    );
}

#[test]
fn a_float_is_a_number_or_one_of_three_texts() {
    hold(
        r#""type":"FLOAT""#,
        &[
            "0",
            "-0.0",
            "1e308",
            "5e-324",
            "\"NaN\"",
            "\"Infinity\"",
            "\"-Infinity\"",
        ],
        &["\"inf\"", "\"nan\"", "\"1\"", "true", "{}"],
    );
}

#[test]
fn a_numeric_has_29_digits_before_the_point_and_nine_behind_it() {
    let nines = "9".repeat(29);
    let (largest, larger) = (format!("\"-{nines}.999999999\""), format!("\"1{nines}\""));
    hold(
        r#""type":"NUMERIC""#,
        &["\"0\"", "\"-1.5\"", "\"007\"", "\"1.0000000000\"", &largest],
        &[
            &larger,
            "\"0.0000000001\"",
            "1",
            "\"1e3\"",
            "\"+1\"",
            "\".5\"",
            "\"1.\"",
            "\"\"",
            "\"-\"",
            "\"1 \"",
        ],
    );
    hold(
        r#""type":"NUMERIC","precision":"5","scale":"2""#,
        &["\"999.99\"", "\"0.1\""],
        &["\"1000\"", "\"0.001\""],
    );
    hold(
        r#""type":"NUMERIC","precision":"5""#,
        &["\"99999\""],
        &["\"0.1\"", "\"100000\""],
    );
}

#[test]
fn a_bignumeric_ends_at_256_bits() {
    let whole = "578960446186580977117854925043439539266";
    let greatest = format!("\"{whole}.34992332820282019728792003956564819967\"");
    let end = format!("\"{whole}.34992332820282019728792003956564819968\"");
    let least = end.replacen('"', "\"-", 1);
    let less = least.replace("968\"", "969\"");
    let tiny = format!("\"0.{}1\"", "0".repeat(38));
    hold(
        r#""type":"BIGNUMERIC""#,
        &[
            &greatest,
            &least,
            "\"340282366920938463463374607431768211455\"",
        ],
        &[
            &end,
            &less,
            &tiny,
            "\"1000000000000000000000000000000000000000\"",
        ],
    );
}

#[test]
fn a_string_has_as_many_code_points_as_it_may() {
    hold(
        r#""type":"STRING","maxLength":"2""#,
        &["\"\"", "\"\u{1f600}\u{1f600}\"", "\"\\ud83d\\ude00a\""],
        &["\"abc\"", "1", "[\"a\"]"],
    );
    hold(
        r#""type":"BOOLEAN""#,
        &["true", "false"],
        &["\"true\"", "1"],
    );
}

#[test]
fn bytes_are_padded_base64_of_the_standard_alphabet() {
    hold(
        r#""type":"BYTES","maxLength":"3""#,
        &["\"\"", "\"QQ==\"", "\"QUI=\"", "\"QUJD\"", "\"+/+/\""],
        &[
            "\"QQ\"",
            "\"QQ=\"",
            "\"QR==\"",
            "\"QUK=\"",
            "\"-_-_\"",
            "\"QUJDRA==\"",
            "\"A===\"",
            "\"Q=Q=\"",
            "\"QUJD\\n\"",
        ],
    );
}

#[test]
fn days_and_times_are_those_of_the_calendar_to_the_microsecond() {
    hold(
        r#""type":"DATE""#,
        &["\"0001-01-01\"", "\"9999-12-31\"", "\"2000-02-29\""],
        &[
            "\"0000-12-31\"",
            "\"10000-01-01\"",
            "\"1900-02-29\"",
            "\"2026-04-31\"",
            "\"2026-13-01\"",
            "\"2026-1-1\"",
            "\"2026-01-00\"",
            "1",
        ],
    );
    hold(
        r#""type":"TIME""#,
        &["\"00:00:00.000000\"", "\"23:59:59.999999\""],
        &[
            "\"24:00:00.000000\"",
            "\"23:59:60.000000\"",
            "\"12:60:00.000000\"",
            "\"12:00:00\"",
            "\"12:00:00.000000000\"",
        ],
    );
    hold(
        r#""type":"DATETIME""#,
        &["\"2026-01-31T12:00:00.000000\""],
        &[
            "\"2026-01-31T12:00:00.000000Z\"",
            "\"2026-01-31 12:00:00.000000\"",
            "\"2026-01-32T12:00:00.000000\"",
        ],
    );
    hold(
        r#""type":"TIMESTAMP""#,
        &["\"2026-01-31T12:00:00.000000Z\""],
        &[
            "\"2026-01-31T12:00:00.000000\"",
            "\"2026-01-31T12:00:00Z\"",
            "\"2026-01-31T12:00:00.000000+00:00\"",
            "1769860800",
        ],
    );
}

#[test]
fn json_is_any_value_but_null() {
    hold(
        r#""type":"JSON""#,
        &["1", "\"x\"", "[null]", "{\"a\":null}", "[[1]]"],
        &["null"],
    );
}

#[test]
fn a_list_holds_neither_nulls_nor_lists() {
    let list = r#"[{"name":"c","mode":"REPEATED","type":"INTEGER"}]"#;
    let table = Table::read(list).unwrap();
    for good in [r#"{"c":[]}"#, r#"{"c":[1,2]}"#, "{}"] {
        assert_eq!(table.refusals(good), [""; 0], "{good}");
    }
    for bad in [
        r#"{"c":null}"#,
        r#"{"c":[null]}"#,
        r#"{"c":[[1]]}"#,
        r#"{"c":1}"#,
        r#"{"c":["1"]}"#,
    ] {
        assert_eq!(table.refusals(bad).len(), 1, "{bad}");
    }
    let jsons = Table::read(&list.replace("INTEGER", "JSON")).unwrap();
    assert_eq!(jsons.refusals(r#"{"c":[1,null]}"#), [".c[1]: null"]);
}

#[test]
fn a_record_has_what_is_required_nothing_unknown_and_nothing_twice() {
    let record = r#"[{"name":"r","mode":"REPEATED","type":"RECORD","fields":[
        {"name":"must","mode":"REQUIRED","type":"STRING"},{"name":"May","mode":"NULLABLE","type":"STRING"}]}]"#;
    let table = Table::read(record).unwrap();
    assert_eq!(table.refusals(r#"{"r":[{"must":"","May":""}]}"#), [""; 0]);
    for (bad, refusal) in [
        (r#"{"r":[{"May":""}]}"#, ".r[0].must: missing"),
        (r#"{"r":[{"must":null}]}"#, ".r[0].must: null"),
        (r#"{"r":[{"must":"","May":null}]}"#, ".r[0].May: null"),
        (
            r#"{"r":[{"must":"","may":""}]}"#,
            ".r[0].may: no such field",
        ),
        (
            r#"{"r":[{"must":"","must":""}]}"#,
            ".r[0].must: given twice",
        ),
        (r#"{"s":1}"#, ".s: no such field"),
    ] {
        assert_eq!(table.refusals(bad), [refusal], "{bad}");
    }
    for bad in [
        r#"{"r":["x"]}"#,
        r#"{"r":{"must":""}}"#,
        "[]",
        "{} {}",
        "{\"r\":[],}",
    ] {
        assert_eq!(table.refusals(bad).len(), 1, "{bad}");
    }
}

#[test]
fn a_row_has_a_size() {
    let table = Table::read(&schema(r#""type":"STRING""#)).unwrap();
    let row = |length| format!(r#"{{"c":"{}"}}"#, "x".repeat(length));
    assert_eq!(table.refusals(&row(9_999_992)), [""; 0]);
    assert_eq!(table.refusals(&row(9_999_993)).len(), 1);
}

#[test]
fn a_schema_is_one_that_bigquery_takes() {
    for bad in [
        r#""type":"INT""#,
        r#""type":"INTEGER","maxLength":"1""#,
        r#""type":"STRING","maxLength":1"#,
        r#""type":"STRING","precision":"1""#,
        r#""type":"NUMERIC","precision":"39","scale":"9""#,
        r#""type":"NUMERIC","precision":"11","scale":"10""#,
        r#""type":"NUMERIC","scale":"1""#,
        r#""type":"BIGNUMERIC","precision":"2","scale":"2""#,
        r#""type":"RECORD""#,
        r#""type":"STRING","fields":[{"name":"x","type":"STRING","mode":"NULLABLE"}]"#,
        r#""type":"STRING","comment":"""#,
        r#""type":"STRING","policyTags":{"names":["a","b"]}"#,
    ] {
        assert!(Table::read(&schema(bad)).is_err(), "{bad}");
    }
    let long = format!(r#""type":"STRING","description":"{}""#, "ä".repeat(1_025));
    assert!(Table::read(&schema(&long)).is_err());
    assert!(Table::read(&schema(&long.replacen('ä', "", 1))).is_ok());
    for name in [
        "",
        "1a",
        "a-b",
        "ä",
        "_TABLE_x",
        "_partitiontime",
        &"a".repeat(301),
    ] {
        let file = schema(r#""type":"STRING""#).replace("\"c\"", &format!("\"{name}\""));
        assert!(Table::read(&file).is_err(), "{name}");
    }
    let twice = r#"[{"name":"a","type":"DATE","mode":"NULLABLE"},{"name":"A","type":"DATE","mode":"NULLABLE"}]"#;
    assert!(Table::read(twice).is_err());
    assert!(Table::read(r#"[{"name":"a","type":"DATE"}]"#).is_err());
}

#[test]
fn records_lie_in_each_other_fifteen_levels_deep() {
    let nested = |levels| {
        (0..levels).fold(r#""type":"DATE""#.to_owned(), |inner, _| {
            format!(r#""type":"RECORD","fields":[{{"name":"c","mode":"NULLABLE",{inner}}}]"#)
        })
    };
    assert!(Table::read(&schema(&nested(15))).is_ok());
    assert!(Table::read(&schema(&nested(16))).is_err());
}
