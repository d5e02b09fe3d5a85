//! Old tables and code give new tables: columns keep their place, new ones come last, and those that no code
//! declares any longer stay and say so. What BigQuery allows, and what no reader of old rows is hurt by.

use std::collections::BTreeSet;
use std::fmt;

use crate::{Catalog, Mode, TableColumn, TableEvent, TableSchema};

/// The most columns of a table, those of RECORDs included; none of ours ever goes:
/// <https://cloud.google.com/bigquery/quotas#standard_tables>.
const COLUMNS_MAX: usize = 10_000;

/// A change that BigQuery refuses, or that would give old rows another meaning.
///
/// <https://cloud.google.com/bigquery/docs/managing-table-schemas>
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breaking {
    /// The table and the path of the column, such as `cart.shipping.zip`; the table alone where all its columns
    /// together are too many.
    pub column: String,
    /// What the table has.
    pub old: String,
    /// What the code declares.
    pub new: String,
    /// The Rust types that declare it.
    pub rust_types: Vec<String>,
    /// What to do instead.
    pub fix: String,
}

impl fmt::Display for Breaking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            column,
            old,
            new,
            rust_types,
            fix,
        } = self;
        let rust_types = rust_types.join(", ");
        let noun = if column.contains('.') {
            "column"
        } else {
            "table"
        };
        write!(
            f,
            "{noun} `{column}` is {old} in the schemas and {new} in the code ({rust_types}): {fix}"
        )
    }
}

impl Catalog {
    /// The catalog of a folder, grown by what the code declares.
    ///
    /// # Errors
    ///
    /// Every change that would break a table; the others are then of no use.
    pub fn grown_by(&self, code: &Self) -> Result<Self, Vec<Breaking>> {
        let names: BTreeSet<&str> = self
            .tables()
            .chain(code.tables())
            .map(|table| table.name.as_str())
            .collect();
        let mut breaking = Vec::new();
        let tables: Vec<_> = names
            .into_iter()
            .filter_map(|name| match (self.table(name), code.table(name)) {
                (Some(old), new) => Some(grow_table(old, new, &mut breaking)),
                (None, new) => new.cloned(),
            })
            .collect();
        for table in &tables {
            let name = &table.name;
            breaking.extend(too_many_columns(self.table(name), code.table(name), table));
        }
        if breaking.is_empty() {
            Ok(Self::of_tables(tables))
        } else {
            Err(breaking)
        }
    }
}

/// A table that has become too wide, or begins so.
fn too_many_columns(
    old: Option<&TableSchema>,
    new: Option<&TableSchema>,
    grown: &TableSchema,
) -> Option<Breaking> {
    let before = old.map_or(0, |old| count(&old.columns));
    let after = count(&grown.columns);
    // One that was too wide before can be used no worse now, and its old columns cannot go.
    if after <= COLUMNS_MAX.max(before) {
        return None;
    }
    Some(Breaking {
        column: grown.name.clone(),
        old: old.map_or("absent".to_owned(), |_| format!("of {before} columns")),
        new: format!("of {after} columns with what is new"),
        rust_types: new.map_or_else(Vec::new, |new| {
            let events = new.events.iter().filter(|event| !event.columns.is_empty());
            events.map(|event| event.rust_type.clone()).collect()
        }),
        fix: format!(
            "BigQuery takes {COLUMNS_MAX}, those in RECORDs and those no longer sent included; give some event types \
             another namespace, or make fields one column with `json`"
        ),
    })
}

fn count(columns: &[TableColumn]) -> usize {
    let nested = columns.iter().map(|column| count(&column.fields));
    columns.len() + nested.sum::<usize>()
}

fn grow_table(
    old: &TableSchema,
    new: Option<&TableSchema>,
    breaking: &mut Vec<Breaking>,
) -> TableSchema {
    let found = breaking.len();
    let columns = match new {
        Some(new) => grow_columns(&old.name, &old.columns, &as_optional_as(old, new), breaking),
        None => retire_details(&old.columns),
    };
    for breaking in &mut breaking[found..] {
        breaking.rust_types = new.map_or_else(Vec::new, |new| writers(new, &breaking.column));
    }
    TableSchema {
        name: old.name.clone(),
        description: new.map_or(&old.description, |new| &new.description).clone(),
        columns,
        events: grow_events(&old.events, new.map_or(&[], |new| &new.events)),
    }
}

/// The new columns. Where several event types have made a column of the old table optional, it stays so when one
/// of them has gone: nobody has asked for another table.
fn as_optional_as(old: &TableSchema, new: &TableSchema) -> Vec<TableColumn> {
    let writers = old.events.iter().filter(|event| !event.columns.is_empty());
    if writers.count() < 2 {
        return new.columns.clone();
    }
    keep_optional(&old.columns, &new.columns)
}

fn keep_optional(old: &[TableColumn], new: &[TableColumn]) -> Vec<TableColumn> {
    let keep = |new: &TableColumn| match old.iter().find(|old| old.name == new.name) {
        Some(old) => TableColumn {
            mode: if (old.mode, new.mode) == (Mode::Nullable, Mode::Required) {
                old.mode
            } else {
                new.mode
            },
            fields: keep_optional(&old.fields, &new.fields),
            ..new.clone()
        },
        None => new.clone(),
    };
    new.iter().map(keep).collect()
}

/// The Rust types that write a column, given by its path.
fn writers(table: &TableSchema, path: &str) -> Vec<String> {
    let column = path.split('.').nth(1).unwrap_or_default();
    let writes = |event: &&TableEvent| {
        event
            .columns
            .iter()
            .any(|name| name.eq_ignore_ascii_case(column))
    };
    table
        .events
        .iter()
        .filter(writes)
        .map(|event| event.rust_type.clone())
        .collect()
}

fn grow_columns(
    path: &str,
    old: &[TableColumn],
    new: &[TableColumn],
    breaking: &mut Vec<Breaking>,
) -> Vec<TableColumn> {
    let find = |columns: &'_ [TableColumn], name: &str| {
        columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
    };
    let kept = old.iter().map(|old| match find(new, &old.name) {
        Some(at) => grow_column(&format!("{path}.{}", old.name), old, &new[at], breaking),
        None => retired(old),
    });
    let mut columns: Vec<_> = kept.collect();
    for added in new.iter().filter(|new| find(old, &new.name).is_none()) {
        if added.mode == Mode::Required {
            breaking.push(Breaking {
                column: format!("{path}.{}", added.name),
                old: "absent".to_owned(),
                new: spelled(added),
                rust_types: Vec::new(),
                fix: "a column that is new in a table cannot be REQUIRED; remove `required`"
                    .to_owned(),
            });
        }
        columns.push(added.clone());
    }
    columns
}

fn grow_column(
    path: &str,
    old: &TableColumn,
    new: &TableColumn,
    breaking: &mut Vec<Breaking>,
) -> TableColumn {
    let relaxed = old.mode == Mode::Required && new.mode == Mode::Nullable;
    let fix = if old.name != new.name {
        Some(format!(
            "a column cannot be renamed, and case counts; spell it `{}`",
            old.name
        ))
    } else if old.type_name() != new.type_name()
        || (old.mode == Mode::Repeated) != (new.mode == Mode::Repeated)
    {
        Some(format!(
            "a column keeps its type; go back to {}, or declare one of another name",
            spelled(old)
        ))
    } else if old.mode != new.mode && !relaxed {
        Some("a column that may be NULL cannot become REQUIRED; remove `required`".to_owned())
    } else {
        None
    };
    breaking.extend(fix.map(|fix| Breaking {
        column: path.to_owned(),
        old: spelled(old),
        new: spelled(new),
        rust_types: Vec::new(),
        fix,
    }));
    TableColumn {
        fields: grow_columns(path, &old.fields, &new.fields, breaking),
        ..new.clone()
    }
}

/// Nothing fills it any longer, so it cannot be REQUIRED.
fn retired(column: &TableColumn) -> TableColumn {
    let mode = if column.mode == Mode::Required {
        Mode::Nullable
    } else {
        column.mode
    };
    TableColumn {
        mode,
        no_longer_sent: true,
        ..column.clone()
    }
}

fn retire_details(columns: &[TableColumn]) -> Vec<TableColumn> {
    columns
        .iter()
        .map(|column| {
            if column.is_key() {
                column.clone()
            } else {
                retired(column)
            }
        })
        .collect()
}

/// By name, so that event types that come and go leave the others in place.
fn grow_events(old: &[TableEvent], new: &[TableEvent]) -> Vec<TableEvent> {
    let gone = old
        .iter()
        .filter(|old| !new.iter().any(|new| new.name == old.name));
    let gone = gone.map(|event| TableEvent {
        no_longer_sent: true,
        ..event.clone()
    });
    let mut events: Vec<_> = new.iter().cloned().chain(gone).collect();
    events.sort_by(|one, other| one.name.cmp(&other.name));
    events
}

fn spelled(column: &TableColumn) -> String {
    format!(
        "`{}` {} {}",
        column.name,
        column.mode.name(),
        column.type_name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ColumnType;

    /// A catalog with a table of the two key columns and a RECORD of this many.
    fn wide(record: &str, columns: usize) -> Catalog {
        let [key, other_key] = crate::events_table::key_columns();
        let column = |name: String| TableColumn {
            name,
            mode: Mode::Nullable,
            ..key.clone()
        };
        let record = TableColumn {
            column_type: ColumnType::Record,
            fields: (0..columns).map(|at| column(format!("c{at}"))).collect(),
            ..column(record.to_owned())
        };
        Catalog::of_tables([TableSchema {
            name: "cart".to_owned(),
            description: String::new(),
            events: vec![TableEvent {
                name: "cart.add".to_owned(),
                description: String::new(),
                rust_type: "shop::Add".to_owned(),
                no_longer_sent: false,
                columns: vec![record.name.clone()],
            }],
            columns: vec![key.clone(), other_key, record],
        }])
    }

    fn problems(old: &Catalog, code: &Catalog) -> Vec<String> {
        let breaking = old.grown_by(code).err().unwrap_or_default();
        breaking.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_has_at_most_10000_columns_with_those_of_records_and_those_no_longer_sent() {
        let nothing = Catalog::new();
        assert_eq!(problems(&nothing, &wide("a", 9_997)), [""; 0]);
        let fix = "(shop::Add): BigQuery takes 10000, those in RECORDs and those no longer sent included; give some \
                   event types another namespace, or make fields one column with `json`";
        assert_eq!(
            problems(&nothing, &wide("a", 9_998)),
            [format!(
                "table `cart` is absent in the schemas and of 10001 columns with what is new in the code {fix}"
            )]
        );
        let old = wide("a", 9_000);
        assert_eq!(problems(&old, &wide("b", 996)), [""; 0]);
        assert_eq!(
            problems(&old, &wide("b", 997)),
            [format!(
                "table `cart` is of 9003 columns in the schemas and of 10001 columns with what is new in the code {fix}"
            )]
        );
        let beyond = wide("a", 10_001);
        assert_eq!(problems(&beyond, &beyond), [""; 0]);
    }
}
