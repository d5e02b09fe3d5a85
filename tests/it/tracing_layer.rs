//! What is said to `tracing` as events.

use std::time::Duration;

use logeater_client::{
    Client, Event, FieldError, FromField, LossReason, Recorded, Seen, tracing_layer,
};
use tracing::{debug, info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::support::{Peer, Told, client};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Event)]
#[event("audit.said")]
struct Said {
    message: Option<String>,
    small: Option<i8>,
    large: Option<u64>,
    float: Option<f64>,
    truth: Option<bool>,
    shown: Option<String>,
}

fn said(seen: &Seen<'_>) -> Result<Said, FieldError> {
    Ok(Said {
        message: seen.get("message")?,
        small: seen.get("small")?,
        large: seen.get("large")?,
        float: seen.get("float")?,
        truth: seen.get("truth")?,
        shown: seen.get("shown")?,
    })
}

/// What is recorded while `work` says things to the target `audit`.
fn recorded<E: Event>(
    convert: impl Fn(&Seen<'_>) -> Result<E, FieldError> + Send + Sync + 'static,
    work: impl FnOnce(),
) -> (Client, Recorded) {
    let (client, recorded) = Client::recording();
    let layer = tracing_layer(client.clone(), "audit", convert);
    tracing::subscriber::with_default(registry().with(layer), work);
    (client, recorded)
}

fn details(recorded: &Recorded) -> Vec<String> {
    let events = recorded.events().into_iter();
    events.map(|event| event.details.unwrap()).collect()
}

#[test]
fn only_the_events_of_the_target_are_converted_with_all_their_values() {
    let (_, recorded) = recorded(said, || {
        let _span = info_span!(target: "audit", "a span", small = 1).entered();
        info!(target: "audit", small = -7, large = u64::MAX, float = 0.5, truth = true, shown = ?Some(1), "at {}", 3);
        debug!(target: "audit", shown = %"x", "");
        info!(target: "audit::deeper", small = 1);
        info!(small = 1);
    });
    assert_eq!(
        details(&recorded),
        [
            r#"{"message":"at 3","small":-7,"large":"18446744073709551615","float":0.5,"truth":true,"shown":"Some(1)"}"#,
            r#"{"message":"","shown":"x"}"#,
        ]
    );
}

#[test]
fn what_cannot_be_converted_is_counted_and_told_with_the_field() {
    fn why<T: FromField>(work: impl FnOnce()) -> String {
        let peer = Peer::answering_batches(|_| Ok(()));
        let told = Told::default();
        let client = client(&peer.url).on_loss(told.hook()).build().unwrap();
        let layer = tracing_layer(client.clone(), "audit", |seen| {
            seen.get::<T>("small").map(|_| Said {
                message: None,
                small: None,
                large: None,
                float: None,
                truth: None,
                shown: None,
            })
        });
        tracing::subscriber::with_default(registry().with(layer), work);
        client.shutdown_blocking(PATIENCE);
        let (events, why) = told.of("audit.said", LossReason::Invalid);
        assert_eq!(events, 1);
        why.unwrap()
    }
    assert_eq!(
        why::<i8>(|| info!(target: "audit", small = 128)),
        "field `small`: 128 does not fit"
    );
    assert_eq!(
        why::<bool>(|| info!(target: "audit", small = "yes")),
        "field `small`: \"yes\" does not fit"
    );
    assert_eq!(
        why::<String>(|| info!(target: "audit", large = 1)),
        "field `small`: it is not there"
    );
}

#[test]
fn a_conversion_that_panics_or_speaks_to_its_own_target_harms_nobody() {
    let (client, recorded) = recorded(
        |seen| {
            info!(target: "audit", "again");
            assert_ne!(seen.get::<i8>("small")?, 0, "not today");
            said(seen)
        },
        || {
            info!(target: "audit", small = 0);
            info!(target: "audit", small = 1);
        },
    );
    assert_eq!(details(&recorded), [r#"{"small":1}"#]);
    assert_eq!(client.stats().dropped_for(LossReason::Invalid), 1);
}
