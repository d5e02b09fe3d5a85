//! Makes one table of all event types of a namespace: the union of their columns.
//!
//! Event types come in the order of their names and fields in the order of their declaration, so the result
//! does not depend on who registered first.

use std::fmt;

use crate::events_table::key_columns;
use crate::{EventType, FieldSchema, Limits, Mode, Source, TableColumn, TableEvent, TableSchema};

/// Two declarations that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The event type, or the table and the path of the column.
    pub subject: String,
    /// What is wrong with it.
    pub(crate) kind: Kind,
    /// One of them.
    pub first: Declaration,
    /// The other.
    pub second: Declaration,
}

/// One side of a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Declaration {
    /// The Rust types, and the line or the catalog where they stand.
    pub place: String,
    /// What it says there.
    pub says: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    EventType,
    Column,
}

impl Conflict {
    pub(crate) fn of_event_types(first: &EventType, second: &EventType) -> Self {
        Self {
            subject: first.name.to_owned(),
            kind: Kind::EventType,
            first: Declaration::at(first.source, "declared".to_owned()),
            second: Declaration::at(second.source, "declared".to_owned()),
        }
    }

    pub(crate) fn is_of_event_types(&self) -> bool {
        self.kind == Kind::EventType
    }
}

impl Declaration {
    fn at(source: Source, says: String) -> Self {
        let place = source.to_string();
        Self { place, says }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            kind,
            first,
            second,
        } = self;
        match kind {
            Kind::EventType => write!(
                f,
                "event type `{subject}` is declared twice: by {} and by {}; give one of them another name",
                first.place, second.place
            ),
            Kind::Column => write!(
                f,
                "column `{subject}` is {} in {} and {} in {}; give both the same name, type and limits, \
                 or one of them another name with `rename = \"…\"`",
                first.says, first.place, second.says, second.place
            ),
        }
    }
}

/// The extended tables of event types that come in the order of their names.
pub(crate) fn tables(
    types: impl Iterator<Item = &'static EventType>,
) -> (Vec<TableSchema>, Vec<Conflict>) {
    let mut merges: Vec<Merge> = Vec::new();
    for event_type in types {
        match merges.last_mut() {
            Some(merge) if merge.namespace == event_type.namespace() => merge.add(event_type),
            _ => merges.push(Merge::new(event_type)),
        }
    }
    let mut conflicts = Vec::new();
    let tables = merges
        .into_iter()
        .map(|merge| {
            let (table, found) = merge.finish();
            conflicts.extend(found);
            table
        })
        .collect();
    (tables, conflicts)
}

/// A table in the making.
struct Merge {
    namespace: &'static str,
    columns: Vec<Merged>,
    events: Vec<TableEvent>,
    conflicts: Vec<Conflict>,
}

impl Merge {
    fn new(event_type: &'static EventType) -> Self {
        let mut merge = Self {
            namespace: event_type.namespace(),
            columns: Vec::new(),
            events: Vec::new(),
            conflicts: Vec::new(),
        };
        merge.add(event_type);
        merge
    }

    fn add(&mut self, event_type: &'static EventType) {
        let mut place = Place {
            source: event_type.source,
            path: self.namespace.to_owned(),
            conflicts: Vec::new(),
        };
        place.union(&mut self.columns, event_type.fields);
        self.conflicts.append(&mut place.conflicts);
        self.events.push(TableEvent {
            name: event_type.name.to_owned(),
            description: event_type.description.to_owned(),
            rust_type: event_type.source.rust_type.to_owned(),
            no_longer_sent: false,
            columns: event_type
                .fields
                .iter()
                .map(|field| field.name.to_owned())
                .collect(),
        });
    }

    fn finish(self) -> (TableSchema, Vec<Conflict>) {
        let writers = self
            .events
            .iter()
            .filter(|event| !event.columns.is_empty())
            .count();
        let details = self
            .columns
            .into_iter()
            .map(|column| column.finish(writers));
        let table = TableSchema {
            name: self.namespace.to_owned(),
            description: format!(
                "The columns of the event types {}.*, joined to events by event_id.",
                self.namespace
            ),
            columns: key_columns().into_iter().chain(details).collect(),
            events: self.events,
            breaks: Vec::new(),
        };
        (table, self.conflicts)
    }
}

/// A column in the making: who declared it first, and how many declare it.
struct Merged {
    column: TableColumn,
    source: Source,
    declared: usize,
    fields: Vec<Merged>,
}

impl Merged {
    fn new(field: &FieldSchema, place: &mut Place) -> Self {
        let mut fields = Vec::new();
        place.nested(field.name, |place| place.union(&mut fields, field.fields));
        Self {
            column: declared(field),
            source: place.source,
            declared: 1,
            fields,
        }
    }

    fn add(&mut self, field: &FieldSchema, place: &mut Place) {
        let repeated = |mode| mode == Mode::Repeated;
        let same = self.column.column_type == field.column_type
            && repeated(self.column.mode) == repeated(field.mode)
            && self.column.name == field.name
            && limits(&self.column) == field.limits
            && self.column.policy_tag.as_deref() == field.policy_tag;
        if !same {
            return place.conflict(self, field);
        }
        self.declared += 1;
        if field.mode == Mode::Nullable {
            self.column.mode = Mode::Nullable;
        }
        self.column.description = combined(&self.column.description, &description(field));
        place.nested(field.name, |place| {
            place.union(&mut self.fields, field.fields);
        });
    }

    /// A column that one of the `writers` of its table or record leaves out cannot be REQUIRED.
    fn finish(self, writers: usize) -> TableColumn {
        let mut column = self.column;
        if column.mode == Mode::Required && self.declared < writers {
            column.mode = Mode::Nullable;
        }
        column.fields = self
            .fields
            .into_iter()
            .map(|field| field.finish(self.declared))
            .collect();
        column
    }
}

/// Where in the declarations a merge is.
struct Place {
    source: Source,
    path: String,
    conflicts: Vec<Conflict>,
}

impl Place {
    fn union(&mut self, columns: &mut Vec<Merged>, fields: &'static [FieldSchema]) {
        for field in fields {
            match columns
                .iter_mut()
                .find(|known| known.column.name.eq_ignore_ascii_case(field.name))
            {
                Some(known) => known.add(field, self),
                None => columns.push(Merged::new(field, self)),
            }
        }
    }

    fn nested(&mut self, name: &str, merge: impl FnOnce(&mut Self)) {
        let outer = self.path.len();
        self.path.push('.');
        self.path.push_str(name);
        merge(self);
        self.path.truncate(outer);
    }

    fn conflict(&mut self, known: &Merged, field: &FieldSchema) {
        let column = &known.column;
        self.conflicts.push(Conflict {
            subject: format!("{}.{}", self.path, column.name),
            kind: Kind::Column,
            first: Declaration::at(known.source, spelled(column)),
            second: Declaration::at(self.source, spelled(&declared(field))),
        });
    }
}

/// The column of a field, but for the columns in it.
fn declared(field: &FieldSchema) -> TableColumn {
    TableColumn {
        name: field.name.to_owned(),
        column_type: field.column_type,
        mode: field.mode,
        description: description(field),
        max_length: field.limits.max_length,
        precision: field.limits.precision,
        scale: field.limits.scale,
        default: None,
        policy_tag: field.policy_tag.map(str::to_owned),
        no_longer_sent: false,
        fields: Vec::new(),
    }
}

fn limits(column: &TableColumn) -> Limits {
    Limits {
        max_length: column.max_length,
        precision: column.precision,
        scale: column.scale,
    }
}

/// The name, since its case counts, with its type.
pub(crate) fn spelled(column: &TableColumn) -> String {
    let repeated = if column.mode == Mode::Repeated {
        "REPEATED "
    } else {
        ""
    };
    let tag = column
        .policy_tag
        .as_ref()
        .map_or_else(String::new, |tag| format!(" with the policy tag {tag}"));
    format!("`{}` {repeated}{}{tag}", column.name, column.type_name())
}

fn description(field: &FieldSchema) -> String {
    [field.description, field.type_description]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What stands between the descriptions that several declarations give one column.
const BETWEEN: &str = " / ";

/// Both descriptions, each part once, in order.
pub(crate) fn combined(one: &str, other: &str) -> String {
    let mut parts: Vec<&str> = one.split(BETWEEN).filter(|part| !part.is_empty()).collect();
    for part in other.split(BETWEEN).filter(|part| !part.is_empty()) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(BETWEEN)
}
