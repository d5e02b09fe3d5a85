//! Where the catalogs of several services exclude each other: one event type of two Rust types, one column of two
//! types.

use crate::merge::{Conflict, Declaration, Kind, spelled};
use crate::table::ByName;
use crate::{Catalog, Mode, TableColumn, TableEvent, TableSchema};

/// All conflicts between catalogs, each with its name.
pub(crate) fn of(catalogs: &[(&str, &Catalog)]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for (at, (other_name, other)) in catalogs.iter().enumerate() {
        for (one_name, one) in &catalogs[..at] {
            for table in one.tables() {
                let Some(other) = other.table(&table.name) else {
                    continue;
                };
                let mut pair = Pair {
                    one: (one_name, table),
                    other: (other_name, other),
                    conflicts: &mut conflicts,
                };
                pair.columns(&[], &table.columns, &other.columns);
                pair.events();
            }
        }
    }
    conflicts
}

/// A table as two catalogs have it.
struct Pair<'a> {
    one: (&'a str, &'a TableSchema),
    other: (&'a str, &'a TableSchema),
    conflicts: &'a mut Vec<Conflict>,
}

impl Pair<'_> {
    fn columns(&mut self, outer: &[&str], one: &[TableColumn], other: &[TableColumn]) {
        let of_other = ByName::of(other);
        for one in one {
            let Some(other) = of_other.like(one) else {
                continue;
            };
            let path = [outer, &[one.name.as_str()]].concat();
            if kind(one) == kind(other) {
                self.columns(&path, &one.fields, &other.fields);
            } else {
                self.conflicts.push(Conflict {
                    subject: format!("{}.{}", self.one.1.name, path.join(".")),
                    kind: Kind::Column,
                    first: declaration(self.one, path[0], one),
                    second: declaration(self.other, path[0], other),
                });
            }
        }
    }

    fn events(&mut self) {
        for one in &self.one.1.events {
            let mut others = self.other.1.events.iter();
            let other = others.find(|other| other.name == one.name);
            let Some(other) = other.filter(|other| other.rust_type != one.rust_type) else {
                continue;
            };
            // Who no longer sends it has nothing to say about it.
            if one.no_longer_sent || other.no_longer_sent {
                continue;
            }
            let declared = |(catalog, _): (&str, _), event: &TableEvent| Declaration {
                place: format!("{} of {catalog}", event.rust_type),
                says: "declared".to_owned(),
            };
            self.conflicts.push(Conflict {
                subject: one.name.clone(),
                kind: Kind::EventType,
                first: declared(self.one, one),
                second: declared(self.other, other),
            });
        }
    }
}

/// What must be the same of two columns of one name.
fn kind(column: &TableColumn) -> impl PartialEq {
    (
        column.name.clone(),
        column.type_name(),
        column.mode == Mode::Repeated,
        column.default.clone(),
        column.policy_tag.clone(),
    )
}

fn declaration(
    (catalog, table): (&str, &TableSchema),
    top: &str,
    column: &TableColumn,
) -> Declaration {
    let writers = table.writers(top);
    Declaration {
        place: if writers.is_empty() {
            catalog.to_owned()
        } else {
            format!("{} of {catalog}", writers.join(", "))
        },
        says: spelled(column),
    }
}
