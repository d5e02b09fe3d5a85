//! Old tables and code give new tables: columns keep their place, new ones come last, and those that no code
//! declares any longer stay and say so. What BigQuery allows, and what no reader of old rows is hurt by.

use std::collections::BTreeSet;

use crate::change::Change;
use crate::table::ByName;
use crate::{Catalog, Mode, TableColumn, TableEvent, TableSchema};

impl Catalog {
    /// The catalog of a folder, grown by what the code declares.
    ///
    /// # Errors
    ///
    /// Every change that would break a table.
    pub fn grown_by(&self, code: &Self) -> Result<Self, Vec<Change>> {
        let grown = self.grown_whatever_breaks(code);
        let mut breaking = self.changes_to(&grown);
        breaking.retain(Change::is_breaking);
        if breaking.is_empty() {
            Ok(grown)
        } else {
            Err(breaking)
        }
    }

    /// The same where a person has approved what breaks.
    pub(crate) fn grown_whatever_breaks(&self, code: &Self) -> Self {
        let names: BTreeSet<&str> = self
            .tables()
            .chain(code.tables())
            .map(|table| table.name.as_str())
            .collect();
        let grown = |name| match (self.table(name), code.table(name)) {
            (Some(old), new) => Some(grow_table(old, new)),
            (None, new) => new.cloned(),
        };
        Self::of_tables(names.into_iter().filter_map(grown))
    }
}

fn grow_table(old: &TableSchema, new: Option<&TableSchema>) -> TableSchema {
    let columns = match new {
        Some(new) => grow_columns(&old.columns, &as_optional_as(old, new)),
        None => retire_details(&old.columns),
    };
    TableSchema {
        name: old.name.clone(),
        description: new.map_or(&old.description, |new| &new.description).clone(),
        events: grow_events(&old.events, new.map_or(&[], |new| &new.events), &columns),
        columns,
        breaks: old.breaks.clone(),
    }
}

/// The new columns. Where several event types have made a column of the old table optional, it stays so when one
/// of them has gone: nobody has asked for another table.
fn as_optional_as(old: &TableSchema, new: &TableSchema) -> Vec<TableColumn> {
    // All that ever were, since a table keeps them: what has grown once must not be refused the next time.
    if old.events.len() < 2 {
        return new.columns.clone();
    }
    keep_optional(&old.columns, &new.columns)
}

fn keep_optional(old: &[TableColumn], new: &[TableColumn]) -> Vec<TableColumn> {
    let of_old = ByName::of(old);
    let keep = |new: &TableColumn| match of_old.like(new) {
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

fn grow_columns(old: &[TableColumn], new: &[TableColumn]) -> Vec<TableColumn> {
    let (of_old, of_new) = (ByName::of(old), ByName::of(new));
    let kept = old.iter().map(|old| match of_new.like(old) {
        Some(new) => grow_column(old, new),
        None => retired(old),
    });
    let added = new.iter().filter(|new| of_old.like(new).is_none());
    kept.chain(added.cloned()).collect()
}

fn grow_column(old: &TableColumn, new: &TableColumn) -> TableColumn {
    TableColumn {
        fields: if old.column_type == new.column_type {
            grow_columns(&old.fields, &new.fields)
        } else {
            new.fields.clone()
        },
        // Code has no word for it: who wrote it into the file wants it to stay.
        default: new.default.clone().or_else(|| old.default.clone()),
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
fn grow_events(old: &[TableEvent], new: &[TableEvent], columns: &[TableColumn]) -> Vec<TableEvent> {
    let gone = old
        .iter()
        .filter(|old| !new.iter().any(|new| new.name == old.name));
    let gone = gone.map(|event| TableEvent {
        no_longer_sent: true,
        columns: respelled(&event.columns, columns),
        ..event.clone()
    });
    let mut events: Vec<_> = new.iter().cloned().chain(gone).collect();
    events.sort_by(|one, other| one.name.cmp(&other.name));
    events
}

/// The names as the table has them now: an approved change may have been of their case.
fn respelled(names: &[String], columns: &[TableColumn]) -> Vec<String> {
    let respell = |name: &String| {
        let mut columns = columns.iter();
        let column = columns.find(|column| column.name.eq_ignore_ascii_case(name));
        column.map_or(name, |column| &column.name).clone()
    };
    names.iter().map(respell).collect()
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
            breaks: Vec::new(),
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
            [format!("table `cart` has 10001 columns, after 0 {fix}")]
        );
        let old = wide("a", 9_000);
        assert_eq!(problems(&old, &wide("b", 996)), [""; 0]);
        assert_eq!(
            problems(&old, &wide("b", 997)),
            [format!("table `cart` has 10001 columns, after 9003 {fix}")]
        );
        let beyond = wide("a", 10_001);
        assert_eq!(problems(&beyond, &beyond), [""; 0]);
    }
}
