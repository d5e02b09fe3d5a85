//! The sink `bigquery`: a row for each event, and one in its extended table.

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
use crate::bigquery::{Action, Class, Client, Credentials, Problem, Tables, Target, TargetError};

/// How long the sink rests when it has spent a quota, which is renewed slowly.
const QUOTA_PAUSE: Duration = Duration::from_mins(10);

/// How long it rests when a table has what it lacked.
const GROWN_PAUSE: Duration = Duration::from_millis(100);

/// How long it rests when it may not write: a person must mend that.
const DENIED_PAUSE: Duration = Duration::from_mins(1);

/// Sets up the sink `bigquery`.
///
/// Each event becomes a row of the table `events`, and, if the catalog knows its type and it has details, one of its
/// extended table. Both are there at least once: what [`Write`] says of rows that come again.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `build`"]
pub struct BigQuery {
    target: Target,
    write: Write,
    storage_endpoint: Option<String>,
    apply: bool,
    column_wait: Duration,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Write {
    /// By `tabledata.insertAll`, with the event's id as `insertId`: BigQuery drops what comes again within about a
    /// minute, and keeps what comes later, such as after a crash.
    ///
    /// <https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery#dataconsistency>
    #[default]
    InsertAll,
    /// By the Storage Write API, into the default stream of each table: cheaper, and BigQuery keeps all that comes again.
    ///
    /// <https://cloud.google.com/bigquery/docs/write-api-streaming#at-least-once>
    StorageWrite,
    /// By the Storage Write API, into streams of the sink's own, whose rows are counted: a row is written once, and what
    /// comes again after a lost answer or a crash is not written again.
    ///
    /// It costs a note in the store for each request. What `replay` delivers again is written again.
    ///
    /// <https://cloud.google.com/bigquery/docs/write-api-streaming#exactly-once>
    ExactlyOnce,
}

impl BigQuery {
    /// Writes to this dataset, with the application default credentials.
    pub fn new(project: impl Into<String>, dataset: impl Into<String>) -> Self {
        Self {
            target: Target {
                project: project.into(),
                dataset: dataset.into(),
                endpoint: None,
                credentials: Credentials::application_default(),
            },
            write: Write::default(),
            storage_endpoint: None,
            apply: true,
            column_wait: Duration::from_mins(15),
        }
    }

    /// How rows are written. Default: by insertAll.
    pub fn write(mut self, write: Write) -> Self {
        self.write = write;
        self
    }

    /// Who writes. Default: the application default credentials.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.target.credentials = credentials;
        self
    }

    /// Where BigQuery's REST interface is. Default: Google's, `https://bigquery.googleapis.com`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.target.endpoint = Some(url.into());
        self
    }

    /// Where the Storage Write API is, by gRPC. Default: Google's, `https://bigquerystorage.googleapis.com`.
    pub fn storage_endpoint(mut self, url: impl Into<String>) -> Self {
        self.storage_endpoint = Some(url.into());
        self
    }

    /// Whether tables that are missing, or lack a column of the catalog, are made and grown. Default: yes.
    ///
    /// If not, events wait until somebody does, `logeater schema apply` for example; for a column no longer than
    /// [`column_wait`](Self::column_wait).
    pub fn apply(mut self, apply: bool) -> Self {
        self.apply = apply;
        self
    }

    /// How long rows wait for a column that their table does not know, before they are dead letters. Default: 15 minutes.
    ///
    /// A new column is known to those who write within minutes.
    pub fn column_wait(mut self, wait: Duration) -> Self {
        self.column_wait = wait;
        self
    }

    /// The sink. It asks BigQuery nothing before its first delivery.
    ///
    /// # Errors
    ///
    /// When the endpoint is no URL, or a token would be sent to it without encryption.
    pub fn build(self) -> Result<BigQuerySink, TargetError> {
        let storage = || {
            let endpoint = self.storage_endpoint.as_deref();
            storage_write::Client::new(self.target.clone(), endpoint)
        };
        let writer = match self.write {
            Write::InsertAll => Writer::InsertAll,
            Write::StorageWrite => Writer::Default(DefaultStreams::new(storage()?)),
            Write::ExactlyOnce => Writer::Committed(CommittedStreams::new(storage()?)),
        };
        let client = Client::new(self.target)?;
        Ok(BigQuerySink {
            tables: Tables::new(client.clone(), None),
            client,
            writer,
            apply: self.apply,
            known: Mutex::new(Arc::new(Known::new(&Arc::default()))),
            partly: Partly::default(),
            unknown: Unknown::new(self.column_wait),
        })
    }
}

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
    Default(DefaultStreams),
    Committed(CommittedStreams),
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
        if let Writer::Committed(streams) = &self.writer
            && let Err(Unsettled { table, problem }) = streams.settle(&self.partly).await
        {
            (0..events.len()).for_each(|place| word.retry(place, &problem.message));
            let table = table.filter(|_| problem.class == Class::DeniedOrMissing);
            let is_made = match table {
                Some(table) => self.grow(&known.catalog, &table, &mut word).await,
                None => false,
            };
            if !is_made {
                rest(&problem, &mut word);
            }
            return word.delivery();
        }
        let mut batches = self.batches(&known, events, &mut word);
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
