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

fn sizes(rows: &[Row<'_>]) -> Vec<usize> {
    requests(rows).iter().map(Vec::len).collect()
}

#[test]
fn a_request_has_no_more_rows_and_bytes_than_bigquery_takes() {
    assert_eq!(sizes(&[]), [0; 0]);
    assert_eq!(sizes(&rows(b"{}", 50_000)), [50_000]);
    assert_eq!(sizes(&rows(b"{}", 120_000)), [50_000, 50_000, 20_000]);
    let megabyte = vec![b' '; 1_000_000];
    assert_eq!(sizes(&rows(&megabyte, 20)), [9, 9, 2]);
    for request in requests(&rows(&megabyte, 20)) {
        assert!(body(&rows(&megabyte, 20), &request).len() <= 10_000_000);
    }
    // What is too large alone is BigQuery's to refuse.
    assert_eq!(sizes(&rows(&vec![b' '; 10_000_001], 2)), [1, 1]);
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

/// What the answer with these errors says of a request of four rows, and which are sent again at once.
fn judged(errors: &Value) -> (Vec<Outcome>, Option<Vec<usize>>) {
    let answer = serde_json::from_value(json!({"insertErrors": errors})).unwrap();
    let mut outcomes = vec![Outcome::Again(None); 4];
    let stopped = judge(&answer, vec![0, 1, 2, 3], &mut outcomes);
    (outcomes, stopped)
}

fn error(index: usize, reason: &str, message: &str) -> Value {
    let error = json!({"reason": reason, "location": "sku", "debugInfo": "", "message": message});
    json!({"index": index, "errors": [error]})
}

#[test]
fn a_row_that_is_refused_costs_its_neighbours_another_request_at_most() {
    use Outcome::{Again, Refused, Stored};
    let refused = || Refused("BigQuery: invalid at `sku`: no text".to_owned());
    // Those that can be inserted are.
    let (outcomes, stopped) = judged(&json!([error(2, "invalid", "no text")]));
    assert_eq!(outcomes, [Stored, Stored, refused(), Stored]);
    assert_eq!(stopped, None);
    // Or none is.
    let errors = json!([
        error(0, "stopped", ""),
        error(1, "stopped", ""),
        error(2, "invalid", "no text"),
        error(3, "stopped", "")
    ]);
    let (outcomes, stopped) = judged(&errors);
    assert_eq!(outcomes, [Again(None), Again(None), refused(), Again(None)]);
    assert_eq!(stopped, Some(vec![0, 1, 3]));
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
        let (outcomes, stopped) = judged(&json!([error(1, reason, message)]));
        assert!(
            is_expected(&outcomes[1]),
            "{reason} {message}: {:?}",
            outcomes[1]
        );
        assert_eq!(stopped, None);
    }
}

#[test]
fn rows_that_are_stopped_for_nobody_are_tried_again_later() {
    let (outcomes, stopped) = judged(&json!([error(0, "stopped", ""), error(1, "stopped", "")]));
    assert_eq!(stopped, None);
    let words = "BigQuery stopped the row for another one, and does not say for which".to_owned();
    let again = Outcome::Again(Some(words));
    assert_eq!(
        outcomes,
        [again.clone(), again, Outcome::Stored, Outcome::Stored]
    );
}

#[test]
fn an_answer_about_a_row_that_was_not_sent_is_no_word_about_any() {
    let (outcomes, stopped) = judged(&json!([error(4, "invalid", "")]));
    assert_eq!(stopped, None);
    for outcome in outcomes {
        let words = "BigQuery names the row 4 of a request of 4".to_owned();
        assert_eq!(outcome, Outcome::Again(Some(words)));
    }
}
