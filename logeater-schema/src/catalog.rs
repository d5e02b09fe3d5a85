//! The catalog: every event type and table that a program declares, or that a folder of schemas holds.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::merge::{self, Conflict};
#[cfg(feature = "catalog")]
use crate::table::ApprovedBreak;
use crate::{Event, EventType, TableEvent, TableSchema, catalog_file, events_table};

/// All tables, the events table among them, in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    declared: BTreeMap<&'static str, &'static EventType>,
    tables: BTreeMap<String, TableSchema>,
    conflicts: Vec<Conflict>,
}

impl Catalog {
    /// The events table alone.
    #[must_use]
    pub fn new() -> Self {
        Self::of_tables([])
    }

    /// Every event that the program's code derives, but for generic ones.
    ///
    /// A crate's events are among them only if the program names the crate: `use my_events as _;`.
    #[cfg(feature = "catalog")]
    #[must_use]
    pub fn registered() -> Self {
        Self::new().declare(crate::registered::registered_events())
    }

    /// Adds the event types of `E`, for generic events and for platforms without registration.
    ///
    /// Tables are made anew from all that was added: for a catalog that was read, use
    /// [`grown_by`](Self::grown_by).
    #[must_use]
    pub fn with<E: Event>(self) -> Self {
        self.declare(E::TYPES)
    }

    /// Reads a folder of schemas: the files in its `catalog` folder.
    ///
    /// `path` may also be that inner folder, or one of its files.
    ///
    /// # Errors
    ///
    /// When there are no such files, or one is not in the catalog's format; the message names the file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, CatalogError> {
        catalog_file::read(path.as_ref()).map(Self::of_tables)
    }

    /// All tables, in the order of their names.
    pub fn tables(&self) -> impl Iterator<Item = &TableSchema> {
        self.tables.values()
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.tables.get(name)
    }

    /// Every event type with the extended table that it writes to.
    pub fn events(&self) -> impl Iterator<Item = (&TableSchema, &TableEvent)> {
        self.tables()
            .flat_map(|table| table.events.iter().map(move |event| (table, event)))
    }

    /// What the code declares twice in ways that exclude each other. With any, the tables are incomplete.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// The breaking changes that were approved, each with its table.
    #[cfg(feature = "catalog")]
    pub(crate) fn breaks(&self) -> impl Iterator<Item = (&str, &ApprovedBreak)> {
        self.tables()
            .flat_map(|table| table.breaks.iter().map(|made| (table.name.as_str(), made)))
    }

    #[cfg(feature = "catalog")]
    pub(crate) fn table_mut(&mut self, name: &str) -> Option<&mut TableSchema> {
        self.tables.get_mut(name)
    }

    pub(crate) fn of_tables(tables: impl IntoIterator<Item = TableSchema>) -> Self {
        let own = [events_table()].into_iter().chain(tables);
        Self {
            declared: BTreeMap::new(),
            tables: own.map(|table| (table.name.clone(), table)).collect(),
            conflicts: Vec::new(),
        }
    }

    /// Merges anew from all that was declared, so that the order of declaration does not matter.
    fn declare(mut self, types: impl IntoIterator<Item = &'static EventType>) -> Self {
        for event_type in types {
            match self.declared.get(event_type.name) {
                // Instances of a generic type share a source, and may differ all the same.
                Some(other) if *other != event_type => {
                    self.conflicts
                        .push(Conflict::of_event_types(other, event_type));
                }
                _ => drop(self.declared.insert(event_type.name, event_type)),
            }
        }
        self.conflicts.retain(Conflict::is_of_event_types);
        let (tables, conflicts) = merge::tables(self.declared.values().copied());
        self.conflicts.extend(conflicts);
        self.tables
            .extend(tables.into_iter().map(|table| (table.name.clone(), table)));
        self
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::new()
    }
}

/// A catalog that cannot be read, or not be grown.
#[derive(Debug)]
#[non_exhaustive]
pub enum CatalogError {
    /// There is no catalog at this path.
    Missing(PathBuf),
    /// The file or folder cannot be read or written.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not in the catalog's format.
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => {
                write!(
                    f,
                    "no catalog at {}: expected a folder with catalog/<table>.json files, as a test with \
                     assert_catalog_current! writes it",
                    path.display()
                )
            }
            Self::Io { path, .. } => write!(f, "cannot read or write {}", path.display()),
            Self::Format { path, reason } => {
                write!(f, "{} is not a catalog file: {reason}", path.display())
            }
        }
    }
}

impl Error for CatalogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
