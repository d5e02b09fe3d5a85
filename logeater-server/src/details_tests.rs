use super::*;
use crate::testing::cart;

const COLUMNS: &str = r#"{"name":"other","type":"STRING"},{"name":"sku","type":"STRING"},
    {"name":"quantity","type":"INTEGER"}"#;

fn read(own: &[&str], json: &str) -> Result<String, String> {
    let plan = cart(COLUMNS, own);
    let (_, cart) = plan.find("cart.add").unwrap();
    match cells(&cart.columns, json) {
        Ok(Ok(cells)) => Ok(format!("{cells:?}")),
        Ok(Err(misfit)) => Err(format!("misfit: {misfit}")),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn members_come_to_the_places_of_the_types_own_columns() {
    let cells = r#"[Text("a"), Integer(2)]"#;
    assert_eq!(
        read(&["sku", "quantity"], r#"{"sku":"a","quantity":2}"#).as_deref(),
        Ok(cells)
    );
    assert_eq!(
        read(
            &["sku", "quantity"],
            r#" {"QUANTITY" : 2, "s\u006bu": "a"} "#
        )
        .as_deref(),
        Ok(cells)
    );
    assert_eq!(
        read(&["sku", "quantity"], "{}").as_deref(),
        Ok("[Null, Null]")
    );
}

#[test]
fn a_column_of_another_type_of_the_table_makes_the_row_a_whole_one() {
    let cells = r#"[Text("a"), Null, Text("b")]"#;
    assert_eq!(
        read(&["sku", "quantity"], r#"{"sku":"a","other":"b"}"#).as_deref(),
        Ok(cells)
    );
}

#[test]
fn an_unknown_or_repeated_key_is_a_misfit_that_names_it() {
    let misfit = "misfit: column `color`: the catalog has no such column";
    assert_eq!(
        read(&["sku"], r#"{"sku":"a","color":1}"#),
        Err(misfit.to_owned())
    );
    assert_eq!(
        read(&["sku"], r#"{"color":1,"sku":7}"#),
        Err(misfit.to_owned())
    );
    assert_eq!(
        read(&["sku"], r#"{"color":1,"sku":"a"}"#),
        Err(misfit.to_owned())
    );
    let misfit = "misfit: column `SKU`: it is there twice";
    assert_eq!(
        read(&["sku"], r#"{"sku":null,"SKU":"a"}"#),
        Err(misfit.to_owned())
    );
}

#[test]
fn what_is_no_json_object_is_an_error_even_behind_a_misfit() {
    let error = "details are not one JSON object: ";
    for (json, problem) in [
        (r#"{"color":1,}"#, "trailing comma at line 1 column 12"),
        (
            r#"{"sku":"a"} {}"#,
            "trailing characters at line 1 column 13",
        ),
        (
            "[]",
            "invalid type: sequence, expected one JSON object at line 1 column 0",
        ),
        (
            "7",
            "invalid type: integer `7`, expected one JSON object at line 1 column 1",
        ),
        ("", "EOF while parsing a value at line 1 column 0"),
        (
            r#"{"sku":"a"#,
            "EOF while parsing a string at line 1 column 9",
        ),
    ] {
        assert_eq!(
            read(&["sku"], json),
            Err(format!("{error}{problem}")),
            "{json}"
        );
        assert_eq!(
            check(json).unwrap_err().to_string(),
            format!("{error}{problem}"),
            "{json}"
        );
    }
}

#[test]
fn the_text_of_a_parsers_message_is_bounded() {
    let json = format!("\"{}\"", "a".repeat(100_000));
    assert!(check(&json).unwrap_err().to_string().len() < 300);
}

#[test]
fn five_hundred_levels_are_taken_and_one_more_is_not() {
    let nested = |levels: usize| {
        format!(
            "{{\"a\":{}\"]\"{}}}",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    };
    assert!(check(&nested(DEPTH_MAX)).is_ok());
    assert!(matches!(
        check(&nested(DEPTH_MAX + 1)),
        Err(DetailsError::TooDeep)
    ));
    assert!(check(&nested(100_000)).is_err());
}

#[test]
fn brackets_within_strings_are_no_levels() {
    assert!(check(&format!(r#"{{"a":"\"{}\\"}}"#, "[".repeat(2_000))).is_ok());
}
