//! The SQL that makes a change in BigQuery, where there is any: DDL reaches top-level columns alone.
//!
//! <https://cloud.google.com/bigquery/docs/managing-table-schemas>

use crate::bigquery::{self, DATASET};
use crate::{ColumnType, Mode, TableColumn, TableSchema};

pub(crate) fn create_table(table: &TableSchema) -> Vec<String> {
    vec![bigquery::create_table(table).trim_end().to_owned()]
}

pub(crate) fn drop_table(table: &TableSchema) -> Vec<String> {
    vec![format!("DROP TABLE {};", name(&table.name))]
}

pub(crate) fn describe_table(table: &TableSchema) -> Vec<String> {
    let description = bigquery::string_literal(table.bigquery_description());
    vec![alter(
        &table.name,
        &format!("SET OPTIONS (description = {description})"),
    )]
}

/// As NULLABLE, and a default afterwards: BigQuery adds no column that is REQUIRED or has one.
pub(crate) fn add_column(table: &str, path: &[&str], column: &TableColumn) -> Vec<String> {
    let [column_name] = path else {
        return Vec::new();
    };
    let bare = TableColumn {
        mode: match column.mode {
            Mode::Required => Mode::Nullable,
            mode => mode,
        },
        default: None,
        ..column.clone()
    };
    let definition = bigquery::column_definition(&bare);
    let mut statements = vec![alter(table, &format!("ADD COLUMN {definition}"))];
    if column.default.is_some() {
        statements.extend(set_default(table, &[column_name], column));
    }
    statements
}

pub(crate) fn drop_column(table: &str, path: &[&str]) -> Vec<String> {
    top_level(table, path, |column| format!("DROP COLUMN {column}"))
}

/// Through a name of its own: a column cannot be renamed to what differs in case alone.
pub(crate) fn rename_column(table: &str, path: &[&str], new: &str) -> Vec<String> {
    let [old] = path else {
        return Vec::new();
    };
    let rename = |from: &str, to: &str| alter(table, &format!("RENAME COLUMN `{from}` TO `{to}`"));
    let between = format!("{old}_old");
    vec![rename(old, &between), rename(&between, new)]
}

pub(crate) fn set_default(table: &str, path: &[&str], column: &TableColumn) -> Vec<String> {
    top_level(table, path, |name| match &column.default {
        Some(default) => format!("ALTER COLUMN {name} SET DEFAULT {default}"),
        None => format!("ALTER COLUMN {name} DROP DEFAULT"),
    })
}

pub(crate) fn describe_column(table: &str, path: &[&str], column: &TableColumn) -> Vec<String> {
    let description = bigquery::string_literal(&bigquery::column_description(column));
    top_level(table, path, |name| {
        format!("ALTER COLUMN {name} SET OPTIONS (description = {description})")
    })
}

/// Type and mode. What BigQuery widens in place it widens; of other types a new column takes the name, and the old
/// values, which stay under another, as far as they convert.
pub(crate) fn alter_type(
    table: &str,
    path: &[&str],
    old: &TableColumn,
    new: &TableColumn,
) -> Vec<String> {
    let [column] = path else {
        return Vec::new();
    };
    if old.type_name() == new.type_name() {
        match (old.mode, new.mode) {
            (Mode::Required, Mode::Nullable) => {
                return vec![alter(
                    table,
                    &format!("ALTER COLUMN `{column}` DROP NOT NULL"),
                )];
            }
            (Mode::Nullable, Mode::Required) => return Vec::new(),
            _ => {}
        }
    } else if old.mode == new.mode && old.mode != Mode::Repeated && widens(old, new) {
        let to = bigquery::sql_type(new);
        return vec![alter(
            table,
            &format!("ALTER COLUMN `{column}` SET DATA TYPE {to}"),
        )];
    }
    let aside = format!("{column}_old");
    let mut statements = vec![alter(
        table,
        &format!("RENAME COLUMN `{column}` TO `{aside}`"),
    )];
    statements.extend(add_column(table, path, new));
    if let Some(value) = converted(&format!("`{aside}`"), old, new) {
        statements.push(format!(
            "UPDATE {} SET `{column}` = {value} WHERE TRUE;",
            name(table)
        ));
    }
    statements
}

/// <https://cloud.google.com/bigquery/docs/managing-table-schemas#change_a_columns_data_type>
fn widens(old: &TableColumn, new: &TableColumn) -> bool {
    use ColumnType::{BigNumeric, Float, Integer, Numeric};
    if old.column_type == new.column_type {
        return limits_widen(old, new);
    }
    let unlimited = new.precision.is_none();
    match (old.column_type, new.column_type) {
        (Integer | Numeric | BigNumeric, Float) => true,
        (Integer, Numeric | BigNumeric) | (Numeric, BigNumeric) => unlimited,
        _ => false,
    }
}

fn limits_widen(old: &TableColumn, new: &TableColumn) -> bool {
    let longer = match (old.max_length, new.max_length) {
        (_, None) => true,
        (Some(old), Some(new)) => old <= new,
        (None, Some(_)) => false,
    };
    let (old_scale, new_scale) = (old.scale.unwrap_or(0), new.scale.unwrap_or(0));
    let wider = match (old.precision, new.precision) {
        (_, None) => true,
        (Some(old), Some(new)) => {
            old_scale <= new_scale && old.saturating_sub(old_scale) <= new.saturating_sub(new_scale)
        }
        (None, Some(_)) => false,
    };
    longer && wider
}

/// The old value as the new column takes it, or nothing where none can be made of it.
fn converted(value: &str, old: &TableColumn, new: &TableColumn) -> Option<String> {
    let one = |value: &str| cast(value, old, new);
    match (old.mode == Mode::Repeated, new.mode == Mode::Repeated) {
        (false, false) => one(value),
        (true, true) => Some(format!(
            "ARRAY(SELECT {} FROM UNNEST({value}) AS `value` WITH OFFSET AS `at` ORDER BY `at`)",
            one("`value`")?
        )),
        (false, true) => Some(format!("IF({value} IS NULL, [], [{}])", one(value)?)),
        (true, false) => one(&format!("{value}[SAFE_OFFSET(0)]")),
    }
}

/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules#comparison_chart>
fn cast(value: &str, old: &TableColumn, new: &TableColumn) -> Option<String> {
    use ColumnType::{
        BigNumeric, Boolean, Date, Datetime, Float, Integer, Json, Numeric, Record, String, Time,
        Timestamp,
    };
    let bare = TableColumn {
        mode: Mode::Nullable,
        ..new.clone()
    };
    let to = bigquery::sql_type(&bare);
    let cast = || Some(format!("SAFE_CAST({value} AS {to})"));
    match (old.column_type, new.column_type) {
        _ if old.type_name() == new.type_name() && old.fields == new.fields => {
            Some(value.to_owned())
        }
        (String, Json) => Some(format!("SAFE.PARSE_JSON({value})")),
        (_, Json) => Some(format!("TO_JSON({value})")),
        (Record, _) | (_, Record) => None,
        (Json, String) => Some(format!("JSON_VALUE({value})")),
        (Json, _) => Some(format!("SAFE_CAST(JSON_VALUE({value}) AS {to})")),
        (String, _)
        | (_, String)
        | (Integer | Numeric | BigNumeric | Float, Integer | Numeric | BigNumeric | Float)
        | (Boolean, Integer)
        | (Integer, Boolean)
        | (Date | Datetime | Timestamp, Date | Datetime | Timestamp)
        | (Datetime | Timestamp, Time) => cast(),
        (same, other) if same == other => cast(),
        _ => None,
    }
}

fn top_level(table: &str, path: &[&str], action: impl FnOnce(&str) -> String) -> Vec<String> {
    match path {
        [column] => vec![alter(table, &action(&format!("`{column}`")))],
        _ => Vec::new(),
    }
}

fn alter(table: &str, action: &str) -> String {
    format!("ALTER TABLE {} {action};", name(table))
}

fn name(table: &str) -> String {
    format!("`{DATASET}`.`{table}`")
}
