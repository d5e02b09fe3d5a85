//! Writes rows into tables: split where they are too many, sent again without those that BigQuery does not take.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::client::Client;
use super::connection::{Connection, Ended};
use super::messages::{AppendRowsResponse, RowError};
use super::rows::Form;
use super::trouble::Trouble;
use crate::bigquery::{Class, Problem};
use crate::sinks::bigquery::inserted::{Inserted, Outcome};

/// The most bytes of a request, which may have 10 MB. <https://cloud.google.com/bigquery/quotas#write-api-limits>
const REQUEST_BYTES_MAX: usize = 9_000_000;

/// What stands around a row in its request, at most.
const ROW_OVERHEAD: usize = 6;

/// How long an answer may take.
pub(in crate::sinks::bigquery) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a request is tried on another connection, if the first ended before its answer.
const TRIES_MAX: usize = 2;

/// Writes into the default streams of a dataset's tables, with one connection for each that is kept open.
#[derive(Debug)]
pub(in crate::sinks::bigquery) struct Writer {
    client: Client,
    patience: Duration,
    connections: Mutex<HashMap<String, Arc<Connection>>>,
}

impl Writer {
    /// Writes by this client; an answer may take as long as `patience`.
    pub(in crate::sinks::bigquery) fn new(client: Client, patience: Duration) -> Self {
        Self {
            client,
            patience,
            connections: Mutex::default(),
        }
    }

    /// Writes rows of one table, and says what became of each.
    pub(in crate::sinks::bigquery) async fn write(
        &self,
        form: &Arc<Form>,
        rows: &[Bytes],
    ) -> Inserted {
        let mut outcomes = vec![Outcome::Again(None); rows.len()];
        let mut requests = requests(rows);
        while let Some(request) = requests.pop_front() {
            let sent = request.iter().filter_map(|&place| rows.get(place).cloned());
            match self.append(form, sent.collect()).await {
                Ok(answer) if answer.row_errors.is_empty() => {
                    for place in request {
                        outcomes[place] = Outcome::Stored;
                    }
                }
                Ok(answer) => requests.extend(judge(answer.row_errors, request, &mut outcomes)),
                Err(Trouble::UnknownColumn(words)) => {
                    for place in request {
                        outcomes[place] = Outcome::Unknown(words.clone());
                    }
                }
                Err(Trouble::Problem(problem)) if problem.class == Class::Invalid => {
                    // Whichever row it is, it must not keep the others.
                    if let [row] = *request {
                        outcomes[row] = Outcome::Refused(problem.message);
                    } else {
                        let (first, second) = request.split_at(request.len() / 2);
                        requests.push_front(second.to_vec());
                        requests.push_front(first.to_vec());
                    }
                }
                Err(Trouble::Problem(problem)) => {
                    return Inserted {
                        outcomes,
                        problem: Some(problem),
                    };
                }
            }
        }
        Inserted {
            outcomes,
            problem: None,
        }
    }

    /// An answer that is no error, or one about rows.
    async fn append(
        &self,
        form: &Arc<Form>,
        rows: Vec<Bytes>,
    ) -> Result<AppendRowsResponse, Trouble> {
        let mut tries = 1;
        loop {
            let connection = self.connection(form);
            let trouble = match connection.append(rows.clone()).await {
                Ok(answer) => {
                    if answer.updated_schema.is_some() {
                        // Another connection knows the new columns.
                        self.leave(&connection);
                    }
                    match &answer.error {
                        Some(error) if answer.row_errors.is_empty() => Trouble::of(error),
                        _ => return Ok(answer),
                    }
                }
                Err(Ended::Failed(trouble)) => trouble,
                Err(Ended::Closed) if tries < TRIES_MAX => {
                    self.leave(&connection);
                    tries += 1;
                    continue;
                }
                Err(Ended::Closed) => Trouble::no_answer("it closes each connection"),
            };
            self.leave(&connection);
            if !is_denied(&trouble) || !self.client.has_credentials() || tries == TRIES_MAX {
                return Err(trouble);
            }
            self.client.refresh().await;
            tries += 1;
        }
    }

    /// The one that is open for the table, if it writes rows in this form.
    fn connection(&self, form: &Arc<Form>) -> Arc<Connection> {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = connections.get(&form.table)
            && connection.is_open()
            && Arc::ptr_eq(&connection.form, form)
        {
            return Arc::clone(connection);
        }
        let opened = Connection::open(&self.client, Arc::clone(form), self.patience);
        let opened = Arc::new(opened);
        connections.insert(form.table.clone(), Arc::clone(&opened));
        opened
    }

    /// Sends nothing more on a connection. It ends when the last that waits for an answer has it.
    fn leave(&self, connection: &Arc<Connection>) {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let table = &connection.form.table;
        if connections
            .get(table)
            .is_some_and(|kept| Arc::ptr_eq(kept, connection))
        {
            connections.remove(table);
        }
    }
}

fn is_denied(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Problem(Problem {
            class: Class::Denied,
            ..
        })
    )
}

/// The places of the rows of each request.
fn requests(rows: &[Bytes]) -> VecDeque<Vec<usize>> {
    let mut requests = VecDeque::new();
    let (mut request, mut bytes) = (Vec::new(), 0);
    for (place, row) in rows.iter().enumerate() {
        let row_bytes = row.len() + ROW_OVERHEAD;
        if bytes + row_bytes > REQUEST_BYTES_MAX && !request.is_empty() {
            requests.push_back(std::mem::take(&mut request));
            bytes = 0;
        }
        request.push(place);
        bytes += row_bytes;
    }
    if !request.is_empty() {
        requests.push_back(request);
    }
    requests
}

/// Sorts out the rows that are refused, and returns the others: none of the request was appended.
fn judge(
    errors: Vec<RowError>,
    request: Vec<usize>,
    outcomes: &mut [Outcome],
) -> Option<Vec<usize>> {
    let rows = request.len();
    let mut refused = BTreeMap::new();
    for error in errors {
        match usize::try_from(error.index) {
            Ok(index) if index < rows => drop(refused.insert(index, error.message)),
            // Nothing is certain then.
            _ => {
                let words = format!(
                    "BigQuery names the row {} of a request of {rows}",
                    error.index
                );
                for place in request {
                    outcomes[place] = Outcome::Again(Some(words.clone()));
                }
                return None;
            }
        }
    }
    let mut left = Vec::with_capacity(rows);
    for (index, place) in request.into_iter().enumerate() {
        match refused.remove(&index) {
            Some(message) => outcomes[place] = Outcome::Refused(format!("BigQuery: {message}")),
            None => left.push(place),
        }
    }
    (!left.is_empty()).then_some(left)
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
