//! Brings one sink what the store has: reads behind its cursor, gives batches to its workers, and moves the cursor.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::config::SinkConfig;
use super::journal::Journal;
use super::ledger::{Ledger, Recorded};
use super::pending::{Pending, Thresholds};
use super::status::Status;
use super::window::Window;
use super::worker::{Ended, Worker};
use crate::rules::Rules;
use crate::store::cursors::{self, Place};
use crate::store::{Queue, Reader, Refusal};
use crate::{Error, StoredEvent};

/// How often the sink's place is looked at, which others may change.
const TICK: Duration = Duration::from_secs(1);

/// The pause after the store could not be read.
const PAUSE: Duration = Duration::from_secs(1);

/// How many batches of each worker may be done before one that is not, of which nothing is written down yet.
const WINDOW_PER_WORKER: usize = 4;

/// What a runner needs of the collector.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) store: PathBuf,
    pub(crate) queue: Queue,
    pub(crate) stored: watch::Receiver<i64>,
    pub(crate) rules: watch::Receiver<Arc<Rules>>,
    pub(crate) stop: CancellationToken,
}

/// The task of one sink.
#[derive(Debug)]
pub(crate) struct Runner {
    context: Context,
    worker: Worker,
    reader: Arc<Mutex<Reader>>,
    place: Place,
    paused: watch::Sender<bool>,
    /// The sequence of the last event that was read.
    read: i64,
    pending: Pending,
    window: Window,
    ledger: Ledger,
    journal: Journal,
    flights: JoinSet<(Flight, Option<Ended>)>,
    is_resending: bool,
    /// Whether there is something to be sent once more, as far as is known.
    may_have_resends: bool,
    /// What the sink does besides deliveries: one thing at a time.
    chores: JoinSet<()>,
}

/// A batch on its way.
#[derive(Debug)]
enum Flight {
    /// Its number in the window.
    New(u64),
    /// What is sent once more, and how many of these are gone.
    Resent(Vec<i64>, u64),
}

impl Runner {
    /// Registers a sink in the store and gets ready to serve it.
    pub(crate) async fn new(
        context: Context,
        name: &str,
        config: SinkConfig,
        status: Arc<Status>,
    ) -> Result<Self, Error> {
        let sink = name.to_owned();
        let registered = context
            .queue
            .change(move |conn| cursors::register(conn, &sink));
        let failed = |refusal: Refusal| Error::store(&context.store, refusal);
        let missed = registered.await.map_err(failed)?;
        if missed > 0 {
            tracing::warn!(
                sink = name,
                missed,
                "retention took events while this sink was not configured"
            );
        }
        let reader = Reader::open(&context.store)?;
        let place = cursors::place(&reader, name)?.unwrap_or_default();
        let pending = Pending::new(Thresholds {
            rows: config.batch_rows,
            bytes: config.batch_bytes,
            wait: config.batch_wait,
        });
        let name: Arc<str> = name.into();
        let paused = watch::Sender::new(place.paused);
        let (store, queue) = (context.store.clone(), context.queue.clone());
        let journal = Journal::new(Arc::clone(&name), store, queue);
        config.tell(&name, |sink| sink.set_journal(&journal));
        Ok(Self {
            journal,
            ledger: Ledger::new(Arc::clone(&name), context.queue.clone()),
            worker: Worker {
                name,
                config,
                status,
                rules: context.rules.clone(),
                paused: paused.subscribe(),
                stop: context.stop.clone(),
            },
            context,
            reader: Arc::new(Mutex::new(reader)),
            place,
            paused,
            read: place.cursor,
            pending,
            window: Window::default(),
            flights: JoinSet::new(),
            is_resending: false,
            may_have_resends: true,
            chores: JoinSet::new(),
        })
    }

    /// Serves the sink until the collector stops; then what is on its way is waited for, but for its pauses.
    pub(crate) async fn run(mut self) {
        let stop = self.context.stop.clone();
        let mut stored = self.context.stored.clone();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            let last = *stored.borrow_and_update();
            self.ledger.write(self.place.generation);
            self.resend().await;
            self.fill(last).await;
            while self.send_if_due() {
                self.fill(last).await;
            }
            let has_room = !self.pending.is_full();
            let due = self.pending.due().filter(|_| self.has_free_worker());
            tokio::select! {
                () = stop.cancelled() => {}
                Some(flight) = self.flights.join_next() => match flight {
                    Ok((flight, Some(ended))) => self.end(flight, ended),
                    // What became of it is not known.
                    Ok((_, None)) | Err(_) => self.begin_again().await,
                },
                Some(recorded) = self.ledger.written() => self.recorded(recorded).await,
                Some(done) = self.chores.join_next() => say(&self.worker.name, &done),
                _ = stored.changed(), if has_room => {}
                () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
                _ = tick.tick() => self.look().await,
            }
        }
        self.drain().await;
    }

    /// Reads up to the event with this sequence, as far as the next batch has room.
    async fn fill(&mut self, last: i64) {
        if self.read >= last || self.pending.is_full() {
            return;
        }
        let ((rows, bytes), after) = (self.pending.room(), self.read);
        let events = self.ask(move |reader| reader.events_after(after, rows, bytes));
        let Some(events) = events.await else {
            return;
        };
        self.read = events.last().map_or(last, |event| event.sequence);
        self.pending.add(events, Instant::now());
    }

    /// Asks the store; where it does not answer that is said, and a pause is made.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, Error> + Send + 'static,
    ) -> Option<T> {
        let reader = Arc::clone(&self.reader);
        let answer = tokio::task::spawn_blocking(move || {
            question(&reader.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match answer.await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                let problem = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(sink = &*self.worker.name, problem, "{error}");
                sleep(PAUSE).await;
                None
            }
            // The collector ends.
            Err(_) => None,
        }
    }

    fn has_free_worker(&self) -> bool {
        !self.place.paused
            && !self.ledger.is_full()
            && self.window.len() < WINDOW_PER_WORKER * self.worker.config.workers
            && self.flights.len() < self.worker.config.workers
    }

    /// Gives a free worker the next batch, and says whether it did.
    fn send_if_due(&mut self) -> bool {
        let is_due = self.pending.due().is_some_and(|due| due <= Instant::now());
        if !is_due || !self.has_free_worker() {
            return false;
        }
        let events = self.pending.take();
        let last = events.last().map_or(self.read, |event| event.sequence);
        let number = self.window.begin(last, events.len());
        self.send(Flight::New(number), events);
        true
    }

    fn send(&mut self, flight: Flight, events: Vec<StoredEvent>) {
        let delivery = self.worker.clone().deliver(events);
        self.flights.spawn(async move { (flight, delivery.await) });
    }

    /// Counts a batch that has ended, and lets the cursor move as far as it goes.
    fn end(&mut self, flight: Flight, ended: Ended) {
        match flight {
            Flight::Resent(resent, gone) => self.ledger.resent(resent, gone, ended),
            Flight::New(number) => {
                self.window.end(number, ended);
                if let Some(passed) = self.window.take_ended() {
                    self.ledger.advance(passed);
                }
            }
        }
    }

    async fn recorded(&mut self, recorded: Recorded) {
        match recorded {
            // Only now it is no longer among what is to be sent once more.
            Recorded::Safe { resent } => self.is_resending &= !resent,
            Recorded::Moved => self.look().await,
            Recorded::Closed => {}
        }
    }

    /// Looks at the sink's place, and at what is to be sent once more.
    async fn look(&mut self) {
        if self.chores.is_empty() {
            let sink = Arc::clone(&self.worker.config.sink);
            self.chores.spawn(async move { sink.tick().await });
        }
        let Some(place) = self.ask_for_place().await else {
            return;
        };
        if place.generation != self.place.generation {
            self.go_to(place).await;
        }
        self.place.paused = place.paused;
        self.paused.send_replace(place.paused);
        self.may_have_resends = true;
    }

    async fn ask_for_place(&self) -> Option<Place> {
        let name = Arc::clone(&self.worker.name);
        let asked = self.ask(move |reader| cursors::place(reader, &name));
        asked.await.flatten()
    }

    /// Begins again at the cursor, after a pause, when a batch has gone astray.
    async fn begin_again(&mut self) {
        while !self.context.stop.is_cancelled() {
            tracing::error!(sink = &*self.worker.name, "a batch has come to no end");
            sleep(PAUSE).await;
            self.ledger.settle(self.place.generation).await;
            if let Some(place) = self.ask_for_place().await {
                return self.go_to(place).await;
            }
        }
    }

    /// Begins again at a cursor.
    async fn go_to(&mut self, place: Place) {
        tracing::info!(
            sink = &*self.worker.name,
            cursor = place.cursor,
            "events are delivered again"
        );
        self.flights.shutdown().await;
        let Worker { name, config, .. } = &self.worker;
        config.tell(name, |sink| sink.set_journal(&self.journal));
        self.ledger.clear();
        self.is_resending = false;
        self.window = Window::default();
        self.pending.take();
        self.place = place;
        self.read = place.cursor;
    }

    /// Gives a free worker what is to be sent once more, before what is new.
    async fn resend(&mut self) {
        if !self.may_have_resends || self.is_resending || !self.has_free_worker() {
            return;
        }
        let name = Arc::clone(&self.worker.name);
        let SinkConfig {
            batch_rows,
            batch_bytes,
            ..
        } = self.worker.config;
        let asked =
            self.ask(move |reader| cursors::resends(reader, &name, batch_rows, batch_bytes));
        let Some(found) = asked.await.filter(|found| !found.is_empty()) else {
            self.may_have_resends = false;
            return;
        };
        let (sequences, events): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        self.is_resending = true;
        let events: Vec<_> = events.into_iter().flatten().collect();
        let gone = (sequences.len() - events.len()) as u64;
        self.send(Flight::Resent(sequences, gone), events);
    }

    /// Waits for what is on its way; who tries again and again is not waited for.
    async fn drain(&mut self) {
        while let Some(flight) = self.flights.join_next().await {
            if let Ok((flight, Some(ended))) = flight {
                self.end(flight, ended);
            }
        }
        self.ledger.settle(self.place.generation).await;
        self.chores.shutdown().await;
        let sink = Arc::clone(&self.worker.config.sink);
        self.chores.spawn(async move { sink.close().await });
        if let Some(closed) = self.chores.join_next().await {
            say(&self.worker.name, &closed);
        }
    }
}

fn say(sink: &str, done: &Result<(), JoinError>) {
    if let Err(error) = done {
        tracing::error!(sink, "the sink panicked: {error}");
    }
}
