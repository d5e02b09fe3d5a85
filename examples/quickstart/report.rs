//! What a person wants to see, as text of at most a hundred columns.

use std::error::Error;
use std::path::Path;

use logeater_client::{Catalog, Mode, Stats, TableColumn, TableSchema};
use logeater_examples::terminal::{COLUMNS, bars, columns_in, grouped, padded, shortened, table};

use crate::queries::{NEWEST, Rows, Store, Stored};
use crate::repository::Repository;

/// The columns of the join that fit a terminal, each with its greatest width.
const SHOWN: [(&str, usize); 5] = [
    ("timestamp", 20),
    ("user_id", 15),
    ("hash", 8),
    ("subject", 20),
    ("changes", 27),
];

/// Where lines begin that belong to a heading.
const INDENT: &str = "  ";

/// Writes the whole report on what the store holds.
pub(crate) fn write(
    repository: &Repository,
    store: &Path,
    stats: &Stats,
    catalog: &Catalog,
) -> Result<String, Box<dyn Error>> {
    let rows = Store::open(store)?;
    let mut report = Report::default();
    report.line(&format!(
        "{} commits of {}",
        grouped(repository.commits()),
        repository.path().display()
    ));
    report.line(&format!("are now events in {}", store.display()));
    report.section(
        "What became of the events",
        &[ends(stats), stored(&rows.stored()?)].concat(),
    );
    report.section("The tables that the Rust types declare", &tables(catalog));
    report.section(
        "The newest ten commits, events joined with their typed columns",
        &newest(&rows.newest()?),
    );
    report.section("The most active authors", &bars(&rows.authors()?, 24, 60));
    report.section(
        "Commits per day, on the latest days that have any",
        &bars(&rows.days()?, 10, 60),
    );
    report.section("Look for yourself", &commands(store));
    Ok(report.0)
}

/// Lines under headings.
#[derive(Default)]
struct Report(String);

impl Report {
    fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    fn section(&mut self, heading: &str, lines: &[String]) {
        self.line("");
        self.line(heading);
        self.line("");
        for line in lines {
            self.line(&format!("{INDENT}{line}"));
        }
    }
}

fn ends(stats: &Stats) -> Vec<String> {
    aligned(&[
        ("emitted", stats.emitted),
        ("delivered", stats.delivered),
        ("rejected", stats.rejected),
        ("dropped", stats.dropped),
    ])
}

fn stored(stored: &Stored) -> Vec<String> {
    let rows = [
        ("rows in events", stored.events),
        ("rows in commit", stored.commits),
        ("dead letters", stored.dead_letters),
    ];
    [vec![String::new()], aligned(&rows)].concat()
}

/// Labels on the left, numbers on the right.
fn aligned(numbers: &[(&str, u64)]) -> Vec<String> {
    numbers
        .iter()
        .map(|(label, number)| format!("{label:<14}  {:>11}", grouped(*number)))
        .collect()
}

fn tables(catalog: &Catalog) -> Vec<String> {
    catalog
        .tables()
        .map(table_lines)
        .collect::<Vec<_>>()
        .join(&String::new())
}

fn table_lines(schema: &TableSchema) -> Vec<String> {
    let types: Vec<_> = schema
        .events
        .iter()
        .map(|event| event.name.as_str())
        .collect();
    let types = if types.is_empty() {
        "every event type".to_owned()
    } else {
        types.join(", ")
    };
    let title = format!("{}, rows of {types}", schema.name);
    let columns = schema
        .columns
        .iter()
        .flat_map(|column| column_lines(column, 1));
    [title].into_iter().chain(columns).collect()
}

/// A column, and below it those of a RECORD.
fn column_lines(column: &TableColumn, depth: usize) -> Vec<String> {
    let name = padded(&format!("{}{}", INDENT.repeat(depth), column.name), 16);
    let mode = if column.mode == Mode::Nullable {
        ""
    } else {
        column.mode.name()
    };
    let line = format!(
        "{name}  {:<9}  {mode:<8}  {}",
        column.column_type.name(),
        column.description
    );
    let fields = column
        .fields
        .iter()
        .flat_map(|field| column_lines(field, depth + 1));
    [shortened(line.trim_end(), COLUMNS - INDENT.len())]
        .into_iter()
        .chain(fields)
        .collect()
}

/// The query, its rows by the columns that fit, and the first row in full.
fn newest(newest: &Rows) -> Vec<String> {
    let query = NEWEST.lines().map(str::to_owned);
    let place = |name: &str| newest.columns.iter().position(|column| column == name);
    let shown: Vec<_> = SHOWN.iter().filter_map(|(name, _)| place(name)).collect();
    let cells = |row: &Vec<String>| {
        shown
            .iter()
            .filter_map(|place| row.get(*place))
            .map(|cell| in_brief(cell))
            .collect()
    };
    let rows: Vec<Vec<String>> = newest.rows.iter().map(cells).collect();
    let blank = || [String::new()];
    query
        .chain(blank())
        .chain(table(&SHOWN, &rows))
        .chain(blank())
        .chain(first_in_full(newest))
        .collect()
}

/// All columns of the first row, one on a line, with the table that each comes from.
fn first_in_full(newest: &Rows) -> Vec<String> {
    let Some(row) = newest.rows.first() else {
        return Vec::new();
    };
    // Both tables begin with the event's id.
    let own = newest
        .columns
        .iter()
        .rposition(|column| column == "event_id")
        .unwrap_or_default();
    let names = newest.columns.iter().enumerate().map(|(place, column)| {
        let table = if place < own { "event" } else { "commit" };
        format!("{table}.{column}")
    });
    let width = names
        .clone()
        .map(|name| columns_in(&name))
        .max()
        .unwrap_or_default();
    let line = |(name, cell): (String, &String)| {
        shortened(
            &format!("{}  {cell}", padded(&name, width)),
            COLUMNS - INDENT.len(),
        )
    };
    [
        format!("The first of them, all {} columns:", row.len()),
        String::new(),
    ]
    .into_iter()
    .chain(names.zip(row).map(line))
    .collect()
}

/// A cell without the fractions of a second, which git's times do not have.
fn in_brief(cell: &str) -> String {
    let moment = cell
        .strip_suffix(".000000Z")
        .filter(|moment| moment.len() == "2026-01-31T12:00:00".len());
    moment.map_or_else(|| cell.to_owned(), |moment| format!("{moment}Z"))
}

/// How to open the store: as it is, and under the name that the query above uses.
fn commands(store: &Path) -> Vec<String> {
    let store = store.display().to_string();
    let attach = format!("ATTACH '{}' AS logeater", store.replace('\'', "''"));
    vec![
        format!("sqlite3 {}", shell_quoted(&store)),
        String::new(),
        "To paste the query above, which names the store and has text in double quotes:".to_owned(),
        String::new(),
        // From 3.41 on the shell takes text in double quotes only if told so.
        "sqlite3 -cmd '.dbconfig dqs_dml on' \\".to_owned(),
        format!("    -cmd {}", shell_quoted(&attach)),
    ]
}

/// The text as one word of a shell's command.
fn shell_quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+=:@".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if text.contains(['"', '$', '`', '\\', '!']) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    format!("\"{text}\"")
}
