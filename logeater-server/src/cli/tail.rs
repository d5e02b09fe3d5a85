//! `logeater tail`: the last events, and those that come.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use globset::{Glob, GlobMatcher};

use super::output::{Format, goes_on, visible};
use super::store_args::StoreArgs;
use crate::StoredEvent;
use crate::sinks::line;
use crate::store::Reader;

/// How often it is looked whether events have come.
const EVERY: Duration = Duration::from_millis(200);

/// How many events are read at once.
const ROWS: usize = 1_000;

/// How many bytes are read at once.
const BYTES: usize = 8 << 20;

/// Show the last events of a store, and follow those that come
#[derive(Debug, clap::Args)]
pub(super) struct Tail {
    #[command(flatten)]
    store: StoreArgs,

    /// Only types that this pattern matches, such as 'cart.*'; a star matches any levels
    #[arg(long = "type", value_name = "GLOB", value_parser = glob)]
    types: Option<GlobMatcher>,

    /// Only what this service sent
    #[arg(long)]
    service: Option<String>,

    /// Only events of this user
    #[arg(long, value_name = "ID")]
    user: Option<String>,

    /// How many of the events that are there
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 10)]
    lines: usize,

    /// Go on with those that come, until Ctrl-C
    #[arg(short, long)]
    follow: bool,

    /// How events are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

impl Tail {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let reader = Reader::open(&self.store.path()?)?;
        let (found, mut last) = self.last(&reader)?;
        let mut goes_on = self.print(found)?;
        while self.follow && goes_on {
            match next(&reader, &mut last)? {
                Some(events) => goes_on = self.print(events)?,
                None => thread::sleep(EVERY),
            }
        }
        Ok(())
    }

    /// The last events that are shown, and the sequence of the last one of all. It reads backwards, no further than it must.
    fn last(&self, reader: &Reader) -> Result<(VecDeque<StoredEvent>, i64), crate::Error> {
        let newest = reader.events_before(i64::MAX, 1, BYTES)?;
        let last = newest.first().map_or(0, |event| event.sequence);
        let (mut found, mut before) = (VecDeque::new(), last + 1);
        let mut rows = self.lines.min(ROWS);
        while found.len() < self.lines {
            let events = reader.events_before(before, rows, BYTES)?;
            let Some(first) = events.last() else {
                break;
            };
            before = first.sequence;
            let shown = events.into_iter().filter(|event| self.shows(event));
            for event in shown.take(self.lines - found.len()) {
                found.push_front(event);
            }
            // What is left is rare.
            rows = ROWS;
        }
        Ok((found, last))
    }

    fn shows(&self, event: &StoredEvent) -> bool {
        self.types
            .as_ref()
            .is_none_or(|types| types.is_match(&event.event_type))
            && self
                .service
                .as_ref()
                .is_none_or(|name| *name == event.service)
            && (self.user.is_none() || self.user == event.user_id)
    }

    /// Returns whether somebody still reads.
    fn print(&self, events: impl IntoIterator<Item = StoredEvent>) -> io::Result<bool> {
        let mut text = Vec::new();
        for event in events.into_iter().filter(|event| self.shows(event)) {
            match self.format {
                Format::Json => line::write(&event, &mut text),
                Format::Table => text.extend_from_slice(show(&event).as_bytes()),
            }
        }
        let mut out = io::stdout().lock();
        goes_on(out.write_all(&text).and_then(|()| out.flush()))
    }
}

/// The events after `last`, and moves it; nothing if there are none.
fn next(reader: &Reader, last: &mut i64) -> Result<Option<Vec<StoredEvent>>, crate::Error> {
    let events = reader.events_after(*last, ROWS, BYTES)?;
    let Some(event) = events.last() else {
        return Ok(None);
    };
    *last = event.sequence;
    Ok(Some(events))
}

fn show(event: &StoredEvent) -> String {
    // Between the members of an object they are white space.
    let details = event
        .details
        .as_deref()
        .map(|json| json.replace(['\n', '\r', '\t'], " "));
    let fields = [
        Some(&event.timestamp),
        Some(&event.service),
        Some(&event.event_type),
        event.user_id.as_ref(),
        details.as_ref(),
    ];
    let fields = fields.map(|field| field.map_or("-".to_owned(), |text| visible(text)));
    fields.join("  ") + "\n"
}

fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = Glob::new(pattern).map_err(|error| error.to_string())?;
    Ok(glob.compile_matcher())
}
