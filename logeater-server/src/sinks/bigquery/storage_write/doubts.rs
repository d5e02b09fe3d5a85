//! Finds out whether rows are in of which nobody knows: their stream is finalized, so that nothing gets there any more,
//! and the count of its rows tells which of the noted ones it has. Until then they wait, and others do not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use backon::ExponentialBackoff;

use super::client::Client;
use super::intent::Intent;
use crate::Error;
use crate::bigquery::{Class, Problem};
use crate::sinks::Journal;
use crate::sinks::bigquery::partly::{End, Partly};
use crate::sinks::worker::{PAUSE_MAX, backoff};

/// The streams of which nobody knows how many rows they have.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    state: Mutex<State>,
    /// Who holds it reads notes.
    reading: tokio::sync::Mutex<()>,
    /// Who holds it asks BigQuery.
    settling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    unread: Unread,
    /// What was to get where, by stream.
    read: BTreeMap<String, Vec<Intent>>,
    /// When it is worth asking BigQuery again, after it did not tell.
    rest: Option<Rest>,
}

/// A pause, which others follow that are longer.
#[derive(Debug)]
struct Rest {
    until: Instant,
    next: ExponentialBackoff,
}

impl Rest {
    fn after(rest: Option<Self>) -> Self {
        let mut next = rest.map_or_else(backoff, |rest| rest.next);
        let pause = next.next().unwrap_or(PAUSE_MAX);
        Self {
            until: Instant::now() + pause,
            next,
        }
    }
}

/// The streams whose notes have not been looked at.
#[derive(Debug, Default)]
enum Unread {
    /// All that there are notes of.
    #[default]
    Noted,
    /// Those with these names.
    Named(BTreeSet<String>),
}

/// Why it is not known of all rows whether they are in.
#[derive(Debug)]
pub(in crate::sinks::bigquery) struct Unsettled {
    /// The table whose stream did not tell; none if it is not even known which rows these are.
    pub(in crate::sinks::bigquery) table: Option<String>,
    pub(in crate::sinks::bigquery) problem: Problem,
}

impl From<Problem> for Unsettled {
    fn from(problem: Problem) -> Self {
        Self {
            table: None,
            problem,
        }
    }
}

impl Doubts {
    /// All that is noted is doubtful, and nothing else.
    pub(super) fn begin_again(&self) {
        *self.state() = State::default();
    }

    /// Nobody knows how many rows this stream has.
    pub(super) fn add(&self, stream: String) {
        if let Unread::Named(streams) = &mut self.state().unread {
            streams.insert(stream);
        }
    }

    /// Tells `partly` which rows are in, and which are doubtful still; an error is why these are.
    pub(super) async fn settle(
        &self,
        client: &Client,
        journal: &Journal,
        partly: &Partly,
    ) -> Result<(), Unsettled> {
        self.read(journal, partly).await?;
        let Ok(_settling) = self.settling.try_lock() else {
            return Ok(());
        };
        let is_resting =
            |state: &State| matches!(&state.rest, Some(rest) if Instant::now() < rest.until);
        if is_resting(&self.state()) {
            return Ok(());
        }
        let streams: Vec<_> = self.state().read.keys().cloned().collect();
        let mut unsettled = None;
        for stream in streams {
            let intents = self.state().read.get(&stream).cloned().unwrap_or_default();
            let Some(Intent { table, .. }) = intents.first() else {
                continue;
            };
            let settled = settle(client, journal, &stream, &intents, partly).await;
            let Err(problem) = settled else {
                self.state().read.remove(&stream);
                continue;
            };
            let is_of_all = problem.class == Class::Again;
            unsettled.get_or_insert(Unsettled {
                table: Some(table.clone()),
                problem,
            });
            if is_of_all {
                break;
            }
        }
        let mut state = self.state();
        state.rest = unsettled.is_some().then(|| Rest::after(state.rest.take()));
        unsettled.map_or(Ok(()), Err)
    }

    /// Reads the notes of those that were not looked at, and tells `partly` which rows are doubtful.
    async fn read(&self, journal: &Journal, partly: &Partly) -> Result<(), Problem> {
        let _reading = self.reading.lock().await;
        if matches!(&self.state().unread, Unread::Named(streams) if streams.is_empty()) {
            return Ok(());
        }
        let unread = match &self.state().unread {
            Unread::Named(streams) => Some(streams.clone()),
            Unread::Noted => None,
        };
        let notes = journal.read().await.map_err(|error| of_store(&error))?;
        let intents = notes.iter().filter_map(Intent::of_note);
        let is_unread = |stream: &String| {
            let unread = unread.as_ref();
            unread.is_none_or(|streams| streams.contains(stream))
        };
        let mut state = self.state();
        for intent in intents.filter(|intent| is_unread(&intent.stream)) {
            if intent.is_in {
                partly.remember(&intent.table, intent.sequences(), &End::Stored);
                continue;
            }
            partly.doubt(&intent.table, intent.sequences());
            let of_stream = state.read.entry(intent.stream.clone()).or_default();
            if !of_stream.contains(&intent) {
                of_stream.push(intent);
            }
        }
        match (&mut state.unread, unread) {
            // What has come meanwhile is to be read the next time.
            (Unread::Named(streams), Some(read)) => streams.retain(|name| !read.contains(name)),
            (unread @ Unread::Noted, None) => *unread = Unread::Named(BTreeSet::new()),
            // Somebody has begun again.
            _ => {}
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds out which of these are in a stream.
async fn settle(
    client: &Client,
    journal: &Journal,
    stream: &str,
    intents: &[Intent],
    partly: &Partly,
) -> Result<(), Problem> {
    let table = intents.first().map_or("", |intent| &intent.table);
    let rows = rows(client, stream, table).await?;
    let (there, away): (Vec<_>, Vec<_>) = intents.iter().partition(|intent| intent.end() <= rows);
    for intent in there {
        partly.remember(&intent.table, intent.sequences(), &End::Stored);
        confirm(journal, intent).await?;
    }
    for intent in &away {
        partly.doubt_no_more(&intent.table, intent.sequences());
    }
    let away = away.into_iter().map(Intent::key).collect();
    journal.remove(away).await.map_err(|error| of_store(&error))
}

/// Notes that rows are in: what a stream says that is finalized once more is not documented.
pub(super) async fn confirm(journal: &Journal, intent: &Intent) -> Result<(), Problem> {
    let mut is_in = intent.clone();
    is_in.is_in = true;
    let noted = journal.write(is_in.to_note()).await;
    noted.map_err(|error| of_store(&error))
}

/// How many rows a stream has, which gets no more; none if it is gone.
async fn rows(client: &Client, stream: &str, table: &str) -> Result<i64, Problem> {
    let gone = if client.is_own(stream) {
        match client.finalize_stream(stream).await {
            Ok(rows) => return Ok(rows),
            Err(problem) => problem,
        }
    } else {
        Problem::new(Class::Missing, "it is not one of the sink's dataset")
    };
    match gone.class {
        Class::Missing | Class::Invalid => {}
        // Who may make another one can see whether this one is there.
        Class::DeniedOrMissing => client.end_stream(client.create_stream(table).await?),
        _ => return Err(gone),
    }
    tracing::warn!(
        stream,
        "{gone}: rows that were on their way to this stream are written again, whether they are in or not"
    );
    Ok(0)
}

pub(super) fn of_store(error: &Error) -> Problem {
    Problem::new(Class::Again, error.to_string())
}
