//! Details: one JSON object, read once, its members in the places of their columns. No clock, no I/O.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::convert::{self, Cell, Misfit};
use crate::plan::Columns;
use crate::shorten::shorten;

/// How deep details may nest: what BigQuery's JSON holds, and half of what SQLite's functions read.
///
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#json_type>
pub(crate) const DEPTH_MAX: usize = 500;

/// The most characters of a parser's message, which may show a value.
const PROBLEM_CHARS_MAX: usize = 200;

/// Why a text is not taken as details at all.
#[derive(Debug)]
pub(crate) enum DetailsError {
    /// It is not one JSON object.
    NotAnObject(serde_json::Error),
    /// It is one of more than [`DEPTH_MAX`] levels.
    TooDeep,
}

impl fmt::Display for DetailsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject(error) => {
                let problem = error.to_string();
                write!(
                    f,
                    "details are not one JSON object: {}",
                    shorten(&problem, PROBLEM_CHARS_MAX)
                )
            }
            Self::TooDeep => write!(f, "details nest deeper than {DEPTH_MAX} levels"),
        }
    }
}

/// Checks that details are one JSON object, whatever is in it.
pub(crate) fn check(json: &str) -> Result<(), DetailsError> {
    each_member(json, |_, _| {})
}

/// Converts the members of one JSON object into the cells of `columns`: of all, or of those that come first
/// because the event type declares them.
///
/// The inner error is a good object that does not fit the columns.
pub(crate) fn cells<'a>(
    columns: &Columns,
    json: &'a str,
) -> Result<Result<Vec<Cell<'a>>, Misfit>, DetailsError> {
    let mut reading = Reading::new(columns);
    each_member(json, |key, value| reading.member(&key, value))?;
    Ok(reading.finish())
}

/// An object's cells in the making. After a misfit it only waits for the end.
struct Reading<'a, 'c> {
    columns: &'c Columns,
    cells: Vec<Option<Cell<'a>>>,
    next: usize,
    misfit: Option<Misfit>,
}

impl<'a, 'c> Reading<'a, 'c> {
    fn new(columns: &'c Columns) -> Self {
        Self {
            columns,
            cells: vec![None; columns.own()],
            next: 0,
            misfit: None,
        }
    }

    fn member(&mut self, key: &str, json: &'a str) {
        if self.misfit.is_none() {
            self.misfit = self.put(key, json).err();
        }
    }

    fn put(&mut self, key: &str, json: &'a str) -> Result<(), Misfit> {
        let place = self.columns.place(key, self.next);
        let found = place.and_then(|place| Some((place, self.columns.get(place)?)));
        let (place, column) =
            found.ok_or_else(|| Misfit::new(key, "the catalog has no such column"))?;
        if place >= self.cells.len() {
            self.cells.resize(self.columns.len(), None);
        }
        if self.cells[place].is_some() {
            return Err(Misfit::new(key, "it is there twice"));
        }
        self.cells[place] = Some(convert::cell(column, json)?);
        self.next = place + 1;
        Ok(())
    }

    fn finish(self) -> Result<Vec<Cell<'a>>, Misfit> {
        if let Some(misfit) = self.misfit {
            return Err(misfit);
        }
        for &place in self.columns.required() {
            if matches!(self.cells.get(place), None | Some(None | Some(Cell::Null))) {
                let name = self.columns.get(place).map_or("", |column| &column.name);
                return Err(Misfit::new(name, "it is REQUIRED and missing"));
            }
        }
        Ok(self
            .cells
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect())
    }
}

/// Hands every member of one JSON object to `take`: its key, and the text of its value.
pub(crate) fn each_member<'a>(
    json: &'a str,
    take: impl FnMut(Cow<'a, str>, &'a str),
) -> Result<(), DetailsError> {
    let mut text = serde_json::Deserializer::from_str(json);
    let read = text
        .deserialize_map(Members(take))
        .and_then(|()| text.end());
    read.map_err(DetailsError::NotAnObject)?;
    if is_too_deep(json) {
        Err(DetailsError::TooDeep)
    } else {
        Ok(())
    }
}

struct Members<F>(F);

impl<'a, F: FnMut(Cow<'a, str>, &'a str)> Visitor<'a> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some((Key(key), value)) = members.next_entry::<Key<'a>, &'a RawValue>()? {
            (self.0)(key, value.get());
        }
        Ok(())
    }
}

/// A key, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Whether the arrays and objects of a valid JSON text nest deeper than [`DEPTH_MAX`].
fn is_too_deep(json: &str) -> bool {
    // Every level has two brackets.
    json.len() >= 2 * DEPTH_MAX && depth(json) > DEPTH_MAX
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "details_tests.rs"]
mod tests;
