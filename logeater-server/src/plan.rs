//! How details become rows: for each event type of the catalog its columns, by place and by name.

use std::collections::HashMap;
use std::sync::Arc;

use logeater_schema::{ColumnType, EVENTS_TABLE, Mode, TableColumn, TableEvent, TableSchema};

use crate::limits::Limits;
use crate::store::sql;

/// What the catalog knows, ready for every entry that comes.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    types: Vec<TypePlan>,
    places: HashMap<String, usize>,
}

/// Columns that the store keeps as another type than the catalog's: by table and lowercase name, the
/// store's type.
pub(crate) type KeptTypes = HashMap<(String, String), String>;

/// One event type that has columns.
#[derive(Debug)]
pub(crate) struct TypePlan {
    /// The extended table.
    pub(crate) table: String,
    /// The columns of the table, those that the type declares first.
    pub(crate) columns: Columns,
    /// Inserts a row of the type's own columns.
    pub(crate) insert_own: String,
    /// Inserts a row of all columns: an older or newer sender's may be another's of the same table.
    pub(crate) insert_all: String,
}

/// The columns of a table as one event type sees them, or the fields of a RECORD.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    list: Vec<Arc<ColumnPlan>>,
    own: usize,
    places: HashMap<String, usize>,
    required: Vec<usize>,
}

/// One column, or one field of a RECORD.
#[derive(Debug)]
pub(crate) struct ColumnPlan {
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    pub(crate) mode: Mode,
    /// Its type for a person, with its limits.
    pub(crate) wanted: String,
    /// What its values are held to beside their type.
    pub(crate) limits: Limits,
    /// The fields of a RECORD.
    pub(crate) fields: Columns,
    /// The store's type, where it is not the catalog's.
    pub(crate) kept_as: Option<String>,
}

impl Plan {
    pub(crate) fn new<'a>(
        tables: impl IntoIterator<Item = &'a TableSchema>,
        kept: &KeptTypes,
    ) -> Self {
        let mut plan = Self::default();
        for table in tables
            .into_iter()
            .filter(|table| table.name != EVENTS_TABLE)
        {
            plan.add_table(table, kept);
        }
        plan
    }

    /// An event type that has columns, and its place.
    pub(crate) fn find(&self, event_type: &str) -> Option<(usize, &TypePlan)> {
        let place = *self.places.get(event_type)?;
        Some((place, self.types.get(place)?))
    }

    /// The event type at a place that [`find`](Self::find) gave.
    pub(crate) fn get(&self, place: usize) -> Option<&TypePlan> {
        self.types.get(place)
    }

    /// The tables of the event types that have columns, in their order.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        let tables = self.types.iter().map(|event_type| &*event_type.table);
        tables
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
    }

    /// How many event types have columns.
    pub(crate) fn len(&self) -> usize {
        self.types.len()
    }

    fn add_table(&mut self, table: &TableSchema, kept: &KeptTypes) {
        let columns: Vec<_> = table
            .details_columns()
            .map(|column| {
                let key = (table.name.clone(), column.name.to_ascii_lowercase());
                Arc::new(ColumnPlan {
                    kept_as: kept.get(&key).cloned(),
                    ..ColumnPlan::new(column)
                })
            })
            .collect();
        for event in table
            .events
            .iter()
            .filter(|event| !event.columns.is_empty())
        {
            self.places.insert(event.name.clone(), self.types.len());
            self.types.push(TypePlan::new(&table.name, &columns, event));
        }
    }
}

impl TypePlan {
    fn new(table: &str, columns: &[Arc<ColumnPlan>], event: &TableEvent) -> Self {
        let columns = Columns::new(columns, &event.columns);
        Self {
            table: table.to_owned(),
            insert_own: sql::insert_extended(table, columns.names().take(columns.own)),
            insert_all: sql::insert_extended(table, columns.names()),
            columns,
        }
    }
}

impl Columns {
    /// The columns of a table or the fields of a RECORD, in their order.
    pub(crate) fn in_order(columns: &[TableColumn]) -> Self {
        let plans: Vec<_> = columns
            .iter()
            .map(|column| Arc::new(ColumnPlan::new(column)))
            .collect();
        let names: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
        Self::new(&plans, &names)
    }

    /// Places the columns that `own` names before the others.
    fn new(columns: &[Arc<ColumnPlan>], own: &[String]) -> Self {
        let (mut list, others): (Vec<_>, Vec<_>) = columns.iter().cloned().partition(|column| {
            own.iter()
                .any(|name| name.eq_ignore_ascii_case(&column.name))
        });
        // Fields arrive in the order of their declaration, so that the next place is the first guess.
        list.sort_by_key(|column| {
            own.iter()
                .position(|name| name.eq_ignore_ascii_case(&column.name))
        });
        let own = list.len();
        list.extend(others);
        let places = list
            .iter()
            .enumerate()
            .map(|(place, column)| (column.name.to_ascii_lowercase(), place))
            .collect();
        let required = (0..list.len())
            .filter(|&place| list[place].mode == Mode::Required)
            .collect();
        Self {
            list,
            own,
            places,
            required,
        }
    }

    /// The place of a key, whose case does not count; `guess` is tried first.
    pub(crate) fn place(&self, key: &str, guess: usize) -> Option<usize> {
        match self.list.get(guess) {
            // Nearly every key is written as its column is, which costs less to see.
            Some(column) if column.name == key || column.name.eq_ignore_ascii_case(key) => {
                Some(guess)
            }
            _ => self.places.get(&key.to_ascii_lowercase()).copied(),
        }
    }

    pub(crate) fn get(&self, place: usize) -> Option<&ColumnPlan> {
        self.list.get(place).map(Arc::as_ref)
    }

    /// How many of the columns the event type declares.
    pub(crate) fn own(&self) -> usize {
        self.own
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The places of the columns that every row must fill.
    pub(crate) fn required(&self) -> &[usize] {
        &self.required
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|column| column.name.as_str())
    }
}

impl ColumnPlan {
    pub(crate) fn new(column: &TableColumn) -> Self {
        Self {
            name: column.name.clone(),
            column_type: column.column_type,
            mode: column.mode,
            wanted: with_mode(&column.type_name(), column.mode),
            limits: Limits::of(column),
            fields: Columns::in_order(&column.fields),
            kept_as: None,
        }
    }
}

/// What the store remembers of a column: its type, and whether it repeats.
pub(crate) fn type_name(column_type: ColumnType, mode: Mode) -> String {
    with_mode(column_type.name(), mode)
}

fn with_mode(name: &str, mode: Mode) -> String {
    match mode {
        Mode::Repeated => format!("REPEATED {name}"),
        _ => name.to_owned(),
    }
}
