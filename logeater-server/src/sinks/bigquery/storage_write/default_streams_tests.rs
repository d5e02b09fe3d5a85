use logeater_schema::Catalog;
use tonic::Code;

use std::time::Duration;

use super::super::messages;
use super::super::rows::Forms;
use super::*;
use crate::StoredEvent;
use crate::bigquery::{Class, Credentials, Target};
use crate::sinks::bigquery::requests::Outcome;
use crate::testing::stored;
use warehouse::{Fault, Warehouse};

#[path = "../../../../tests/it/support/warehouse_storage.rs"]
mod warehouse;

/// A writer, and the warehouse that it writes to.
struct Bench {
    warehouse: Arc<Warehouse>,
    streams: DefaultStreams,
    forms: Forms,
}

impl Bench {
    async fn new() -> Self {
        let warehouse = Arc::new(Warehouse::default());
        let target = Target {
            project: "shop".to_owned(),
            dataset: "logeater".to_owned(),
            endpoint: None,
            credentials: Credentials::none(),
        };
        let client = Client::new(target, Some(&warehouse.start().await)).unwrap();
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
        self.streams.write(form, &rows).await
    }

    fn rows(&self) -> Vec<String> {
        self.warehouse.rows.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        *self.warehouse.connections.lock().unwrap()
    }

    fn requests(&self) -> usize {
        *self.warehouse.requests.lock().unwrap()
    }
}

#[tokio::test]
async fn one_connection_carries_what_comes() {
    let bench = Bench::new().await;
    for sequence in 1..=3 {
        let written = bench.write([sequence]).await;
        assert_eq!(written.outcomes, [Outcome::Stored]);
    }
    assert_eq!(
        (bench.rows(), bench.connections()),
        (vec!["1".into(), "2".into(), "3".into()], 1)
    );
}

#[tokio::test]
async fn a_bad_row_is_refused_and_costs_its_neighbours_nothing() {
    let bench = Bench::new().await;
    *bench.warehouse.bad.lock().unwrap() = Some("2");
    let written = bench.write(1..=3).await;
    let refused = Outcome::Refused("BigQuery: 2 is bad".to_owned());
    assert_eq!(
        written.outcomes,
        [Outcome::Stored, refused, Outcome::Stored]
    );
    assert_eq!(
        (bench.rows(), bench.connections()),
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
            bench.warehouse.fail(fault);
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
async fn a_column_that_the_table_does_not_know_is_asked_for_again_on_another_connection() {
    let bench = Bench::new().await;
    *bench.warehouse.unknown.lock().unwrap() = Some("details");
    let written = bench.write([1]).await;
    assert!(
        matches!(&written.outcomes[..], [Outcome::Unknown(_)]),
        "{written:?}"
    );
    *bench.warehouse.unknown.lock().unwrap() = None;
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Stored]);
    assert_eq!(bench.connections(), 2);
}

#[tokio::test]
async fn a_lost_answer_is_no_word_about_the_rows_which_come_again() {
    let bench = Bench::new().await;
    bench.warehouse.fail(Fault::LostAnswer);
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Again(None)]);
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Stored]);
    assert_eq!(bench.rows(), ["1", "1"], "at least once");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let mut bench = Bench::new().await;
    let patient = bench.streams.client.clone();
    let patience = Duration::from_millis(50);
    bench.streams.client = patient.clone().with_patience(patience);
    bench.warehouse.fail(Fault::Hangs);
    let written = bench.write([1]).await;
    assert_eq!(written.problem.unwrap().class, Class::Again);
    bench.streams.client = patient;
    assert_eq!(bench.write([1]).await.outcomes, [Outcome::Stored]);
}

#[tokio::test]
async fn a_connection_that_is_closed_or_knows_too_little_is_replaced_without_a_failure() {
    for fault in [Fault::Closes, Fault::NewSchema] {
        let bench = Bench::new().await;
        bench.warehouse.fail(fault);
        for sequence in 1..=2 {
            let written = bench.write([sequence]).await;
            assert_eq!(written.outcomes, [Outcome::Stored], "{fault:?}");
        }
        assert_eq!(
            (bench.rows().len(), bench.connections()),
            (2, 2),
            "{fault:?}"
        );
    }
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
    assert_eq!((bench.rows().len(), bench.requests()), (3, 3));
}
