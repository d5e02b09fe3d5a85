//! What the sink says of events, before answers of BigQuery's REST interface.

use std::collections::VecDeque;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::*;
use crate::bigquery::Credentials;
use crate::testing::{cart, stored};

type Answers = Arc<Mutex<VecDeque<(u16, Value)>>>;

async fn answer(State(answers): State<Answers>) -> Response {
    let (status, body) = answers.lock().unwrap().pop_front().unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("retry-after", "7")], axum::Json(body)).into_response()
}

/// A sink that gets these answers, one after the other, and does not make tables.
async fn sink(answers: impl IntoIterator<Item = (u16, Value)>) -> BigQuerySink {
    let answers: Answers = Arc::new(Mutex::new(answers.into_iter().collect()));
    let router = Router::new().fallback(answer).with_state(answers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let sink = BigQuery::new("shop", "logeater")
        .credentials(Credentials::none())
        .endpoint(endpoint)
        .apply(false);
    sink.build().unwrap()
}

fn refusal(status: u16, reason: &str) -> (u16, Value) {
    let error = json!({"reason": reason, "message": "no"});
    (
        status,
        json!({"error": {"code": status, "message": "no", "errors": [error]}}),
    )
}

async fn delivery(answer: (u16, Value)) -> Delivery {
    sink([answer]).await.deliver(&[stored(1)]).await
}

#[tokio::test]
async fn each_problem_has_its_pause() {
    let minutes = |minutes| Some(Duration::from_mins(minutes));
    let asked_for = Some(Duration::from_secs(7));
    for (status, reason, pause) in [
        (403, "quotaExceeded", minutes(10)),
        (401, "authError", minutes(1)),
        (403, "accessDenied", minutes(1)),
        (403, "rateLimitExceeded", asked_for),
        (429, "", asked_for),
        (503, "backendError", asked_for),
    ] {
        let mut delivery = delivery(refusal(status, reason)).await;
        assert_eq!(delivery.pause, pause, "{status} {reason}");
        assert!(delivery.is_again(0), "{status} {reason}");
        assert_eq!(delivery.is_refused(0), None);
    }
}

#[tokio::test]
async fn a_problem_is_told_in_bigquerys_words_and_with_the_command_that_helps() {
    let delivery = delivery(refusal(404, "notFound")).await;
    assert_eq!(
        delivery.failure.as_deref(),
        Some(
            "BigQuery answered 404 (notFound): no; `logeater schema apply --project shop --dataset logeater` makes \
             tables and columns that are missing"
        )
    );
}

#[tokio::test]
async fn what_failed_for_all_is_not_tried_for_the_next_table() {
    let sink = sink([refusal(503, "backendError")]).await;
    let known = Known {
        types: Types(cart(r#"{"name":"n","type":"INTEGER"}"#, &["n"])),
        ..Known::new(&Arc::default())
    };
    *sink.known.lock().unwrap() = Arc::new(known);
    // There is no second answer.
    let delivery = sink.deliver(&[stored(1)]).await;
    assert!(delivery.is_again(0));
    let failure = delivery.failure.unwrap();
    assert_eq!(failure, "BigQuery answered 503 (backendError): no");
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_no_success() {
    let delivery = delivery((200, json!("no"))).await;
    assert!(delivery.is_again(0));
    let failure = delivery.failure.unwrap();
    assert!(
        failure.starts_with("the answer is not what BigQuery documents: "),
        "{failure}"
    );
}
