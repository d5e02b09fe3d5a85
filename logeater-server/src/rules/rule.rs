//! One rule: which types it is about, and what it does to their events.

use std::time::Duration;

use globset::{Glob, GlobMatcher};

use super::Fate;
use super::filter::{Filter, FilterError};
use super::sample::Sample;
use crate::StoredEvent;

/// What is done to the events of some types on their way to sinks.
///
/// A rule drops them, keeps a share, names the sinks they go to, changes them by a jq filter, or several of these. It
/// concerns what sinks get: the store keeps all events as they came.
#[derive(Debug)]
#[must_use]
pub struct Rule {
    types: GlobMatcher,
    drop: bool,
    sample: Option<Sample>,
    sinks: Option<Vec<String>>,
    filter: Option<Filter>,
}

/// Why a rule cannot be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The pattern is no glob.
    #[error("`{pattern}` is no pattern of event types: {problem}; write for example `cart.*`")]
    Pattern {
        /// What was given.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The share is not from 0 to 1.
    #[error("a sample is a share from 0 to 1, such as 0.1 for a tenth, and not {share}")]
    Sample {
        /// What was given.
        share: f64,
    },
    /// The filter does not compile.
    #[error("the filter does not compile: {0}")]
    Filter(#[from] FilterError),
}

impl Rule {
    /// A rule about the types that a glob matches: `cart.add`, `cart.*`, `{cart,order}.*`. A star matches any levels.
    ///
    /// # Errors
    ///
    /// When it is no glob.
    pub fn new(pattern: &str) -> Result<Self, RuleError> {
        let glob = Glob::new(pattern).map_err(|error| RuleError::Pattern {
            pattern: pattern.to_owned(),
            problem: error.kind().to_string(),
        })?;
        Ok(Self {
            types: glob.compile_matcher(),
            drop: false,
            sample: None,
            sinks: None,
            filter: None,
        })
    }

    /// They go to no sink.
    pub fn drop_all(mut self) -> Self {
        self.drop = true;
        self
    }

    /// Only this share of them goes on, from 0 to 1: the same events to every sink.
    ///
    /// # Errors
    ///
    /// When it is no share.
    pub fn sample(mut self, share: f64) -> Result<Self, RuleError> {
        self.sample = Some(Sample::new(share).ok_or(RuleError::Sample { share })?);
        Ok(self)
    }

    /// They go to these sinks alone.
    pub fn sinks<S: Into<String>>(mut self, sinks: impl IntoIterator<Item = S>) -> Self {
        self.sinks = Some(sinks.into_iter().map(Into::into).collect());
        self
    }

    /// They are changed by a jq filter over `{event_id, timestamp, service, type, user_id, details}`.
    ///
    /// It gives the event that goes on, or nothing to leave it out. Its `event_id` stays. An event on which it fails, or for
    /// which it gives what no client could send, is a dead letter.
    ///
    /// So is one for which it takes more than 250,000 steps (calls of a definition, rounds of a fold, sums, values of a range,
    /// of `.[]`, of `..` or of a comma) or more than 5 seconds, calls itself too deep, puts more than 4 million values into
    /// others, or makes a text of more than 16 MiB or a value of more than 1,000 levels: neither a mistake nor what a client
    /// has sent ends the sink or the process. A call of a built-in filter, such as `sort`, goes to its end.
    ///
    /// # Errors
    ///
    /// When it does not compile.
    pub fn filter(mut self, code: &str) -> Result<Self, RuleError> {
        self.filter = Some(Filter::new(code)?);
        Ok(self)
    }

    /// The names of sinks that it knows.
    pub(crate) fn sink_names(&self) -> &[String] {
        self.sinks.as_deref().unwrap_or_default()
    }

    pub(super) fn pattern(&self) -> &str {
        self.types.glob().glob()
    }

    pub(super) fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    pub(super) fn matches(&self, event_type: &str) -> bool {
        self.types.is_match(event_type)
    }

    pub(super) fn apply(&self, sink: &str, event: StoredEvent, patience: Duration) -> Fate {
        let has_sink = |sinks: &Vec<String>| sinks.iter().any(|name| name == sink);
        let goes_on = !self.drop
            && self.sinks.as_ref().is_none_or(has_sink)
            && self
                .sample
                .is_none_or(|sample| sample.keeps(&event.event_id));
        match &self.filter {
            _ if !goes_on => Fate::LeaveOut,
            Some(filter) => filter.apply(event, patience),
            None => Fate::Deliver(event),
        }
    }
}
