//! What commands print: rows as a table for people, or as lines of JSON for programs.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde_json::{Map, Value};

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Columns that are lined up
    Table,
    /// One JSON object for each row
    Json,
}

/// Rows of the same columns.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    pub(super) fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: impl IntoIterator<Item = Value>) {
        self.rows.push(row.into_iter().collect());
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn text(self, format: Format) -> String {
        match format {
            Format::Table => self.table(),
            Format::Json => self.json(),
        }
    }

    fn table(self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(self.columns);
        for row in &self.rows {
            table.add_row(row.iter().map(cell));
        }
        let lines = table.to_string();
        let lines = lines.lines().map(str::trim_end);
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    fn json(self) -> String {
        let columns = self.columns;
        let line = |row| object(&columns, row).to_string() + "\n";
        self.rows.into_iter().map(line).collect()
    }
}

/// A row as one JSON object.
pub(super) fn object(columns: &[String], row: Vec<Value>) -> Value {
    let members: Map<_, _> = columns.iter().cloned().zip(row).collect();
    Value::Object(members)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => visible(text),
        other => other.to_string(),
    }
}

/// A text with escapes for what would control the terminal: it may come from anyone who sends events.
pub(super) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            visible.extend(char.escape_default());
        } else {
            visible.push(char);
        }
    }
    visible
}

/// Writes to stdout; who closed it wants no more.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    goes_on(out.write_all(text.as_bytes()).and_then(|()| out.flush())).map(drop)
}

/// Whether somebody still reads what was written.
pub(super) fn goes_on(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}
