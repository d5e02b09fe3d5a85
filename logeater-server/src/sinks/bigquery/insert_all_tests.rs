use serde_json::{Value, json};

use super::*;

fn rows(json: &[u8], count: usize) -> Vec<Row<'_>> {
    vec![
        Row {
            insert_id: "an id",
            json,
        };
        count
    ]
}

#[test]
fn a_request_has_no_more_bytes_than_bigquery_takes() {
    let megabyte = vec![b' '; 1_000_000];
    let rows = rows(&megabyte, 20);
    for request in LIMITS.requests(rows.iter().map(row_bytes)) {
        assert!(body(&rows, &request).len() <= 10_000_000);
    }
}

#[test]
fn a_request_has_the_rows_with_their_ids() {
    let rows = [
        ("a\"b", "{\"n\":\"1\"}"),
        ("c", "{}"),
        ("d", "{\"n\":\"3\"}"),
    ];
    let rows = rows.map(|(insert_id, json)| Row {
        insert_id,
        json: json.as_bytes(),
    });
    let body: Value = serde_json::from_slice(&body(&rows, &[0, 2])).unwrap();
    let expected = json!({
        "skipInvalidRows": true,
        "ignoreUnknownValues": false,
        "rows": [{"insertId": "a\"b", "json": {"n": "1"}}, {"insertId": "d", "json": {"n": "3"}}],
    });
    assert_eq!(body, expected);
}

/// What the answer with these errors says of a request of four rows.
fn judged(errors: &Value) -> Said {
    let answer = serde_json::from_value(json!({"insertErrors": errors})).unwrap();
    judge(&answer, 4)
}

fn error(index: usize, reason: &str, message: &str) -> Value {
    let error = json!({"reason": reason, "location": "sku", "debugInfo": "", "message": message});
    json!({"index": index, "errors": [error]})
}

#[test]
fn a_row_that_is_refused_costs_its_neighbours_another_request_at_most() {
    let stored = || Some(Outcome::Stored);
    let refused = || {
        Some(Outcome::Refused(
            "BigQuery: invalid at `sku`: no text".to_owned(),
        ))
    };
    // Those that can be inserted are.
    let said = judged(&json!([error(2, "invalid", "no text")]));
    assert_eq!(said, [stored(), stored(), refused(), stored()]);
    // Or none is.
    let errors = json!([
        error(0, "stopped", ""),
        error(1, "stopped", ""),
        error(2, "invalid", "no text"),
        error(3, "stopped", "")
    ]);
    assert_eq!(judged(&errors), [None, None, refused(), None]);
}

#[test]
fn what_bigquery_says_of_a_row_is_what_becomes_of_it() {
    for (reason, message, is_expected) in [
        (
            "invalid",
            "no such field: size.",
            (|outcome| matches!(outcome, Outcome::Unknown(_))) as fn(&_) -> bool,
        ),
        ("invalid", "Cannot convert value to integer", |outcome| {
            matches!(outcome, Outcome::Refused(_))
        }),
        ("somethingNew", "", |outcome| {
            matches!(outcome, Outcome::Refused(_))
        }),
        ("backendError", "", |outcome| {
            matches!(outcome, Outcome::Again(Some(_)))
        }),
        ("timeout", "", |outcome| {
            matches!(outcome, Outcome::Again(Some(_)))
        }),
    ] {
        let said = judged(&json!([error(1, reason, message)]));
        let outcome = said[1].as_ref().unwrap();
        assert!(is_expected(outcome), "{reason} {message}: {outcome:?}");
    }
}

#[test]
fn rows_that_are_stopped_for_nobody_are_tried_again_later() {
    let said = judged(&json!([error(0, "stopped", ""), error(1, "stopped", "")]));
    let words = "BigQuery stopped the row for another one, and does not say for which".to_owned();
    let again = || Some(Outcome::Again(Some(words.clone())));
    let stored = || Some(Outcome::Stored);
    assert_eq!(said, [again(), again(), stored(), stored()]);
}

#[test]
fn an_answer_about_a_row_that_was_not_sent_is_no_word_about_any() {
    let words = "BigQuery names the row 4 of a request of 4".to_owned();
    let again = Some(Outcome::Again(Some(words)));
    assert_eq!(judged(&json!([error(4, "invalid", "")])), vec![again; 4]);
}
