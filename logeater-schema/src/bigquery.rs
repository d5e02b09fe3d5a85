//! Renders a table for BigQuery: the schema file of `bq` and terraform, and CREATE TABLE.

use std::fmt::Write;

use serde::Serialize;

use crate::catalog_file::pretty;
use crate::{ColumnType, Mode, TableColumn, TableSchema};

/// The most characters in a column's description:
/// <https://cloud.google.com/bigquery/docs/schemas#column_descriptions>.
const COLUMN_DESCRIPTION_CHARS_MAX: usize = 1_024;

/// The most characters in a table's description.
const TABLE_DESCRIPTION_CHARS_MAX: usize = 16_384;

/// The dataset that the statements name.
pub(crate) const DATASET: &str = "logeater";

/// One column in the form of the API's `TableFieldSchema`.
#[derive(Serialize)]
struct ApiField<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    column_type: ColumnType,
    mode: Mode,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(rename = "maxLength", skip_serializing_if = "Option::is_none")]
    max_length: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<String>,
    #[serde(
        rename = "defaultValueExpression",
        skip_serializing_if = "Option::is_none"
    )]
    default: Option<&'a str>,
    #[serde(rename = "policyTags", skip_serializing_if = "Option::is_none")]
    policy_tags: Option<PolicyTags<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<ApiField<'a>>,
}

/// BigQuery takes one name at most.
#[derive(Serialize)]
struct PolicyTags<'a> {
    names: [&'a str; 1],
}

impl<'a> ApiField<'a> {
    fn of(columns: &'a [TableColumn]) -> Vec<Self> {
        let field = |column: &'a TableColumn| Self {
            name: &column.name,
            column_type: column.column_type,
            mode: column.mode,
            description: column_description(column),
            // The API's int64 is text: <https://google.aip.dev/141>.
            max_length: column.max_length.map(|max| max.to_string()),
            precision: column.precision.map(|digits| digits.to_string()),
            scale: column.scale.map(|digits| digits.to_string()),
            default: column.default.as_deref(),
            policy_tags: column
                .policy_tag
                .as_deref()
                .map(|tag| PolicyTags { names: [tag] }),
            fields: Self::of(&column.fields),
        };
        columns.iter().map(field).collect()
    }
}

impl TableSchema {
    /// Its columns as the array that `bq mk --schema` takes, `bq show --schema` gives, terraform's `schema = file(…)`
    /// reads, and the API calls the `fields` of a schema.
    #[must_use]
    pub fn bigquery_schema(&self) -> String {
        pretty(&ApiField::of(&self.columns))
    }

    /// Its description, as long as BigQuery takes it: 16,384 characters.
    #[must_use]
    pub fn bigquery_description(&self) -> &str {
        cut(&self.description, TABLE_DESCRIPTION_CHARS_MAX)
    }
}

/// The statement that makes the table, clustered by the day of insertion.
///
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_table_statement>
pub(crate) fn create_table(table: &TableSchema) -> String {
    let mut sql = format!("CREATE TABLE `{DATASET}`.`{}` (\n", table.name);
    for (at, column) in table.columns.iter().enumerate() {
        let comma = if at + 1 < table.columns.len() {
            ","
        } else {
            ""
        };
        let _ = writeln!(sql, "  {}{comma}", column_definition(column));
    }
    sql.push_str(")\nCLUSTER BY `cluster_key`");
    sql.push_str(&options(table.bigquery_description(), "\n"));
    sql.push_str(";\n");
    sql
}

/// Name, type, `DEFAULT`, `NOT NULL`, options: in this order. Policy tags have no place in DDL: `bq update` or terraform
/// set them, by the schema file.
pub(crate) fn column_definition(column: &TableColumn) -> String {
    let not_null = if column.mode == Mode::Required {
        " NOT NULL"
    } else {
        ""
    };
    let default = column.default.as_ref();
    let default = default.map_or_else(String::new, |default| format!(" DEFAULT {default}"));
    let options = options(&column_description(column), " ");
    let (name, sql_type) = (&column.name, sql_type(column));
    format!("`{name}` {sql_type}{default}{not_null}{options}")
}

pub(crate) fn sql_type(column: &TableColumn) -> String {
    let one = match column.column_type {
        ColumnType::Integer => "INT64".to_owned(),
        ColumnType::Float => "FLOAT64".to_owned(),
        ColumnType::Boolean => "BOOL".to_owned(),
        ColumnType::Record => {
            let fields: Vec<_> = column.fields.iter().map(column_definition).collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        _ => column.type_name(),
    };
    if column.mode == Mode::Repeated {
        format!("ARRAY<{one}>")
    } else {
        one
    }
}

fn options(description: &str, before: &str) -> String {
    if description.is_empty() {
        return String::new();
    }
    format!(
        "{before}OPTIONS (description = {})",
        string_literal(description)
    )
}

pub(crate) fn column_description(column: &TableColumn) -> String {
    let mark = match (column.no_longer_sent, column.description.is_empty()) {
        (false, _) => "",
        (true, true) => "(no longer sent)",
        (true, false) => " (no longer sent)",
    };
    // The mark is what a reader must see, so it is the description that is cut.
    format!(
        "{}{mark}",
        cut(
            &column.description,
            COLUMN_DESCRIPTION_CHARS_MAX - mark.len()
        )
    )
}

/// Whether a column's description is longer than BigQuery takes it.
pub(crate) fn is_cut(column: &TableColumn) -> bool {
    column.description.chars().count() > COLUMN_DESCRIPTION_CHARS_MAX
}

/// The first `chars_max` characters.
fn cut(text: &str, chars_max: usize) -> &str {
    text.char_indices()
        .nth(chars_max)
        .map_or(text, |(end, _)| &text[..end])
}

/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#escape_sequences>
pub(crate) fn string_literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(literal, "\\u{:04x}", u32::from(control));
            }
            plain => literal.push(plain),
        }
    }
    literal.push('"');
    literal
}
