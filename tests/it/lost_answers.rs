//! A proxy that keeps the answers to itself: the collector has the events, and the client cannot know.

use std::thread;
use std::time::Duration;

use crate::support::{Collector, Order, Proxy, client, watch};

const PATIENCE: Duration = Duration::from_mins(1);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// How long a request may take. Nothing hangs on it but the time that the tests take.
const TIMEOUT: Duration = Duration::from_millis(200);

/// All at once on their way, and no more than a connection takes before the server says so.
const EVENTS: u32 = 400;
const BATCH_EVENTS: u32 = 100;

/// How often the answers stop under load.
const ROUNDS: u32 = 5;

/// Looks for so many events, all different, and their extended rows.
fn check_stored(collector: Collector, events: u32) {
    let store = collector.stop();
    for count in [
        "SELECT count(*) FROM events",
        "SELECT count(DISTINCT details ->> 'number') FROM events",
        "SELECT count(*) FROM \"order\"",
    ] {
        assert_eq!(store.one::<u32>(count), events, "{count}");
    }
}

#[test]
fn what_the_collector_has_and_the_client_never_heard_of_is_stored_once() {
    let collector = Collector::start();
    let proxy = Proxy::of(&collector.url);
    let client = client(&proxy.url)
        .batch_events(BATCH_EVENTS)
        .linger(LONG)
        .timeout(TIMEOUT)
        .retry_for(LONG)
        .build()
        .unwrap();
    client.emit(Order { number: EVENTS });
    client.flush_blocking(PATIENCE).unwrap();
    let store = collector.store();
    let report = watch(&client, move |client| {
        proxy.swallow_answers();
        for number in 0..EVENTS {
            client.emit(Order { number });
        }
        // All of it is stored, some of it is sent again, and no answer has come.
        let stored = || store.one::<u32>("SELECT count(*) FROM events");
        while stored() <= EVENTS || client.stats().retries <= u64::from(EVENTS / BATCH_EVENTS) {
            thread::yield_now();
        }
        assert_eq!(client.stats().delivered, 1);
        proxy.pass_answers_on();
        client.shutdown_blocking(PATIENCE)
    });
    assert_eq!((report.delivered, report.lost()), (401, 0), "{report:?}");
    check_stored(collector, 401);
}

#[test]
fn answers_that_are_lost_under_load_cost_no_event_and_make_none_twice() {
    let collector = Collector::start();
    let proxy = Proxy::of(&collector.url);
    let client = client(&proxy.url)
        .batch_events(20)
        .timeout(TIMEOUT)
        .retry_for(LONG)
        .build()
        .unwrap();
    let (report, emitted) = watch(&client, move |client| {
        let mut number = 0;
        for _ in 0..ROUNDS {
            let before = client.stats();
            proxy.swallow_answers();
            while client.stats().retries == before.retries {
                client.emit(Order { number });
                number += 1;
                thread::park_timeout(Duration::from_micros(100));
            }
            proxy.pass_answers_on();
            while client.stats().delivered == before.delivered {
                thread::yield_now();
            }
        }
        (client.shutdown_blocking(PATIENCE), number)
    });
    assert_eq!(
        (report.delivered, report.lost()),
        (emitted.into(), 0),
        "{report:?}"
    );
    check_stored(collector, emitted);
}
