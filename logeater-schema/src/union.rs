//! One catalog of those of several services: a table that they share is the union of its columns.

use crate::merge::{Conflict, combined};
use crate::table::ByName;
use crate::{Catalog, Mode, TableColumn, TableEvent, TableSchema, disagreements};

impl Catalog {
    /// The union of catalogs, each with the name that a conflict calls it by, such as the path of its folder.
    ///
    /// A table that several have is merged under the rules of the event types of one program: columns of one name are
    /// of one type or in conflict, and one that a service leaves out cannot be REQUIRED. A column is where the first
    /// catalog that has it puts it.
    ///
    /// # Errors
    ///
    /// The declarations that exclude each other.
    pub fn union<'a>(
        catalogs: impl IntoIterator<Item = (&'a str, &'a Self)>,
    ) -> Result<Self, Vec<Conflict>> {
        let catalogs: Vec<_> = catalogs.into_iter().collect();
        let conflicts = disagreements::of(&catalogs);
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        let mut union = Self::new();
        for (_, catalog) in catalogs {
            let tables: Vec<_> = catalog
                .tables()
                .map(|table| match union.table(&table.name) {
                    Some(known) => united_tables(known, table),
                    None => table.clone(),
                })
                .collect();
            union = Self::of_tables(union.tables().cloned().chain(tables));
        }
        Ok(union)
    }
}

fn united_tables(one: &TableSchema, other: &TableSchema) -> TableSchema {
    // The events table has no event types of its own, and all write to it.
    let writes = |table: &TableSchema| {
        let mut events = table.events.iter();
        table.events.is_empty() || events.any(|event| !event.columns.is_empty())
    };
    TableSchema {
        name: one.name.clone(),
        description: combined(&one.description, &other.description),
        columns: united_columns((&one.columns, writes(one)), (&other.columns, writes(other))),
        events: united_events(&one.events, &other.events),
        breaks: with_new(&one.breaks, &other.breaks, |one, other| one == other),
    }
}

/// Each side with whether it writes rows: if so, what it lacks is NULL in them.
fn united_columns(
    (one, one_writes): (&[TableColumn], bool),
    (other, other_writes): (&[TableColumn], bool),
) -> Vec<TableColumn> {
    let lacked = |column: &TableColumn, writes: bool| {
        let mut column = column.clone();
        if writes && column.mode == Mode::Required {
            column.mode = Mode::Nullable;
        }
        column
    };
    let (of_one, of_other) = (ByName::of(one), ByName::of(other));
    let known = one.iter().map(|one| match of_other.like(one) {
        Some(other) => united_column(one, other),
        None => lacked(one, other_writes),
    });
    let new = other.iter().filter(|new| of_one.like(new).is_none());
    known
        .chain(new.map(|new| lacked(new, one_writes)))
        .collect()
}

fn united_column(one: &TableColumn, other: &TableColumn) -> TableColumn {
    TableColumn {
        mode: if other.mode == Mode::Nullable {
            other.mode
        } else {
            one.mode
        },
        description: combined(&one.description, &other.description),
        no_longer_sent: one.no_longer_sent && other.no_longer_sent,
        fields: united_columns((&one.fields, true), (&other.fields, true)),
        ..one.clone()
    }
}

fn united_events(one: &[TableEvent], other: &[TableEvent]) -> Vec<TableEvent> {
    let known = one.iter().map(|one| {
        let same = other.iter().find(|other| other.name == one.name);
        same.map_or_else(|| one.clone(), |other| united_event(one, other))
    });
    let new = other
        .iter()
        .filter(|new| !one.iter().any(|one| one.name == new.name));
    let mut events: Vec<_> = known.chain(new.cloned()).collect();
    events.sort_by(|one, other| one.name.cmp(&other.name));
    events
}

fn united_event(one: &TableEvent, other: &TableEvent) -> TableEvent {
    // The word is with who still sends it.
    let speaker = if one.no_longer_sent { other } else { one };
    TableEvent {
        description: combined(&one.description, &other.description),
        no_longer_sent: one.no_longer_sent && other.no_longer_sent,
        columns: with_new(&one.columns, &other.columns, |one, other| {
            one.eq_ignore_ascii_case(other)
        }),
        ..speaker.clone()
    }
}

fn with_new<T: Clone>(one: &[T], other: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let is_new = |new: &&T| !one.iter().any(|one| same(one, new));
    one.iter()
        .chain(other.iter().filter(is_new))
        .cloned()
        .collect()
}
