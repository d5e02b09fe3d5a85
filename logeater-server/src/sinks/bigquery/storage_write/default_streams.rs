//! Writes rows into the stream that every table has. It keeps what is written at once, and at least once: a row whose
//! answer was lost comes again.
//!
//! <https://cloud.google.com/bigquery/docs/write-api-streaming#at-least-once>

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::append::{self, LIMITS};
use super::client::Client;
use super::rows::Form;
use super::stream::Stream;
use crate::bigquery::Problem;
use crate::sinks::bigquery::requests::{self, Inserted, Said, Told, Way};

/// Writes into the default streams of a dataset's tables, with one connection for each that is kept open.
#[derive(Debug)]
pub(in crate::sinks::bigquery) struct DefaultStreams {
    client: Client,
    /// By table.
    streams: Mutex<HashMap<String, Arc<Stream>>>,
}

impl DefaultStreams {
    pub(in crate::sinks::bigquery) fn new(client: Client) -> Self {
        Self {
            client,
            streams: Mutex::default(),
        }
    }

    /// Writes rows of one table, and says what became of each.
    pub(in crate::sinks::bigquery) async fn write(
        &self,
        form: &Arc<Form>,
        rows: &[Bytes],
        told: Told<'_>,
    ) -> Inserted {
        let way = Append {
            client: &self.client,
            stream: self.stream(form),
            rows,
        };
        requests::insert(LIMITS, append::sizes(rows), &way, told).await
    }

    /// That of the table, for rows of this form.
    fn stream(&self, form: &Arc<Form>) -> Arc<Stream> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = streams.get(&form.table)
            && Arc::ptr_eq(&stream.form, form)
        {
            return Arc::clone(stream);
        }
        let name = self.client.default_stream(&form.table);
        let stream = Arc::new(Stream::new(name, Arc::clone(form)));
        streams.insert(form.table.clone(), Arc::clone(&stream));
        stream
    }
}

struct Append<'r> {
    client: &'r Client,
    stream: Arc<Stream>,
    rows: &'r [Bytes],
}

#[tonic::async_trait]
impl Way for Append<'_> {
    async fn send(&self, places: &[usize]) -> Result<Said, Problem> {
        let rows = append::rows_at(self.rows, places);
        match self.stream.append(self.client, rows, None).await {
            Ok(answer) => Ok(append::judge(answer.row_errors, places.len())),
            Err(trouble) => trouble.said(places.len()),
        }
    }
}

#[cfg(test)]
#[path = "default_streams_tests.rs"]
mod tests;
