//! Details of arbitrary values parse, and equal what serde writes of the same values.
//!
//! Serde's own impls are the witness; where the warehouse wants another form than serde's, `values::forms` spells
//! it out in other words than the code under test.

use std::time::Duration;

use logeater_client::{Client, Event, LossReason};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::values::containers::containers;
use crate::values::scalars::scalars;

/// What the client would send, and what serde writes.
pub(crate) fn both(event: &(impl Event + Serialize)) -> (Value, Value) {
    let (client, recorded) = Client::recording();
    client.emit(event);
    let details = recorded.take().pop().unwrap().details.unwrap();
    let parsed =
        serde_json::from_str(&details).unwrap_or_else(|error| panic!("{error}: {details}"));
    (
        parsed,
        serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap(),
    )
}

proptest! {
    #[test]
    fn scalars_are_written_as_serde_writes_them(event in scalars()) {
        let (ours, serdes) = both(&event);
        prop_assert_eq!(ours, serdes);
    }

    #[test]
    fn containers_are_written_as_serde_writes_them(event in containers()) {
        let (ours, serdes) = both(&event);
        prop_assert_eq!(ours, serdes);
    }
}

#[test]
fn a_value_that_its_column_cannot_hold_is_a_counted_loss() {
    #[derive(Event)]
    #[event("test.span")]
    struct Span {
        took: Duration,
    }
    let (client, recorded) = Client::recording();
    client.emit(Span {
        took: Duration::MAX,
    });
    client.emit(Span {
        took: Duration::from_millis(1),
    });
    assert_eq!(recorded.events().len(), 1);
    assert_eq!(
        recorded.events()[0].details.as_deref(),
        Some("{\"took\":1000}")
    );
    assert_eq!(
        (
            client.stats().emitted,
            client.stats().delivered,
            client.stats().dropped
        ),
        (2, 1, 1)
    );
}

#[test]
fn a_null_in_a_list_is_a_counted_loss() {
    #[derive(Event)]
    #[event("test.list")]
    struct List {
        list: Vec<Value>,
    }
    let (client, recorded) = Client::recording();
    client.emit(List {
        list: vec![Value::from(1), Value::Null],
    });
    client.emit(List {
        list: vec![Value::from(1), serde_json::json!({ "a": null })],
    });
    assert_eq!(client.stats().dropped_for(LossReason::Invalid), 1);
    assert_eq!(
        recorded.take()[0].details.as_deref(),
        Some("{\"list\":[1,{\"a\":null}]}")
    );
}

#[test]
fn a_recording_client_loses_what_a_real_one_would() {
    #[derive(Event)]
    #[event("test.note")]
    struct Note {
        text: String,
    }
    let (client, recorded) = Client::recording();
    client.emit(Note {
        text: "x".repeat(2 << 20),
    });
    client.emit(Note {
        text: "x".repeat(10),
    });
    client.shutdown_blocking(Duration::ZERO);
    client.emit(Note {
        text: "x".repeat(10),
    });
    let stats = client.stats();
    assert_eq!(
        (
            stats.dropped_for(LossReason::TooLarge),
            stats.dropped_for(LossReason::ShutDown)
        ),
        (1, 1)
    );
    assert_eq!(recorded.take().len(), 1);
}
