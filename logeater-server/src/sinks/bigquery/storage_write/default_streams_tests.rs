use std::time::Duration;

use logeater_schema::{Catalog, EVENTS_TABLE};
use serde_json::{Value, json};
use tonic::Code;

use super::super::rows::Forms;
use super::super::warehouse::storage::{Fault, Rpc};
use super::super::warehouse::{Inside, Warehouse};
use super::*;
use crate::StoredEvent;
use crate::bigquery::testing::credentials;
use crate::bigquery::{Class, Credentials, Target};
use crate::sinks::bigquery::requests::Outcome;
use crate::testing::stored;

/// What writes, and the warehouse that it writes to, which has the events table.
struct Bench {
    warehouse: Warehouse,
    streams: DefaultStreams,
    forms: Forms,
}

impl Bench {
    async fn new() -> Self {
        Self::by(Credentials::none()).await
    }

    /// The same, where these ask.
    async fn by(credentials: Credentials) -> Self {
        let warehouse = Warehouse::start().await;
        warehouse.make(EVENTS_TABLE, &fields(&[]));
        let target = Target {
            project: "shop".to_owned(),
            dataset: "logeater".to_owned(),
            endpoint: None,
            credentials: Credentials::none(),
        };
        let client = Client::new(target, Some(&warehouse.storage_endpoint)).unwrap();
        let client = client.by(credentials);
        Self {
            warehouse,
            streams: DefaultStreams::new(client),
            forms: Forms::new(&Catalog::new()),
        }
    }

    /// Writes the events of these sequences.
    async fn write(&self, sequences: impl IntoIterator<Item = i64>) -> Inserted {
        let events: Vec<_> = sequences.into_iter().map(stored).collect();
        self.write_events(&events).await
    }

    async fn write_events(&self, events: &[StoredEvent]) -> Inserted {
        let form = self.forms.events();
        let rows: Vec<_> = events.iter().map(|event| form.event(event)).collect();
        self.streams.write(form, &rows, &|_, _| {}).await
    }

    fn fail(&self, fault: Fault) {
        let set = |inside: &mut Inside| inside.storage.fail(Rpc::AppendRows, [fault]);
        self.warehouse.set(set);
    }

    async fn rows(&self) -> Vec<String> {
        let rows = self.warehouse.rows(EVENTS_TABLE, 0).await;
        let ids = rows.iter().map(|row| row["event_id"].as_str().unwrap());
        ids.map(ToOwned::to_owned).collect()
    }

    fn connections(&self) -> usize {
        self.asked_by().len()
    }

    /// Who asked, for each connection.
    fn asked_by(&self) -> Vec<Option<String>> {
        self.warehouse
            .set(|inside| inside.storage.connections.clone())
    }
}

/// The fields of the events table, but for these.
fn fields(without: &[&str]) -> Value {
    let fields = json!([
        {"name": "event_id", "type": "STRING", "mode": "REQUIRED"},
        {"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"},
        {"name": "timestamp", "type": "TIMESTAMP", "mode": "REQUIRED"},
        {"name": "service", "type": "STRING", "mode": "REQUIRED"},
        {"name": "type", "type": "STRING", "mode": "REQUIRED"},
        {"name": "user_id", "type": "STRING"},
        {"name": "details", "type": "JSON"},
    ]);
    let fields = fields.as_array().unwrap().iter();
    let is_left = |field: &&Value| !without.contains(&field["name"].as_str().unwrap());
    fields.filter(is_left).cloned().collect()
}

#[tokio::test]
async fn one_connection_carries_what_comes() {
    let bench = Bench::new().await;
    for sequence in 1..=3 {
        let written = bench.write([sequence]).await;
        assert_eq!(written.outcomes, [Outcome::Stored]);
    }
    assert_eq!(
        (bench.rows().await, bench.connections()),
        (vec!["1".into(), "2".into(), "3".into()], 1)
    );
}

#[tokio::test]
async fn a_bad_row_is_refused_and_costs_its_neighbours_nothing() {
    let bench = Bench::new().await;
    let bad = StoredEvent {
        service: "no text".to_owned(),
        ..stored(2)
    };
    let written = bench.write_events(&[stored(1), bad, stored(3)]).await;
    let words = r#"BigQuery: service: Cannot convert value to "STRING": "no text""#;
    let refused = Outcome::Refused(words.to_owned());
    assert_eq!(
        written.outcomes,
        [Outcome::Stored, refused, Outcome::Stored]
    );
    assert_eq!(
        (bench.rows().await, bench.connections()),
        (vec!["1".into(), "3".into()], 1)
    );
}

#[tokio::test]
async fn each_code_says_what_helps_and_the_next_try_has_a_connection_of_its_own() {
    for (code, class) in [
        (Code::Unavailable, Class::Again),
        (Code::Aborted, Class::Again),
        (Code::ResourceExhausted, Class::Again),
        (Code::PermissionDenied, Class::Denied),
        (Code::Unauthenticated, Class::Denied),
        (Code::NotFound, Class::Missing),
    ] {
        for fault in [Fault::Ends(code), Fault::Error(code)] {
            let bench = Bench::new().await;
            bench.fail(fault);
            let written = bench.write([1]).await;
            assert_eq!(written.outcomes, [Outcome::Again(None)], "{fault:?}");
            assert_eq!(written.problem.unwrap().class, class, "{fault:?}");
            assert_eq!(
                bench.write([1]).await.outcomes,
                [Outcome::Stored],
                "{fault:?}"
            );
            assert_eq!(bench.connections(), 2, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_quota_says_when_to_ask_again() {
    let bench = Bench::new().await;
    let pause = Duration::from_secs(7);
    bench.fail(Fault::Quota(pause));
    let problem = bench.write([1]).await.problem.unwrap();
    assert_eq!(problem.class, Class::Again);
    assert_eq!(problem.retry_after, Some(pause));
}

#[tokio::test]
async fn a_column_that_the_table_does_not_know_is_asked_for_again_on_another_connection() {
    let bench = Bench::new().await;
    bench.warehouse.make(EVENTS_TABLE, &fields(&["details"]));
    let written = bench.write([1]).await;
    assert!(
        matches!(&written.outcomes[..], [Outcome::Unknown(_)]),
        "{written:?}"
    );
    bench.warehouse.make(EVENTS_TABLE, &fields(&[]));
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Stored]);
    assert_eq!(bench.connections(), 2);
}

#[tokio::test]
async fn a_lost_answer_is_no_word_about_the_rows_which_come_again() {
    let bench = Bench::new().await;
    bench.fail(Fault::Lost);
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Again(None)]);
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Stored]);
    assert_eq!(bench.rows().await, ["1", "1"], "at least once");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let mut bench = Bench::new().await;
    let patient = bench.streams.client.clone();
    let patience = Duration::from_millis(50);
    bench.streams.client = patient.clone().with_patience(patience);
    bench.fail(Fault::Hangs);
    let written = bench.write([1]).await;
    assert_eq!(written.problem.unwrap().class, Class::Again);
    bench.streams.client = patient;
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Stored]);
}

#[tokio::test]
async fn a_connection_that_is_closed_is_replaced_without_a_failure() {
    let bench = Bench::new().await;
    bench.fail(Fault::Closes);
    for sequence in 1..=2 {
        let written = bench.write([sequence]).await;
        assert_eq!(written.outcomes, [Outcome::Stored]);
    }
    assert_eq!((bench.rows().await.len(), bench.connections()), (2, 2));
}

#[tokio::test]
async fn a_connection_that_knows_too_little_is_replaced_without_a_failure() {
    let bench = Bench::new().await;
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Stored]);
    let mut grown = fields(&[]);
    let new = json!({"name": "later", "type": "STRING"});
    grown.as_array_mut().unwrap().push(new);
    bench.warehouse.make(EVENTS_TABLE, &grown);
    // The second is told of it.
    for sequence in 2..=3 {
        let written = bench.write([sequence]).await;
        assert_eq!(written.outcomes, [Outcome::Stored]);
    }
    assert_eq!((bench.rows().await.len(), bench.connections()), (3, 2));
}

#[tokio::test]
async fn what_is_too_much_for_one_request_goes_in_several() {
    let bench = Bench::new().await;
    let large = |sequence, megabytes: usize| StoredEvent {
        details: Some(format!(
            r#"{{"text":"{}"}}"#,
            "x".repeat(megabytes * 1_000_000)
        )),
        ..stored(sequence)
    };
    let events = [large(1, 4), large(2, 4), large(3, 4), large(4, 11)];
    let written = bench.write_events(&events).await;
    let refused = "BigQuery answered InvalidArgument: AppendRows request too large".to_owned();
    assert_eq!(
        written.outcomes,
        [
            Outcome::Stored,
            Outcome::Stored,
            Outcome::Stored,
            Outcome::Refused(refused)
        ]
    );
    assert_eq!(
        (
            bench.rows().await.len(),
            bench.warehouse.requests(EVENTS_TABLE)
        ),
        (3, vec![2, 1, 1])
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let (credentials, _folder) = credentials().await;
    let bench = Bench::by(credentials).await;
    let refused = Fault::Ends(Code::Unauthenticated);
    bench.fail(refused);
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Stored]);
    bench.fail(refused);
    bench.fail(refused);
    let written = bench.write([2]).await;
    assert_eq!(written.problem.unwrap().class, Class::Denied);
    let tokens = ["Bearer token-1", "Bearer token-2", "Bearer token-3"];
    assert_eq!(bench.asked_by(), tokens.map(|token| Some(token.to_owned())));
    assert_eq!(bench.rows().await, ["1"]);
}

#[tokio::test]
async fn without_credentials_there_is_no_token_and_no_second_try() {
    let bench = Bench::new().await;
    bench.fail(Fault::Ends(Code::Unauthenticated));
    let written = bench.write([1]).await;
    assert_eq!(written.problem.unwrap().class, Class::Denied);
    assert_eq!(bench.asked_by(), [None]);
}
