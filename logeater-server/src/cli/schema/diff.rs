//! `logeater schema diff`: what changed between two folders, and whether BigQuery takes it.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use logeater_schema::{Catalog, Change, Class, Subject};
use serde::Serialize;

use crate::cli::output::print;

/// Print the changes between two folders of schemas; exit with 1 if one is breaking
///
/// Each change is `safe`, `warn` or `breaking`, and is printed with the SQL that a person could run, where there is any.
/// A breaking one does not count if NEW's catalog says that its `allow.toml` has approved it. The exit code is 0, 1 for a
/// breaking change, 2 for an error.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// The folder of schemas as it was, such as that of the main branch
    old: PathBuf,

    /// The folder of schemas as it is
    new: PathBuf,

    /// How to print the changes
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// The JSON that is printed.
#[derive(Serialize)]
struct Report<'a> {
    safe: usize,
    warn: usize,
    breaking: usize,
    /// How many of the breaking ones were approved.
    approved: usize,
    changes: Vec<Reported<'a>>,
}

/// A change as JSON has it.
#[derive(Serialize)]
pub(super) struct Reported<'a> {
    class: &'a str,
    rule: &'a str,
    table: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    old: &'a str,
    new: &'a str,
    rust_types: &'a [String],
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<&'a str>,
    statements: &'a [String],
}

impl Diff {
    pub(super) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let changes = Catalog::read(self.old)?.changes_to(&Catalog::read(self.new)?);
        print(&match self.format {
            Format::Text => text(&changes),
            Format::Json => json(&changes)?,
        })?;
        Ok(if changes.iter().any(Change::is_refused) {
            ExitCode::from(1)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// What is worst comes last, next to the sum, where a person looks.
fn text(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no changes\n".to_owned();
    }
    let mut sorted: Vec<_> = changes.iter().collect();
    sorted.sort_by_key(|change| change.class());
    let mut text = String::new();
    for change in sorted {
        let _ = writeln!(text, "{}: {change}", change.class().name());
        if let Some(reason) = &change.approved {
            let _ = writeln!(text, "    approved: {reason}");
        }
        for statement in &change.statements {
            let _ = writeln!(text, "    {}", statement.replace('\n', "\n    "));
        }
    }
    let count = |class| count(changes, class);
    let approved = match approved(changes) {
        0 => String::new(),
        approved => format!(" ({approved} approved)"),
    };
    let _ = writeln!(
        text,
        "\n{} safe, {} warn, {} breaking{approved}",
        count(Class::Safe),
        count(Class::Warn),
        count(Class::Breaking)
    );
    text
}

fn json(changes: &[Change]) -> serde_json::Result<String> {
    let report = Report {
        safe: count(changes, Class::Safe),
        warn: count(changes, Class::Warn),
        breaking: count(changes, Class::Breaking),
        approved: approved(changes),
        changes: changes.iter().map(reported).collect(),
    };
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}

pub(super) fn reported(change: &Change) -> Reported<'_> {
    Reported {
        class: change.class().name(),
        rule: change.rule.name(),
        table: &change.table,
        column: change.column(),
        event_type: match &change.subject {
            Subject::EventType(name) => Some(name),
            _ => None,
        },
        old: &change.old,
        new: &change.new,
        rust_types: &change.rust_types,
        message: change.to_string(),
        approved: change.approved.as_deref(),
        statements: &change.statements,
    }
}

fn count(changes: &[Change], class: Class) -> usize {
    let of_class = changes.iter().filter(|change| change.class() == class);
    of_class.count()
}

fn approved(changes: &[Change]) -> usize {
    let approved = changes.iter().filter(|change| change.approved.is_some());
    approved.count()
}
