use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::Sink;
use crate::rules::Rule;
use crate::testing::stored;

/// The place of a sink's worker, and what it was given: the details, once for each try.
#[derive(Debug)]
struct Place {
    rules: watch::Sender<Arc<Rules>>,
    paused: watch::Sender<bool>,
    given: Mutex<Vec<String>>,
}

/// A sink that fails once, and is paused then, or gets other rules.
#[derive(Debug)]
struct FailsOnce {
    place: Arc<Place>,
    pauses: bool,
    rules: Mutex<Option<Rules>>,
}

#[tonic::async_trait]
impl Sink for FailsOnce {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let mut given = self.place.given.lock().unwrap();
        given.extend(events.iter().filter_map(|event| event.details.clone()));
        if given.len() > events.len() {
            return Delivery::stored();
        }
        self.place.paused.send_replace(self.pauses);
        if let Some(rules) = self.rules.lock().unwrap().take() {
            self.place.rules.send_replace(Arc::new(rules));
        }
        Delivery::failed("it is down")
    }
}

fn filter(code: &str) -> Rules {
    Rules::new(vec![Rule::new("*").unwrap().filter(code).unwrap()])
}

fn place(rules: Rules) -> Arc<Place> {
    Arc::new(Place {
        rules: watch::Sender::new(Arc::new(rules)),
        paused: watch::Sender::new(false),
        given: Mutex::default(),
    })
}

fn worker(place: &Arc<Place>, pauses: bool, then: Option<Rules>) -> Worker {
    let sink = FailsOnce {
        place: Arc::clone(place),
        pauses,
        rules: Mutex::new(then),
    };
    Worker {
        name: "archive".into(),
        config: SinkConfig::new(sink),
        status: Arc::default(),
        rules: place.rules.subscribe(),
        paused: place.paused.subscribe(),
        stop: CancellationToken::new(),
    }
}

/// What was delivered, left out, and is dead.
fn sums(ended: Option<Ended>) -> (u64, u64, usize) {
    let ended = ended.unwrap();
    (ended.delivered, ended.left_out, ended.dead.len())
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_goes_by_the_rules_of_the_moment_as_the_store_has_it() {
    let place = place(filter(".details.n += 1"));
    let ended = worker(&place, false, Some(filter(".details.n += 10"))).deliver(vec![stored(1)]);
    assert_eq!(sums(ended.await), (1, 0, 0));
    assert_eq!(*place.given.lock().unwrap(), [r#"{"n":2}"#, r#"{"n":11}"#]);
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_is_left_out_once_a_rule_says_so() {
    let place = place(Rules::default());
    let ended = worker(&place, false, Some(filter("empty"))).deliver(vec![stored(1)]);
    assert_eq!(sums(ended.await), (0, 1, 0));
    assert_eq!(*place.given.lock().unwrap(), [r#"{"n":1}"#]);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_paused_is_not_tried_again_until_it_is_resumed() {
    let place = place(Rules::default());
    let mut delivery = Box::pin(worker(&place, true, None).deliver(vec![stored(1)]));
    let an_hour = timeout(Duration::from_hours(1), &mut delivery);
    assert!(an_hour.await.is_err());
    assert_eq!(*place.given.lock().unwrap(), [r#"{"n":1}"#]);
    place.paused.send_replace(false);
    assert_eq!(sums(delivery.await), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_paused_ends_with_the_collector() {
    let place = place(Rules::default());
    let worker = worker(&place, true, None);
    let stop = worker.stop.clone();
    let mut delivery = Box::pin(worker.deliver(vec![stored(1)]));
    let an_hour = timeout(Duration::from_hours(1), &mut delivery);
    assert!(an_hour.await.is_err());
    stop.cancel();
    assert!(delivery.await.is_none());
}

#[tokio::test(start_paused = true)]
async fn events_wait_for_a_thread_for_their_filter() {
    let place = place(filter(".details.n += 1").without_thread());
    let mut delivery = Box::pin(worker(&place, false, None).deliver(vec![stored(1)]));
    let an_hour = timeout(Duration::from_hours(1), &mut delivery);
    assert!(an_hour.await.is_err());
    assert!(place.given.lock().unwrap().is_empty());
    place
        .rules
        .send_replace(Arc::new(filter(".details.n += 1")));
    assert_eq!(sums(delivery.await), (1, 0, 0));
    let given = place.given.lock().unwrap();
    assert_eq!(*given, [r#"{"n":2}"#, r#"{"n":2}"#]);
}

/// How long it takes from now until all events have an end.
async fn takes(delivery: impl Future<Output = Option<Ended>>) -> Duration {
    let begun = tokio::time::Instant::now();
    assert_eq!(sums(delivery.await), (1, 0, 0));
    begun.elapsed()
}

/// A sink that is to be left alone for an hour after it has failed.
#[derive(Debug)]
struct RestsAnHour(FailsOnce);

#[tonic::async_trait]
impl Sink for RestsAnHour {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        self.0.deliver(events).await.pause(Duration::from_hours(1))
    }
}

fn resting(place: &Arc<Place>, pauses: bool, then: Option<Rules>) -> Worker {
    let sink = FailsOnce {
        place: Arc::clone(place),
        pauses,
        rules: Mutex::new(then),
    };
    Worker {
        config: SinkConfig::new(RestsAnHour(sink)),
        ..worker(place, pauses, None)
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_failed_rests_as_long_as_it_asks_for() {
    let place = place(Rules::default());
    let delivery = resting(&place, false, None).deliver(vec![stored(1)]);
    assert_eq!(takes(delivery).await, Duration::from_hours(1));
}

#[tokio::test(start_paused = true)]
async fn new_rules_end_the_rest() {
    let place = place(Rules::default());
    let delivery = resting(&place, false, Some(filter("."))).deliver(vec![stored(1)]);
    assert!(takes(delivery).await < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_resumed_is_tried_at_once() {
    let place = place(Rules::default());
    let mut delivery = Box::pin(resting(&place, true, None).deliver(vec![stored(1)]));
    let a_minute = timeout(Duration::from_mins(1), &mut delivery);
    assert!(a_minute.await.is_err());
    place.paused.send_replace(false);
    assert!(takes(delivery).await < Duration::from_secs(1));
}
