//! Outages of hours, in simulated time: the clock jumps to the next timer whenever nobody has anything to do, so
//! whoever is never done does not see the end.

use std::ops::Range;

use logeater_schema::Event;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep;

use super::simulated::{Outage, Peer};
use super::*;
use crate::client::Client;
use crate::connect::Connect;
use crate::encode::Encoder;
use crate::event_id::EventIds;
use crate::queue::Limits;
use crate::sampling::Sampling;
use crate::stats::Stats;
use crate::timestamp::TimestampUnit;
use crate::when_full::WhenFull;

const MINUTE: Duration = Duration::from_mins(1);
const THREE_HOURS: Duration = Duration::from_hours(3);
const DAY: Duration = Duration::from_hours(24);

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// So many are emitted in three hours.
const EVENTS: u64 = 360;

#[derive(Event)]
#[event("clock.tick", crate = crate)]
struct Tick {
    #[event(user_id)]
    number: String,
}

/// Emits one event after the other, and waits half a minute after each.
async fn emit_regularly(client: &Client, numbers: Range<u64>) {
    for number in numbers {
        let number = number.to_string();
        client.emit(Tick { number });
        sleep(MINUTE / 2).await;
    }
}

/// The settings that matter in an outage.
struct Settings {
    retry_for: Duration,
    buffer_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retry_for: DAY,
            buffer_bytes: 8 << 20,
        }
    }
}

impl Settings {
    /// Lets an application and a client of these servers run, and shuts the client down: its report, and how often
    /// its worker had something to do.
    async fn run(self, peers: &[Peer], application: impl AsyncFnOnce(&Client)) -> (Stats, usize) {
        let shared = Arc::new(self.shared());
        let client = Client::sending(Arc::clone(&shared), Duration::ZERO);
        let servers = Connect::new("http://simulated".to_owned())
            .servers()
            .unwrap();
        let transport = |peer: &Peer| Transport::new(&servers[0], Ok(peer.channel()), TIMEOUT);
        let transports = peers.iter().map(transport).collect();
        let work = async move {
            let _ending = Ending(Arc::clone(&shared));
            let mut log = Log::new(Dispatch::none());
            let worker = Worker::new(shared, transports, self.retry_for, &mut log);
            worker.run().await;
        };
        let life = async {
            let working = spawn_local(counting_polls(work));
            application(&client).await;
            (client.shutdown(MINUTE).await, working.await.unwrap())
        };
        LocalSet::new().run_until(life).await
    }

    fn shared(&self) -> Shared {
        let encoder = Encoder {
            service: "simulated".to_owned(),
            unit: TimestampUnit::Millis,
        };
        let limits = Limits {
            batch_bytes: self.buffer_bytes / 8,
            batch_events: 10_000,
            linger: Duration::from_millis(100),
            buffer_bytes: self.buffer_bytes,
        };
        let queue = Queue::new(limits, EventIds::new([7; 6]));
        // The worker runs in the test's own runtime.
        let start = Box::new(|_| Ok(()));
        Shared::new(
            encoder,
            Sampling::default(),
            WhenFull::default(),
            false,
            queue,
            None,
            start,
        )
    }
}

async fn counting_polls(work: impl Future<Output = ()>) -> usize {
    let (mut work, mut polls) = (pin!(work), 0);
    poll_fn(|context| {
        polls += 1;
        work.as_mut().poll(context)
    })
    .await;
    polls
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_hours_costs_no_event_and_few_requests() {
    // In three hours, with a pause of up to ten seconds after each, each length as likely as another.
    for (outage, takes, requests) in [
        (Outage::RefusesConnections, Duration::ZERO, 2_160),
        (Outage::Fails, Duration::ZERO, 2_160),
        (Outage::Hangs, TIMEOUT, 720),
    ] {
        let peers = [Peer::out_for(THREE_HOURS, outage)];
        let application = async |client: &Client| {
            emit_regularly(client, 0..EVENTS).await;
            assert_eq!(client.stats().pending, 360);
            client.flush(2 * TIMEOUT).await.unwrap();
        };
        let (report, polls) = Settings::default().run(&peers, application).await;
        assert_eq!((report.delivered, report.lost()), (360, 0), "{outage:?}");
        assert_eq!(peers[0].stored(), (0..EVENTS).collect::<Vec<_>>());
        let pauses = peers[0].pauses();
        // Timers have milliseconds.
        let longest = takes + Duration::from_millis(10_010);
        assert!(pauses.iter().all(|pause| *pause < longest), "{outage:?}");
        let about = requests * 9 / 10..requests * 11 / 10;
        assert!(about.contains(&pauses.len()), "{outage:?} {}", pauses.len());
        // It sends, it gets the answer, and every five seconds it may have metrics to tell.
        let turns = 2 * pauses.len() + 3 * 720;
        assert!(polls < turns * 11 / 10, "{outage:?} {polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_pauses_are_kept_for_hours() {
    let peers = [Peer::out_for(THREE_HOURS, Outage::PushesBack)];
    let application = async |client: &Client| {
        emit_regularly(client, 0..EVENTS).await;
        client.flush(MINUTE).await.unwrap();
    };
    let (report, _) = Settings::default().run(&peers, application).await;
    assert_eq!((report.delivered, report.lost()), (360, 0));
    let pauses = peers[0].pauses();
    let about = MINUTE..MINUTE + Duration::from_millis(10);
    assert!(pauses.len() > 170 && pauses.iter().all(|pause| about.contains(pause)));
}

#[tokio::test(start_paused = true)]
async fn what_outlasts_its_time_is_given_up_and_what_is_younger_arrives() {
    let peers = [Peer::out_for(THREE_HOURS, Outage::Fails)];
    let settings = Settings {
        retry_for: 5 * MINUTE,
        ..Settings::default()
    };
    let application = async |client: &Client| {
        emit_regularly(client, 0..EVENTS).await;
        client.flush(MINUTE).await.unwrap();
    };
    let (report, _) = settings.run(&peers, application).await;
    let given_up = report.dropped_for(LossReason::RetriesSpent);
    assert_eq!(
        (report.delivered + given_up, report.lost()),
        (360, given_up)
    );
    assert_eq!(peers[0].stored(), (given_up..EVENTS).collect::<Vec<_>>());
    // Those of the last five minutes had their time, and those before the last quarter of an hour had not.
    assert!((330..=350).contains(&given_up), "{given_up}");
}

#[tokio::test(start_paused = true)]
async fn a_buffer_that_an_outage_fills_keeps_what_it_has() {
    let peers = [Peer::out_for(THREE_HOURS, Outage::Hangs)];
    let settings = Settings {
        buffer_bytes: 10_000,
        ..Settings::default()
    };
    let application = async |client: &Client| {
        emit_regularly(client, 0..EVENTS).await;
        client.flush(MINUTE).await.unwrap();
        emit_regularly(client, EVENTS..EVENTS + 10).await;
    };
    let (report, _) = settings.run(&peers, application).await;
    let dropped = report.dropped_for(LossReason::QueueFull);
    assert_eq!((report.delivered + dropped, report.lost()), (370, dropped));
    let kept = EVENTS - dropped;
    // An entry has about 60 bytes.
    assert!((100..200).contains(&kept), "{kept}");
    let stored: Vec<_> = (0..kept).chain(EVENTS..EVENTS + 10).collect();
    assert_eq!(peers[0].stored(), stored);
}

/// Emits, and looks whether each event is delivered before the next one.
async fn deliver_regularly(client: &Client, events: u64) {
    for number in 0..events {
        emit_regularly(client, number..number + 1).await;
        assert_eq!(client.stats().delivered, number + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_one_server_of_two_delays_no_event() {
    let peers = [
        Peer::out_for(THREE_HOURS, Outage::RefusesConnections),
        Peer::out_for(Duration::ZERO, Outage::Fails),
    ];
    let application = async |client: &Client| deliver_regularly(client, EVENTS).await;
    let (report, _) = Settings::default().run(&peers, application).await;
    assert_eq!((report.delivered, report.lost()), (360, 0));
    assert_eq!(peers[1].stored(), (0..EVENTS).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_batches_is_asked_for_them_once_a_minute_until_it_does() {
    let peers = [Peer::out_for(THREE_HOURS, Outage::KnowsNoBatches)];
    let application = async |client: &Client| deliver_regularly(client, EVENTS + 10).await;
    let (report, _) = Settings::default().run(&peers, application).await;
    assert_eq!((report.delivered, report.retries), (370, 0));
    assert_eq!(peers[0].pauses(), [MINUTE; 179]);
}
