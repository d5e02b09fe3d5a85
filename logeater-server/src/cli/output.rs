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
        let object = |row: Vec<Value>| {
            let members: Map<_, _> = columns.iter().cloned().zip(row).collect();
            Value::Object(members).to_string() + "\n"
        };
        self.rows.into_iter().map(object).collect()
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Writes to stdout; who closed it wants no more.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
