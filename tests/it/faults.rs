//! Servers whose answers are no answers: late, false, torn, not there. What it costs is time, and never an event.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use logeater_client::{ClientBuilder, EventExt, LossReason, Stats};
use logeater_proto::event::EventEntry;
use tonic::Code;

use crate::support::{BabblingPeer, Lie, Noise, Order, Reply, ScriptedPeer, client, watch};

const PATIENCE: Duration = Duration::from_mins(1);

/// Far more than the work takes, and far less than any of the waits that must not happen.
const SOON: Duration = Duration::from_secs(40);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// How long a request may take where answers do not come.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Longer than that.
const LATE: Duration = Duration::from_millis(400);

const EVENTS: u32 = 100;

pub(crate) const NOISES: [Noise; 11] = [
    Noise::Silence,
    Noise::NoProtobuf,
    Noise::HalfMessage,
    Noise::GiantMessage,
    Noise::StrangeEncoding,
    Noise::StreamReset,
    Noise::GoAway,
    Noise::NoFrame,
    Noise::HalfFrame,
    Noise::End,
    Noise::Reset,
];

pub(crate) const LIES: [Lie; 4] = [
    Lie::AcceptsOneMore,
    Lie::AcceptsOneLess,
    Lie::RejectsOneBeyond,
    Lie::RejectsOneTwice,
];

/// Everything that says nothing of any event.
fn faults() -> impl Iterator<Item = Reply> {
    let others = [
        Reply::StoresLate(LATE),
        Reply::Fails(Code::Unavailable),
        // All is well, and no message.
        Reply::Fails(Code::Ok),
        Reply::Http(200),
        Reply::Http(429),
        Reply::Http(502),
    ];
    others
        .into_iter()
        .chain(LIES.map(Reply::Lies))
        .chain(NOISES.map(Reply::StoresAnd))
        .chain(NOISES.map(Reply::Only))
}

/// Does the same for each fault, all at once: most of it is waiting.
fn each(test: impl Fn(Reply) + Sync) {
    thread::scope(|scope| {
        for fault in faults() {
            let test = &test;
            thread::Builder::new()
                .name(format!("{fault:?}"))
                .spawn_scoped(scope, move || test(fault))
                .unwrap();
        }
    });
}

/// The numbers of these events, each once.
pub(crate) fn numbers(entries: Vec<EventEntry>) -> BTreeSet<u32> {
    entries.into_iter().map(Order::number_of).collect()
}

/// Emits to a server that has a fault once, and looks that it has every event in the end.
fn check_delivered_despite(fault: Reply, peer: &ScriptedPeer) {
    let client = client(&peer.url).timeout(TIMEOUT).build().unwrap();
    let report = watch(&client, |client| {
        for number in 0..EVENTS {
            client.emit(Order { number });
        }
        client.shutdown_blocking(PATIENCE)
    });
    assert_eq!((report.delivered, report.pending), (100, 0), "{fault:?}");
    assert!(report.retries > 0, "{fault:?}");
    assert_eq!(numbers(peer.stored()), (0..EVENTS).collect());
}

#[test]
fn an_answer_that_says_nothing_costs_no_event() {
    each(|fault| {
        check_delivered_despite(fault, &ScriptedPeer::start([fault], Reply::Stores));
    });
}

#[test]
fn an_answer_to_push_that_says_nothing_costs_no_event() {
    each(|fault| {
        // Of one event alone nothing that can be said is more than it is.
        if !matches!(fault, Reply::Lies(_)) {
            check_delivered_despite(fault, &ScriptedPeer::push_only([fault], Reply::Stores));
        }
    });
}

#[test]
fn a_server_that_never_says_anything_is_given_up() {
    each(|fault| {
        let peer = ScriptedPeer::start([], fault);
        let client = client(&peer.url)
            .timeout(TIMEOUT)
            .retry_for(Duration::from_millis(300))
            .build()
            .unwrap();
        let stats = watch(&client, |client| {
            for number in 0..EVENTS {
                client.emit(Order { number });
            }
            client.flush_blocking(PATIENCE).unwrap();
            client.stats()
        });
        let given_up = stats.dropped_for(LossReason::RetriesSpent);
        assert_eq!((given_up, stats.pending), (100, 0), "{fault:?}: {stats:?}");
    });
}

/// Emits to a server that always fails, and looks how long the waits are.
fn end_in_time(builder: ClientBuilder) -> Stats {
    let client = builder.retry_for(LONG).build().unwrap();
    watch(&client, |client| {
        for number in 0..EVENTS {
            client.emit(Order { number });
        }
        let started = Instant::now();
        let late = client.flush_blocking(TIMEOUT).unwrap_err();
        assert_eq!(late.pending, 100);
        let report = client.shutdown_blocking(TIMEOUT);
        assert!(started.elapsed() < SOON);
        client.emit(Order { number: EVENTS });
        assert_eq!(client.stats().emitted, 101);
        report
    })
}

#[test]
fn flush_and_shutdown_keep_their_deadlines_whatever_the_server_does() {
    each(|fault| {
        let peer = ScriptedPeer::start([], fault);
        // One that is late is believed in the end.
        let timeout = if matches!(fault, Reply::StoresLate(_)) {
            TIMEOUT
        } else {
            LONG
        };
        let report = end_in_time(client(&peer.url).timeout(timeout));
        let lost = report.dropped_for(LossReason::ShutDown);
        assert_eq!((lost, report.pending), (100, 0), "{fault:?}: {report:?}");
    });
}

#[test]
fn a_server_that_does_not_speak_http_2_is_given_up() {
    for words in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "",
    ] {
        let peer = BabblingPeer::saying(words);
        let client = client(&peer.url)
            .retry_for(Duration::from_millis(300))
            .build()
            .unwrap();
        let report = watch(&client, |client| {
            client.emit(Order { number: 0 });
            client.flush_blocking(PATIENCE).unwrap();
            client.shutdown_blocking(PATIENCE)
        });
        let given_up = report.dropped_for(LossReason::RetriesSpent);
        assert_eq!((given_up, report.pending), (1, 0), "{words:?}");
        assert!(report.retries > 0, "{words:?}");
    }
}

#[test]
fn a_batch_that_is_cut_in_its_middle_is_sent_whole_again() {
    // Far more than a server takes before it reads.
    let user = "u".repeat(5_000);
    for noise in [Noise::StreamReset, Noise::End, Noise::Reset] {
        let peer = ScriptedPeer::start([Reply::Only(noise); 2], Reply::Stores);
        let client = client(&peer.url).linger(LONG).build().unwrap();
        let user = user.clone();
        let report = watch(&client, move |client| {
            for number in 0..EVENTS {
                client.emit(Order { number }.by(&*user));
            }
            client.shutdown_blocking(PATIENCE)
        });
        assert_eq!((report.delivered, report.retries), (100, 2), "{noise:?}");
        assert_eq!(peer.stored().len(), 100);
        assert_eq!(numbers(peer.stored()).len(), 100);
    }
}

#[test]
fn a_server_that_leaves_in_good_order_costs_no_event_and_no_second_request() {
    let peer = ScriptedPeer::start([], Reply::StoresAndLeaves);
    let client = client(&peer.url).build().unwrap();
    let report = watch(&client, |client| {
        for number in 0..EVENTS {
            client.emit(Order { number });
            client.flush_blocking(PATIENCE).unwrap();
        }
        client.shutdown_blocking(PATIENCE)
    });
    assert_eq!((report.delivered, report.retries), (100, 0));
    assert_eq!(peer.stored().len(), 100);
}

#[test]
fn rejections_are_of_the_events_that_are_meant() {
    let peer = ScriptedPeer::start([], Reply::Refuses(3));
    let client = client(&peer.url)
        .batch_events(10)
        .linger(LONG)
        .build()
        .unwrap();
    let report = watch(&client, |client| {
        for number in 0..EVENTS {
            client.emit(Order { number });
        }
        client.shutdown_blocking(PATIENCE)
    });
    // Of each batch of ten, those in the places 0, 3, 6 and 9.
    assert_eq!((report.delivered, report.rejected), (60, 40));
    let refused = (0..EVENTS).filter(|number| number % 10 % 3 == 0);
    assert_eq!(numbers(peer.refused()), refused.collect());
    assert_eq!(numbers(peer.stored()).len(), 60);
}
