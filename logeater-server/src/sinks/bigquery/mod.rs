//! The sink `bigquery`: a row for each event, and one in its extended table.

mod builder;
mod insert_all;
mod partly;
mod requests;
mod rows;
mod storage_write;
mod unknown;
mod word;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use logeater_schema::{Catalog, EVENTS_TABLE};

pub use self::builder::{BigQuery, Write};
use self::insert_all::Row;
use self::partly::{End, Partly};
use self::requests::{Inserted, Outcome};
use self::rows::Types;
use self::storage_write::{CommittedStreams, DefaultStreams, Forms, Unsettled};
use self::unknown::Unknown;
use self::word::Word;
use super::delivery::Delivery;
use super::journal::Journal;
use super::sink::Sink;
use crate::StoredEvent;
use crate::bigquery::{Action, Class, Client, Problem, Tables, Target};

/// How long the sink rests when it has spent a quota, which is renewed slowly.
const QUOTA_PAUSE: Duration = Duration::from_mins(10);

/// How long it rests when a table has what it lacked.
const GROWN_PAUSE: Duration = Duration::from_millis(100);

/// How long it rests when it may not write: a person must mend that.
const DENIED_PAUSE: Duration = Duration::from_mins(1);

/// Delivers events to BigQuery; made by [`BigQuery::build`].
#[derive(Debug)]
pub struct BigQuerySink {
    client: Client,
    tables: Tables,
    writer: Writer,
    apply: bool,
    known: Mutex<Arc<Known>>,
    partly: Partly,
    unknown: Unknown,
}

/// What writes rows.
#[derive(Debug)]
enum Writer {
    InsertAll,
    Default(Box<DefaultStreams>),
    Committed(Box<CommittedStreams>),
}

/// What the sink knows of the catalog.
#[derive(Debug)]
struct Known {
    catalog: Arc<Catalog>,
    types: Types,
    forms: Forms,
}

impl Known {
    fn new(catalog: &Arc<Catalog>) -> Self {
        Self {
            catalog: Arc::clone(catalog),
            types: Types::new(catalog),
            forms: Forms::new(catalog),
        }
    }
}

/// The rows of one table, and whose they are.
#[derive(Debug, Default)]
struct Batch {
    /// The places of the events.
    events: Vec<usize>,
    rows: Vec<Bytes>,
}

impl Batch {
    fn add(&mut self, place: usize, row: Bytes) {
        self.events.push(place);
        self.rows.push(row);
    }
}

#[tonic::async_trait]
impl Sink for BigQuerySink {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let known = Arc::clone(&self.known.lock().unwrap_or_else(PoisonError::into_inner));
        let mut word = Word::new(events.len());
        let settled = match &self.writer {
            Writer::Committed(streams) => streams.settle(&self.partly).await,
            _ => Ok(()),
        };
        let mut batches = self.batches(&known, events, &mut word);
        if let Err(Unsettled { table, problem }) = settled {
            let Some(table) = table else {
                (0..events.len()).for_each(|place| word.retry(place, &problem.message));
                return word.delivery();
            };
            word.explain(&problem.message);
            let may_be_missing = problem.class == Class::DeniedOrMissing;
            if !may_be_missing || !self.grow(&known.catalog, &table, &mut word).await {
                rest(&problem, &mut word);
            }
        }
        let first = batches.remove_entry(EVENTS_TABLE);
        let mut problem: Option<Problem> = None;
        for (table, batch) in first
            .iter()
            .map(|(table, batch)| (table, batch))
            .chain(&batches)
        {
            if let Some(problem) = &problem {
                // It is that of the next table as well.
                batch
                    .events
                    .iter()
                    .for_each(|&place| word.retry(place, &problem.message));
                continue;
            }
            let inserted = self.insert(&known, table, batch, events).await;
            problem = self
                .judge(&known.catalog, table, &batch.events, inserted, &mut word)
                .await;
        }
        let ended = events
            .iter()
            .enumerate()
            .filter(|(place, _)| !word.is_again(*place));
        self.partly.forget(ended.map(|(_, event)| event.sequence));
        word.delivery()
    }

    fn set_catalog(&self, catalog: &Arc<Catalog>) {
        let known = Known::new(catalog);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    fn set_journal(&self, journal: &Journal) {
        self.partly.clear();
        if let Writer::Committed(streams) = &self.writer {
            streams.set_journal(journal);
        }
    }

    async fn close(&self) {
        if let Writer::Committed(streams) = &self.writer {
            streams.close().await;
        }
    }
}

impl BigQuerySink {
    /// The rows of events by table, but for those that are in already.
    fn batches(
        &self,
        known: &Known,
        events: &[StoredEvent],
        word: &mut Word,
    ) -> BTreeMap<String, Batch> {
        let mut batches = BTreeMap::<String, Batch>::new();
        let mut add =
            |place: usize, event: &StoredEvent, table: &str, row, word: &mut Word| match self
                .partly
                .end(table, event.sequence)
            {
                Some(End::Stored) => {}
                Some(End::Refused(words)) => word.refuse(place, of_table(table, &words)),
                Some(End::Doubtful) => {
                    let words = "it is not known yet whether the row is in";
                    word.retry(place, &of_table(table, words));
                }
                None => {
                    let batch = batches.entry(table.to_owned()).or_default();
                    batch.add(place, row);
                }
            };
        for (place, event) in events.iter().enumerate() {
            add(place, event, EVENTS_TABLE, self.row(known, event), word);
            match self.extended(known, event) {
                Ok(Some((table, row))) => add(place, event, table, row, word),
                Ok(None) => {}
                // The row of the events table is good nevertheless.
                Err(misfit) => word.refuse(place, misfit),
            }
        }
        batches
    }

    /// An event's row of the events table.
    fn row(&self, known: &Known, event: &StoredEvent) -> Bytes {
        match self.writer {
            Writer::InsertAll => rows::event(event).into(),
            _ => known.forms.events().event(event),
        }
    }

    /// An event's row of its extended table, and which that is; an error is why its details do not fit.
    fn extended<'k>(
        &self,
        known: &'k Known,
        event: &StoredEvent,
    ) -> Result<Option<(&'k str, Bytes)>, String> {
        match self.writer {
            Writer::InsertAll => known.types.extended(event),
            _ => known.forms.extended(&known.types, event),
        }
    }

    async fn insert(
        &self,
        known: &Known,
        table: &str,
        batch: &Batch,
        events: &[StoredEvent],
    ) -> Inserted {
        let event = |place: &usize| events.get(*place);
        let told = |row: usize, outcome: &Outcome| {
            let end = match outcome {
                Outcome::Stored => End::Stored,
                Outcome::Refused(words) => End::Refused(words.clone()),
                Outcome::Unknown(_) | Outcome::Again(_) => return,
            };
            let event = batch.events.get(row).and_then(event);
            let sequence = event.map(|event| event.sequence);
            self.partly.remember(table, sequence, &end);
        };
        match (&self.writer, known.forms.get(table)) {
            (Writer::Default(streams), Some(form)) => streams.write(form, &batch.rows, &told).await,
            (Writer::Committed(streams), Some(form)) => {
                let sequence = |place| event(place).map_or(0, |event| event.sequence);
                let sequences: Vec<_> = batch.events.iter().map(sequence).collect();
                streams.write(form, &batch.rows, &sequences, &told).await
            }
            _ => {
                let rows = batch.events.iter().zip(&batch.rows);
                let rows: Vec<_> = rows
                    .map(|(place, json)| Row {
                        insert_id: event(place).map_or("", |event| &event.event_id),
                        json,
                    })
                    .collect();
                insert_all::insert(&self.client, table, &rows, &told).await
            }
        }
    }

    /// Says of each event what became of its row, and returns the problem that other tables would have as well.
    async fn judge(
        &self,
        catalog: &Catalog,
        table: &str,
        places: &[usize],
        inserted: Inserted,
        word: &mut Word,
    ) -> Option<Problem> {
        let Inserted { outcomes, problem } = inserted;
        let untried = problem.as_ref().map_or("", |problem| &*problem.message);
        let mut lacks_column = false;
        for (&place, outcome) in places.iter().zip(outcomes) {
            match outcome {
                Outcome::Stored => {}
                Outcome::Refused(words) => word.refuse(place, of_table(table, &words)),
                Outcome::Unknown(words) if self.unknown.is_for_good(table, &words) => {
                    word.refuse(place, of_table(table, &words));
                }
                Outcome::Unknown(words) => {
                    lacks_column = true;
                    word.retry(place, &of_table(table, &words));
                }
                Outcome::Again(words) => word.retry(place, words.as_deref().unwrap_or(untried)),
            }
        }
        let may_be_missing =
            |problem: &Problem| matches!(problem.class, Class::Missing | Class::DeniedOrMissing);
        let is_grown = if lacks_column || problem.as_ref().is_some_and(may_be_missing) {
            self.grow(catalog, table, word).await
        } else {
            false
        };
        let problem = problem?;
        match problem.class {
            Class::Missing => return None,
            Class::DeniedOrMissing if is_grown => return None,
            _ => {}
        }
        rest(&problem, word);
        Some(problem)
    }

    /// Makes or grows a table, and says whether it did; if not, it tells who could.
    async fn grow(&self, catalog: &Catalog, table: &str, word: &mut Word) -> bool {
        let Target {
            project, dataset, ..
        } = self.client.target();
        let command = format!("`logeater schema apply --project {project} --dataset {dataset}`");
        if !self.apply {
            word.explain(&format!(
                "{command} makes tables and columns that are missing"
            ));
            return false;
        }
        let mut is_grown = false;
        match self.tables.grow(catalog, Some(table)).await {
            Ok(steps) => {
                for step in steps {
                    if matches!(step.action, Action::Refuse(_)) {
                        word.explain(&format!(
                            "{command} says why the table {table} is not grown"
                        ));
                    } else {
                        tracing::info!(table, "the table was made or grown");
                        word.pause(GROWN_PAUSE);
                        is_grown = true;
                    }
                }
            }
            Err(problem) => word.explain(&format!(
                "the table {table} cannot be made or grown: {problem}"
            )),
        }
        is_grown
    }
}

fn of_table(table: &str, words: &str) -> String {
    format!("table {table}: {words}")
}

/// Rests as long as a problem asks for, and says loudly what a person has to mend.
fn rest(problem: &Problem, word: &mut Word) {
    match problem.class {
        Class::Quota => word.pause(QUOTA_PAUSE),
        Class::Denied | Class::DeniedOrMissing => {
            tracing::error!("{problem}: the sink waits until somebody gives the right to write");
            word.pause(DENIED_PAUSE);
        }
        _ => {}
    }
    if let Some(pause) = problem.retry_after {
        word.pause(pause);
    }
}

#[cfg(test)]
mod tests;
