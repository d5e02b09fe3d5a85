//! What a sink notes in the store about events that are on their way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use logeater_server::{
    Config, Delivery, Journal, Maintenance, Note, Sink, SinkConfig, StoredEvent,
};
use tokio::sync::watch;

use crate::support::{Folder, Running, event};

/// What a sink does with what it has noted.
#[derive(Clone, Copy, Debug, Default)]
enum Does {
    #[default]
    Fails,
    Hangs,
    Stores,
}

/// The sequence of an event that does not come.
const FAR: i64 = 99;

/// A sink that notes all that it is given, and all from there on.
#[derive(Clone, Debug, Default)]
struct Noting {
    journal: Arc<Mutex<Option<Journal>>>,
    does: Arc<Mutex<Does>>,
    /// The notes that it has found before it wrote some, delivery by delivery.
    found: watch::Sender<Vec<String>>,
    /// How often it was given a journal.
    journals: watch::Sender<usize>,
}

#[tonic::async_trait]
impl Sink for Noting {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let journal = self.journal.lock().unwrap().clone().unwrap();
        let found = journal.read().await.unwrap().into_iter();
        let found = found.map(|note| note.key).collect::<Vec<_>>().join(" ");
        let (first, last) = (events[0].sequence, events[events.len() - 1].sequence);
        for (first, last) in [(first, last), (first, FAR)] {
            let note = Note {
                key: format!("{first}-{last}"),
                first,
                last,
                text: "on their way".to_owned(),
            };
            journal.write(note).await.unwrap();
        }
        self.found.send_modify(|all| all.push(found));
        let does = *self.does.lock().unwrap();
        match does {
            Does::Fails => Delivery::failed("as told"),
            Does::Hangs => std::future::pending().await,
            Does::Stores => Delivery::stored(),
        }
    }

    fn set_journal(&self, journal: &Journal) {
        *self.journal.lock().unwrap() = Some(journal.clone());
        self.journals.send_modify(|journals| *journals += 1);
    }
}

impl Noting {
    fn does(self, does: Does) -> Self {
        *self.does.lock().unwrap() = does;
        self
    }

    fn config(&self, folder: &Folder) -> Config {
        let sink = SinkConfig::new(self.clone()).batch_wait(Duration::from_millis(1));
        folder.config().sink("noting", sink)
    }

    async fn found(&self, deliveries: usize) -> Vec<String> {
        let mut found = self.found.subscribe();
        let found = found.wait_for(|found| found.len() >= deliveries).await;
        found.unwrap().clone()
    }
}

async fn push(folder: &Folder, events: usize) {
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for _ in 0..events {
        client.push(event("cart.add", "{}")).await.unwrap();
    }
    running.stop().await.unwrap();
}

/// Waits until the cursor has passed events.
async fn until_passed(folder: &Folder, events: i64) {
    while folder.one::<i64>("SELECT cursor FROM _logeater_sinks", []) < events {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_there_after_a_restart_until_the_cursor_has_passed_its_events() {
    let folder = Folder::new();
    push(&folder, 3).await;
    let failing = Noting::default().does(Does::Fails);
    let running = Running::start(failing.config(&folder)).await;
    assert_eq!(failing.found(1).await[0], "");
    running.stop().await.unwrap();

    let storing = Noting::default().does(Does::Stores);
    let running = Running::start(storing.config(&folder)).await;
    assert_eq!(storing.found(1).await, ["1-3 1-99"]);
    until_passed(&folder, 3).await;
    running.stop().await.unwrap();
    let keys = "SELECT group_concat(key) FROM _logeater_notes";
    assert_eq!(folder.one::<String>(keys, []), "1-99");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_events_are_given_again_on_purpose_their_notes_are_gone_alone_and_the_sink_learns_it()
{
    let folder = Folder::new();
    push(&folder, 2).await;
    let sink = Noting::default().does(Does::Stores);
    let running = Running::start(sink.config(&folder)).await;
    sink.found(1).await;
    until_passed(&folder, 2).await;

    let sink = sink.does(Does::Hangs);
    let mut client = running.client().await;
    client.push(event("cart.add", "{}")).await.unwrap();
    sink.found(2).await;
    let sink = sink.does(Does::Stores);
    let mut maintenance = Maintenance::open(folder.data().join("logeater.db")).unwrap();
    let again = maintenance.replay_since("noting", "2000-01-01");
    assert_eq!(again.unwrap().events, 2);
    assert_eq!(sink.found(3).await, ["", "1-99", "3-3 3-99"]);
    assert_eq!(*sink.journals.borrow(), 2);
    running.stop().await.unwrap();
}
