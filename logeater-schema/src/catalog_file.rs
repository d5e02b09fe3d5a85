//! The catalog's own files, `catalog/<table>.json`: what a program declares, for CI and the collector.
//!
//! Version 1: an object of `version`, `table`, `description`, `columns` (see [`TableColumn`]), `events`
//! (see [`TableEvent`]) and `breaks` (see [`ApprovedBreak`]). A reader refuses versions and members that it does not know.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::derived::DEPTH_MAX;
use crate::events_table::key_columns;
use crate::folder::file_name;
use crate::{
    ApprovedBreak, CatalogError, EVENTS_TABLE, Mode, TableColumn, TableEvent, TableSchema,
    check_event_type,
};

/// The version that this code writes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    version: u32,
    table: String,
    #[serde(default)]
    description: String,
    columns: Vec<TableColumn>,
    #[serde(default)]
    events: Vec<TableEvent>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    breaks: Vec<ApprovedBreak>,
}

/// The text of a table's file.
pub(crate) fn render(table: &TableSchema) -> String {
    let file = CatalogFile {
        version: VERSION,
        table: table.name.clone(),
        description: table.description.clone(),
        columns: table.columns.clone(),
        events: table.events.clone(),
        breaks: table.breaks.clone(),
    };
    pretty(&file)
}

/// JSON for people and for line-based diffs.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    // Serializing strings, numbers and lists into memory cannot fail.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// The tables of a folder of schemas, of its inner `catalog` folder, or of one file.
pub(crate) fn read(path: &Path) -> Result<Vec<TableSchema>, CatalogError> {
    if path.is_file() {
        return parse(path).map(|table| vec![table]);
    }
    let inner = path.join("catalog");
    let folder = if inner.is_dir() { &inner } else { path };
    let tables = files(folder)?
        .iter()
        .map(|file| parse(file))
        .collect::<Result<Vec<_>, _>>()?;
    if tables.is_empty() {
        return Err(CatalogError::Missing(path.to_owned()));
    }
    Ok(tables)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let io = |source| CatalogError::Io {
        path: folder.to_owned(),
        source,
    };
    if !folder.exists() {
        return Err(CatalogError::Missing(folder.to_owned()));
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if is_visible_json(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Editors and file systems put files of their own beside others, such as `.#cart.json` and `._cart.json`.
fn is_visible_json(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    path.extension() == Some(OsStr::new("json")) && !name.starts_with('.')
}

fn parse(path: &Path) -> Result<TableSchema, CatalogError> {
    let bytes = fs::read(path).map_err(|source| CatalogError::Io {
        path: path.to_owned(),
        source,
    })?;
    let format = |reason: String| CatalogError::Format {
        path: path.to_owned(),
        reason,
    };
    let text = String::from_utf8(bytes)
        .map_err(|error| format(std::format!("{}: {RESTORE}", error.utf8_error())))?;
    let file: CatalogFile =
        serde_json::from_str(&text).map_err(|error| format(problem(&text, &error)))?;
    if file.version != VERSION {
        return Err(format(unknown_version(file.version)));
    }
    let table = TableSchema {
        name: file.table,
        description: file.description,
        columns: file.columns,
        events: file.events,
        breaks: file.breaks,
    };
    let name = file_name(&table.name, ".json");
    if path
        .file_name()
        .is_none_or(|of_path| of_path != name.as_str())
    {
        let table = &table.name;
        return Err(format(std::format!(
            "it is of the table `{table}`, whose file is {name}"
        )));
    }
    check(&table).map_err(format)?;
    Ok(table)
}

/// Why a text is not in the format, and what to do.
fn problem(text: &str, error: &serde_json::Error) -> String {
    if let Some(reason) = newer(text).or_else(|| merging(text)) {
        return reason;
    }
    format!("{error}: {RESTORE}")
}

/// What to do with a file that was written by no logeater.
const RESTORE: &str =
    "take it from version control again, or move it to another folder if it is not logeater's";

/// A file that git could not merge: what one side lacks is still declared by code.
fn merging(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let line = lines.position(|line| line.starts_with("<<<<<<< "))? + 1;
    Some(format!(
        "line {line} is the mark of a merge: keep the lines of the main branch, and LOGEATER_UPDATE=1 cargo test adds \
         yours"
    ))
}

/// A newer file may have members that look like mistakes here: its version is the better reason.
fn newer(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let Versioned { version } = serde_json::from_str(text).ok()?;
    (version != VERSION).then(|| unknown_version(version))
}

fn unknown_version(version: u32) -> String {
    format!(
        "it has version {version}, and this logeater reads version {VERSION}: use a newer logeater"
    )
}

/// Names end up in SQL, so a file written by hand is held to the same rules as code.
fn check(table: &TableSchema) -> Result<(), String> {
    let name = &table.name;
    let is_events = name == EVENTS_TABLE;
    // A namespace is the first level of an event type's name.
    if !is_events && (name.contains('.') || check_event_type(&format!("{name}.x")).is_err()) {
        return Err(format!("`{name}` is no namespace"));
    }
    let keys = key_columns();
    let same = |key: &TableColumn, column: &TableColumn| {
        (&key.name, key.column_type, key.mode) == (&column.name, column.column_type, column.mode)
    };
    if table.columns.len() < keys.len()
        || !keys
            .iter()
            .zip(&table.columns)
            .all(|(key, column)| same(key, column))
    {
        return Err("the first two columns are not `event_id`, a REQUIRED STRING, and `cluster_key`, a REQUIRED DATE"
            .to_owned());
    }
    check_columns(&table.columns, &format!("`{name}`"), 0)?;
    let mut columns = table.columns.iter();
    if columns.any(|column| column.name.eq_ignore_ascii_case(name)) {
        return Err(format!(
            "a column has the name of the table, `{name}`, and would hide it in SQL: give it another name"
        ));
    }
    table
        .events
        .iter()
        .try_for_each(|event| check_event(event, table))
}

fn check_event(event: &TableEvent, table: &TableSchema) -> Result<(), String> {
    let name = &event.name;
    check_event_type(name).map_err(|error| format!("event type `{name}`: {error}"))?;
    if name.split('.').next() != Some(table.name.as_str()) {
        return Err(format!(
            "event type `{name}` is not of the namespace `{}`",
            table.name
        ));
    }
    if table
        .events
        .iter()
        .filter(|other| other.name == *name)
        .count()
        > 1
    {
        return Err(format!("event type `{name}` is there twice"));
    }
    let known = |column: &String| table.details_columns().any(|known| known.name == *column);
    match event.columns.iter().find(|column| !known(column)) {
        Some(column) => Err(format!(
            "event type `{name}` writes `{column}`, which is no column of the table"
        )),
        None => Ok(()),
    }
}

/// `depth` counts the RECORDs that the columns are in.
fn check_columns(columns: &[TableColumn], path: &str, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX && !columns.is_empty() {
        return Err(format!(
            "{path}: RECORDs nest at most {DEPTH_MAX} levels deep"
        ));
    }
    let mut names = BTreeMap::new();
    for column in columns {
        crate::check_column_name(&column.name)
            .map_err(|error| format!("column `{}` of {path}: {error}", column.name))?;
        if let Some(other) = names.insert(column.name.to_ascii_lowercase(), &column.name) {
            return Err(format!(
                "columns `{other}` and `{}` of {path} are one and the same",
                column.name
            ));
        }
        check_column(column, depth)
            .map_err(|reason| format!("column `{}` of {path}: {reason}", column.name))?;
        let inner = format!("`{}` in {path}", column.name);
        check_columns(&column.fields, &inner, depth + 1)?;
    }
    Ok(())
}

fn check_column(column: &TableColumn, depth: usize) -> Result<(), &'static str> {
    if (column.column_type == crate::ColumnType::Record) == column.fields.is_empty() {
        return Err("a RECORD has fields, and only a RECORD has");
    }
    if column.default.is_some() && (depth > 0 || column.mode == Mode::Repeated) {
        return Err("only a column that is neither REPEATED nor in a RECORD has a default");
    }
    check_limits(column)
}

/// Limits end up in SQL and in the API's schema, which refuse what is not one.
fn check_limits(column: &TableColumn) -> Result<(), &'static str> {
    use crate::ColumnType::{BigNumeric, Bytes, Numeric, String};
    let column_type = column.column_type;
    if column.max_length.is_some() && !matches!(column_type, String | Bytes) {
        return Err("`max_length` is for STRING and BYTES");
    }
    if column.max_length == Some(0) {
        return Err("`max_length` is at least 1");
    }
    if column.precision.is_none() && column.scale.is_none() {
        return Ok(());
    }
    let (scale_max, whole_max) = match column_type {
        Numeric => (9, 29),
        BigNumeric => (38, 38),
        _ => return Err("`precision` and `scale` are for NUMERIC and BIGNUMERIC"),
    };
    let scale = column.scale.unwrap_or(0);
    let whole = column.precision.unwrap_or(0).checked_sub(scale);
    if scale > scale_max || !whole.is_some_and(|whole| (1..=whole_max).contains(&whole)) {
        return Err("BigQuery has no such `precision` and `scale`");
    }
    Ok(())
}
