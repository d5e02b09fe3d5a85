//! How the sink `bigquery` is set up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::partly::Partly;
use super::storage_write::{self, CommittedStreams, DefaultStreams};
use super::unknown::Unknown;
use super::{BigQuerySink, Known, Writer};
use crate::bigquery::{Client, Credentials, Tables, Target, TargetError};

/// Sets up the sink `bigquery`.
///
/// Each event becomes a row of the table `events`, and, if the catalog knows its type and it has details, one of its
/// extended table. [`Write`] says how often they are there.
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

    /// Where the Storage Write API is, by gRPC. Default: Google's, `https://bigquerystorage.googleapis.com`, unless the
    /// REST interface is elsewhere: then it has to be said.
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
    /// When an endpoint is no URL, is missing beside the other, or would get a token without encryption.
    pub fn build(self) -> Result<BigQuerySink, TargetError> {
        let storage = || {
            let endpoint = self.storage_endpoint.as_deref();
            if endpoint.is_none() && self.target.endpoint.is_some() {
                let words = "is needed beside `endpoint`, or rows would go to Google";
                return Err(TargetError::new("storage_endpoint", words.to_owned()));
            }
            storage_write::Client::new(self.target.clone(), endpoint)
        };
        let writer = match self.write {
            Write::InsertAll => Writer::InsertAll,
            Write::StorageWrite => Writer::Default(Box::new(DefaultStreams::new(storage()?))),
            Write::ExactlyOnce => Writer::Committed(Box::new(CommittedStreams::new(storage()?))),
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
