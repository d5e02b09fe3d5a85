//! Writes rows into streams of the sink's own, each row once: a stream knows how many rows it has, and takes the next
//! ones only in their place.
//!
//! Before rows are appended, the store gets a note of where they are to be. If nobody knows afterwards whether they are in
//! (an answer was lost, the collector died), their stream is finalized: then nothing gets there any more, and the count
//! of its rows tells which of the noted ones it has.
//!
//! <https://cloud.google.com/bigquery/docs/write-api-streaming#exactly-once>

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::append::{self, LIMITS};
use super::client::Client;
use super::intent::Intent;
use super::rows::Form;
use super::stream::Stream;
use super::trouble::Trouble;
use crate::Error;
use crate::bigquery::{Class, Problem};
use crate::sinks::Journal;
use crate::sinks::bigquery::partly::{End, Partly};
use crate::sinks::bigquery::requests::{self, Inserted, Said, Told, Way};

/// Writes into streams of the sink's own, each of which takes one request after the other.
#[derive(Debug)]
pub(in crate::sinks::bigquery) struct CommittedStreams {
    client: Client,
    state: Mutex<State>,
    /// Who holds it finds out what became of rows.
    settling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    journal: Option<Journal>,
    /// Streams that nobody uses at the moment.
    idle: Vec<Counted>,
    doubtful: Doubtful,
}

/// The streams of which nobody knows how many rows they have.
#[derive(Debug, Default)]
enum Doubtful {
    /// All that there are notes of.
    #[default]
    Noted,
    /// Those with these names.
    Named(BTreeSet<String>),
}

/// Why it is not known of all rows whether they are in.
#[derive(Debug)]
pub(in crate::sinks::bigquery) struct Unsettled {
    /// The table whose stream did not tell.
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

/// A stream, and how many rows it has.
#[derive(Debug)]
struct Counted {
    stream: Stream,
    rows: i64,
}

impl CommittedStreams {
    pub(in crate::sinks::bigquery) fn new(client: Client) -> Self {
        Self {
            client,
            state: Mutex::default(),
            settling: tokio::sync::Mutex::default(),
        }
    }

    /// From now on only what is noted there counts.
    pub(in crate::sinks::bigquery) fn set_journal(&self, journal: &Journal) {
        *self.state() = State {
            journal: Some(journal.clone()),
            ..State::default()
        };
    }

    /// Finds out of all rows whether they are in, and tells `partly` which are.
    pub(in crate::sinks::bigquery) async fn settle(
        &self,
        partly: &Partly,
    ) -> Result<(), Unsettled> {
        let _settling = self.settling.lock().await;
        let (journal, doubtful) = {
            let state = self.state();
            let doubtful = match &state.doubtful {
                Doubtful::Named(streams) if streams.is_empty() => return Ok(()),
                Doubtful::Named(streams) => Some(streams.clone()),
                Doubtful::Noted => None,
            };
            (state.journal()?, doubtful)
        };
        let notes = journal.read().await.map_err(|error| of_store(&error))?;
        let intents: Vec<_> = notes.iter().filter_map(Intent::of_note).collect();
        let all = || intents.iter().map(|intent| intent.stream.clone()).collect();
        let streams = doubtful.unwrap_or_else(all);
        // Those that come to be doubtful from now on are not among them.
        if let doubtful @ Doubtful::Noted = &mut self.state().doubtful {
            *doubtful = Doubtful::Named(streams.clone());
        }
        for stream in streams {
            let of_stream = intents.iter().filter(|intent| intent.stream == stream);
            self.settle_stream(&journal, &stream, of_stream.collect(), partly)
                .await?;
            if let Doubtful::Named(names) = &mut self.state().doubtful {
                names.remove(&stream);
            }
        }
        Ok(())
    }

    async fn settle_stream(
        &self,
        journal: &Journal,
        stream: &str,
        intents: Vec<&Intent>,
        partly: &Partly,
    ) -> Result<(), Unsettled> {
        let Some(Intent { table, .. }) = intents.first() else {
            // Nothing was on its way yet.
            self.end(stream);
            return Ok(());
        };
        let rows = self.rows_of(stream, table).await;
        let rows = rows.map_err(|problem| Unsettled {
            table: Some(table.clone()),
            problem,
        })?;
        let mut away = Vec::new();
        for intent in intents {
            if intent.end() <= rows {
                partly.remember(&intent.table, intent.sequences(), &End::Stored);
            } else {
                away.push(intent.key());
            }
        }
        journal
            .remove(away)
            .await
            .map_err(|error| of_store(&error))?;
        Ok(())
    }

    /// How many rows a stream has, which gets no more; none if it is gone.
    async fn rows_of(&self, stream: &str, table: &str) -> Result<i64, Problem> {
        let problem = match self.client.finalize_stream(stream).await {
            Ok(rows) => return Ok(rows),
            Err(problem) => problem,
        };
        match problem.class {
            Class::Missing | Class::Invalid => {}
            // Who may make another one can see whether this one is there.
            Class::DeniedOrMissing => self.end(&self.client.create_stream(table).await?),
            _ => return Err(problem),
        }
        tracing::warn!(
            stream,
            "{problem}: rows that were on their way to this stream are written again, whether they are in or not"
        );
        Ok(0)
    }

    /// Lets BigQuery forget a stream that is not used any more. There can be many, so that it matters little if this does
    /// not come to it.
    fn end(&self, stream: &str) {
        let (client, stream) = (self.client.clone(), stream.to_owned());
        tokio::spawn(async move { client.finalize_stream(&stream).await });
    }

    /// Ends all streams.
    pub(in crate::sinks::bigquery) async fn close(&self) {
        let idle = mem::take(&mut self.state().idle);
        for Counted { stream, .. } in idle {
            // Its rows are in, whatever becomes of it.
            _ = self.client.finalize_stream(&stream.name).await;
        }
    }

    /// Writes rows of one table, those of the events with these sequences, and says what became of each.
    pub(in crate::sinks::bigquery) async fn write(
        &self,
        form: &Arc<Form>,
        rows: &[Bytes],
        sequences: &[i64],
        told: Told<'_>,
    ) -> Inserted {
        let way = Append {
            streams: self,
            form,
            rows,
            sequences,
        };
        requests::insert(LIMITS, append::sizes(rows), &way, told).await
    }

    /// A stream for rows of this form that nobody uses.
    fn take(&self, form: &Arc<Form>) -> Option<Counted> {
        let idle = &mut self.state().idle;
        let has_form = |counted: &Counted| Arc::ptr_eq(&counted.stream.form, form);
        let is_older =
            |counted: &mut Counted| !has_form(counted) && counted.stream.form.table == form.table;
        for Counted { stream, .. } in idle.extract_if(.., is_older) {
            self.end(&stream.name);
        }
        let place = idle.iter().position(has_form)?;
        Some(idle.swap_remove(place))
    }

    /// A new stream.
    async fn create(&self, form: &Arc<Form>) -> Result<Counted, Problem> {
        let name = self.client.create_stream(&form.table).await?;
        Ok(Counted {
            stream: Stream::new(name, Arc::clone(form)),
            rows: 0,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn journal(&self) -> Result<Journal, Problem> {
        let journal = self.journal.clone();
        journal.ok_or_else(|| {
            let words = "the sink was given no journal, without which no row is written just once";
            Problem::new(Class::Again, words)
        })
    }
}

struct Append<'r> {
    streams: &'r CommittedStreams,
    form: &'r Arc<Form>,
    rows: &'r [Bytes],
    sequences: &'r [i64],
}

#[tonic::async_trait]
impl Way for Append<'_> {
    async fn send(&self, places: &[usize]) -> Result<Said, Problem> {
        if let Some(counted) = self.streams.take(self.form) {
            match self.append(counted, places).await {
                // It may be the stream that is refused, or that does not know a new column.
                Err(trouble) if trouble.is_refusal() => {}
                said => return said.or_else(|trouble| trouble.said(places.len())),
            }
        }
        let counted = self.streams.create(self.form).await?;
        let said = self.append(counted, places).await;
        said.or_else(|trouble| trouble.said(places.len()))
    }
}

impl Append<'_> {
    /// Notes where the rows are to be, and appends them.
    async fn append(&self, counted: Counted, places: &[usize]) -> Result<Said, Trouble> {
        let Counted { stream, rows } = counted;
        let streams = self.streams;
        let sequences = places.iter().filter_map(|&place| self.sequences.get(place));
        let intent = Intent::new(&self.form.table, &stream.name, rows, sequences.copied());
        let doubt = Doubt {
            streams,
            stream: Some(stream.name.clone()),
        };
        let journal = streams.state().journal().map_err(Trouble::Problem)?;
        let noted = journal.write(intent.to_note()).await;
        noted.map_err(|error| Trouble::Problem(of_store(&error)))?;

        let rows = append::rows_at(self.rows, places);
        let appended = stream.append(&streams.client, rows, Some(intent.offset));
        match appended.await {
            Ok(answer) => {
                let is_in = answer.row_errors.is_empty();
                let rows = if is_in { intent.end() } else { intent.offset };
                doubt.end();
                streams.state().idle.push(Counted { stream, rows });
                Ok(append::judge(answer.row_errors, places.len()))
            }
            Err(trouble) => {
                if trouble.is_refusal() {
                    doubt.end();
                    streams.end(&stream.name);
                }
                Err(trouble)
            }
        }
    }
}

/// Makes a stream doubtful when it is dropped.
struct Doubt<'s> {
    streams: &'s CommittedStreams,
    stream: Option<String>,
}

impl Doubt<'_> {
    /// It is known what the stream has.
    fn end(mut self) {
        self.stream = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take()
            && let Doubtful::Named(streams) = &mut self.streams.state().doubtful
        {
            streams.insert(stream);
        }
    }
}

fn of_store(error: &Error) -> Problem {
    Problem::new(Class::Again, error.to_string())
}
