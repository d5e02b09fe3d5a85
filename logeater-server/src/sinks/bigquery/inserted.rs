//! What became of rows that were to be inserted into one table, whichever way.

use crate::bigquery::Problem;

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Stored,
    /// BigQuery does not take it, and says why.
    Refused(String),
    /// Its table does not know one of its columns, or not yet.
    Unknown(String),
    /// It is to be sent again, for the problem with its request or for this one.
    Again(Option<String>),
}

/// What became of rows, each in its place, and the problem that kept some from being tried.
#[derive(Debug)]
pub(super) struct Inserted {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) problem: Option<Problem>,
}
