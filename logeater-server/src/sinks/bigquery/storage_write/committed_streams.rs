//! Writes rows into streams of the sink's own, each row once: a stream knows how many rows it has, and takes the next
//! ones only in their place.
//!
//! Before rows are appended, the store gets a note of where they are to be. If nobody knows afterwards whether they are in
//! (an answer was lost, the collector died), their stream is doubtful.
//!
//! <https://cloud.google.com/bigquery/docs/write-api-streaming#exactly-once>

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::append::{self, LIMITS};
use super::client::Client;
use super::doubts::{self, Doubts, Unsettled, of_store};
use super::intent::Intent;
use super::rows::Form;
use super::stream::Stream;
use super::trouble::Trouble;
use crate::bigquery::{Class, Problem};
use crate::sinks::Journal;
use crate::sinks::bigquery::partly::Partly;
use crate::sinks::bigquery::requests::{self, Inserted, Said, Told, Way};

/// Writes into streams of the sink's own, each of which takes one request after the other.
#[derive(Debug)]
pub(in crate::sinks::bigquery) struct CommittedStreams {
    client: Client,
    doubts: Doubts,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    journal: Option<Journal>,
    /// Streams that nobody uses at the moment.
    idle: Vec<Counted>,
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
            doubts: Doubts::default(),
            state: Mutex::default(),
        }
    }

    /// From now on only what is noted there counts.
    pub(in crate::sinks::bigquery) fn set_journal(&self, journal: &Journal) {
        *self.state() = State {
            journal: Some(journal.clone()),
            idle: Vec::new(),
        };
        self.doubts.begin_again();
    }

    /// Finds out of rows whether they are in, and tells `partly` which are, and of which that is not known yet: an error
    /// says why.
    pub(in crate::sinks::bigquery) async fn settle(
        &self,
        partly: &Partly,
    ) -> Result<(), Unsettled> {
        let journal = self.journal()?;
        self.doubts.settle(&self.client, &journal, partly).await
    }

    /// Ends all streams of which it is known what they have.
    pub(in crate::sinks::bigquery) async fn close(&self) {
        let idle = mem::take(&mut self.state().idle);
        let Ok(journal) = self.journal() else {
            return;
        };
        let notes = journal.read().await.unwrap_or_default();
        let intents: Vec<_> = notes.iter().filter_map(Intent::of_note).collect();
        for Counted { stream, rows } in idle {
            let of_stream = |intent: &&Intent| intent.stream == stream.name && intent.end() <= rows;
            for intent in intents.iter().filter(of_stream) {
                if doubts::confirm(&journal, intent).await.is_err() {
                    return;
                }
            }
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
        // BigQuery forgets those within days.
        let is_older =
            |counted: &Counted| !has_form(counted) && counted.stream.form.table == form.table;
        idle.retain(|counted| !is_older(counted));
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

    fn journal(&self) -> Result<Journal, Problem> {
        let journal = self.state().journal.clone();
        journal.ok_or_else(|| {
            let words = "the sink was given no journal, without which no row is written just once";
            Problem::new(Class::Again, words)
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let journal = streams.journal().map_err(Trouble::Problem)?;
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
                    // What was appended before is in, and has had its answer.
                    doubt.end();
                    if intent.offset == 0 {
                        streams.client.end_stream(stream.name);
                    }
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
        if let Some(stream) = self.stream.take() {
            self.streams.doubts.add(stream);
        }
    }
}
