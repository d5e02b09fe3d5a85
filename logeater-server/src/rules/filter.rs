//! A filter in jq's language over one event.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jaq_core::load::{self, Arena, File, Loader, parse::Def};
use jaq_core::{Compiler, Ctx, Exn, Vars};
use jaq_json::write::Pp;
use jaq_json::{Val, read, write};
use logeater_proto::SERVICE_BYTES_MAX;
use logeater_schema::check_event_type;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Fate;
use super::bounds::{self, Bounded, Run};
use super::stepping;
use crate::StoredEvent;
use crate::shorten::shorten;
use crate::sinks::line;
use crate::time;

/// The most characters that a reason shows of what a filter gives.
const FOUND_CHARS_MAX: usize = 200;

/// The most characters of a reason, which may show a value.
const REASON_CHARS_MAX: usize = 500;

/// The most characters that an error shows of a filter.
const CODE_CHARS_MAX: usize = 40;

/// The name of a filter as a definition.
const PROGRAM: &str = "a_rules_filter";

/// A compiled filter.
pub(super) struct Filter(jaq_core::Filter<Bounded>);

/// Why a filter does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at {at}")]
pub struct FilterError {
    problem: String,
    /// The beginning of the code from the place of the problem on, in words.
    at: String,
    /// That place, in bytes from the filter's start.
    offset: usize,
}

impl FilterError {
    /// Where in the filter it is, in bytes from the filter's start.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    fn new(code: &str, at: &str, problem: impl Into<String>) -> Self {
        let start = at.as_ptr().addr().checked_sub(code.as_ptr().addr());
        let offset = start
            .filter(|start| *start <= code.len())
            .unwrap_or(code.len());
        let at = match code.get(offset..) {
            Some(rest) if !rest.is_empty() => format!("`{}`", shorten(rest, CODE_CHARS_MAX)),
            _ => "its end".to_owned(),
        };
        Self {
            problem: problem.into(),
            at,
            offset,
        }
    }
}

/// What a filter gives. It can change neither the event's id nor when it was stored.
#[derive(Deserialize)]
#[serde(expecting = "an event")]
struct Changed<'a> {
    timestamp: String,
    service: String,
    r#type: String,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default, borrow)]
    details: Option<&'a RawValue>,
}

impl Filter {
    pub(super) fn new(code: &str) -> Result<Self, FilterError> {
        // As it is written, so that errors name its own places.
        compile(code, prelude())?;
        let counted = Def {
            name: PROGRAM,
            args: Vec::new(),
            body: stepping::term(load::parse(code, |parser| parser.term()).unwrap_or_default()),
        };
        let prelude = prelude().map(stepping::def).chain([counted]);
        compile(PROGRAM, prelude).map(Self)
    }

    pub(super) fn apply(&self, event: StoredEvent, patience: Duration) -> Fate {
        match catch_unwind(AssertUnwindSafe(|| self.run(&event, patience))) {
            Ok(Ok(Some(event))) => Fate::Deliver(event),
            Ok(Ok(None)) => Fate::LeaveOut,
            Ok(Err(reason)) => Fate::Refuse(event, shorten(&reason, REASON_CHARS_MAX).into_owned()),
            Err(_) => Fate::Refuse(event, "the filter panicked".to_owned()),
        }
    }

    /// The event that it makes of another; `None` if it gives nothing.
    fn run(&self, event: &StoredEvent, patience: Duration) -> Result<Option<StoredEvent>, String> {
        let mut json = Vec::new();
        line::write(event, &mut json);
        let value = read::parse_single(&json).map_err(|error| error.to_string())?;
        let run = Run::new(&self.0.lut, patience);
        let context = Ctx::<Bounded>::new(&run, Vars::new([]));
        let mut given = self.0.id.run((context, value));
        let first = given.next();
        if let Some(beyond) = run.beyond() {
            return Err(beyond.to_string());
        }
        let Some(first) = first else {
            return Ok(None);
        };
        let first = first.map_err(failure)?;
        if given.next().is_some() {
            return Err("the filter gave more than one event".to_owned());
        }
        bounds::check_size(&first).map_err(|beyond| beyond.to_string())?;
        changed(event, &first).map(Some)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

/// The filters that every filter knows.
fn prelude<'s>() -> impl Iterator<Item = Def<&'s str>> {
    let defs = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    defs.map(shorter)
}

/// What lives for ever lives as long as anything else.
fn shorter<'s>(def: Def<&'static str>) -> Def<&'s str> {
    def
}

fn compile<'s>(
    code: &'s str,
    prelude: impl IntoIterator<Item = Def<&'s str>>,
) -> Result<jaq_core::Filter<Bounded>, FilterError> {
    let funs = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .chain(bounds::funs());
    let (arena, program) = (Arena::default(), File { code, path: () });
    let modules = Loader::new(prelude)
        .load(&arena, program)
        .map_err(|errors| of_loading(code, errors))?;
    Compiler::default()
        .with_funs(funs)
        .compile(modules)
        .map_err(|errors| of_compiling(code, errors))
}

fn failure(exception: Exn<'_, Val>) -> String {
    match exception.get_err() {
        Ok(error) => format!("the filter failed: {error}"),
        Err(_) => "the filter halted".to_owned(),
    }
}

fn changed(event: &StoredEvent, given: &Val) -> Result<StoredEvent, String> {
    let mut json = Vec::new();
    // Memory cannot fail.
    _ = write::write(&mut json, &Pp::default(), 0, given);
    let changed: Changed<'_> = serde_json::from_slice(&json).map_err(|error| {
        let found = String::from_utf8_lossy(&json);
        let found = shorten(&found, FOUND_CHARS_MAX);
        format!("the filter gave what is no event: {error}: {found}")
    })?;
    let details = changed.details.map(RawValue::get);
    if details.is_some_and(|details| !details.starts_with('{')) {
        return Err("the filter gave details that are no object".to_owned());
    }
    let given = |problem: String| format!("the filter gave what is no event: {problem}");
    check_event_type(&changed.r#type).map_err(|error| {
        let found = shorten(&changed.r#type, FOUND_CHARS_MAX);
        given(format!("type `{found}`: {error}"))
    })?;
    let timestamp = time::timestamp(&changed.timestamp).ok_or_else(|| {
        let found = shorten(&changed.timestamp, FOUND_CHARS_MAX);
        given(format!(
            "timestamp `{found}` is none such as 2026-01-31T12:00:00Z"
        ))
    })?;
    if changed.service.len() > SERVICE_BYTES_MAX {
        let found = changed.service.len();
        return Err(given(format!(
            "the name of the service has {found} bytes, and at most {SERVICE_BYTES_MAX} are taken"
        )));
    }
    Ok(StoredEvent {
        timestamp: timestamp.into_owned(),
        service: changed.service,
        event_type: changed.r#type,
        user_id: changed.user_id,
        details: details.map(str::to_owned),
        ..event.clone()
    })
}

/// The first of several errors, which is the cause of the others more often than not.
fn of_loading(code: &str, errors: load::Errors<&str, ()>) -> FilterError {
    let first = errors
        .into_iter()
        .next()
        .and_then(|(_, error)| match error {
            load::Error::Io(errors) => errors.into_iter().next(),
            load::Error::Lex(errors) => errors
                .into_iter()
                .next()
                .map(|(expected, at)| (at, format!("expected {}", expected.as_str()))),
            load::Error::Parse(errors) => errors
                .into_iter()
                .next()
                .map(|(expected, at)| (at, format!("expected {}", expected.as_str()))),
        });
    let (at, problem) = first.unwrap_or(("", "it is no filter".to_owned()));
    FilterError::new(code, at, problem)
}

fn of_compiling(code: &str, errors: jaq_core::compile::Errors<&str, ()>) -> FilterError {
    let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
    match first {
        Some((at, undefined)) => {
            FilterError::new(code, at, format!("undefined {}", undefined.as_str()))
        }
        None => FilterError::new(code, "", "it is no filter"),
    }
}
