//! What is to be done so that a dataset has the tables of a catalog, and what is refused. No I/O.
//!
//! What BigQuery takes by its API is done: <https://cloud.google.com/bigquery/docs/managing-table-schemas>. How a table
//! that is there is clustered, partitioned and labelled is its owner's.

use std::collections::BTreeMap;

use logeater_schema::{Catalog, Change, TableSchema};
use serde::Serialize;

use super::client::Target;
use super::table::{Field, Table, TableReference, columns, grown};
use super::views::{View, views};

/// What a catalog wants of a dataset.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    target: &'a Target,
    catalog: &'a Catalog,
    options: Options,
}

/// What is wanted beside the tables.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// The views.
    pub(crate) views: bool,
    /// That policy tags go which the catalog does not have.
    pub(crate) untag: bool,
}

/// One thing that a dataset should have.
#[derive(Clone, Debug)]
pub(crate) enum Item<'a> {
    Table(&'a TableSchema),
    View(View),
}

/// What there is in a dataset: nothing if it is not there itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    pub(crate) is_there: bool,
    pub(crate) tables: BTreeMap<String, Table>,
}

/// What is to be done with one thing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dataset,
    Table,
    View,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// It is made.
    Add(Box<Table>),
    /// It is changed, unless somebody has changed it since.
    Change {
        etag: String,
        change: Box<Table>,
        /// None for a view, whose query is another one.
        changes: Vec<Change>,
    },
    /// Nothing of it is changed.
    Refuse(Vec<Refusal>),
}

/// What is not done, and what a person could do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Refusal {
    pub(crate) reason: String,
    /// None where no statement can.
    pub(crate) statements: Vec<String>,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Table => "table",
            Self::View => "view",
        }
    }
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(target: &'a Target, catalog: &'a Catalog, options: Options) -> Self {
        Self {
            target,
            catalog,
            options,
        }
    }

    /// The tables, then the views, which need them.
    pub(crate) fn items(&self) -> Vec<Item<'a>> {
        let Target {
            project, dataset, ..
        } = self.target;
        let views = if self.options.views {
            views(self.catalog, project, dataset)
        } else {
            Vec::new()
        };
        let tables = self.catalog.tables().map(Item::Table);
        tables.chain(views.into_iter().map(Item::View)).collect()
    }

    /// What a step of a plan is of; `None` for the dataset.
    pub(crate) fn item(&self, step: &Step) -> Option<Item<'a>> {
        let is_it = |item: &Item<'_>| item.kind() == step.kind && item.name() == step.name;
        self.items().into_iter().find(is_it)
    }

    /// All that is to be done.
    pub(crate) fn plan(&self, live: &Live) -> Vec<Step> {
        let dataset = (!live.is_there).then(|| Step {
            kind: Kind::Dataset,
            name: self.target.dataset.clone(),
            action: Action::Add(Box::default()),
        });
        let items = self.items();
        let steps = items
            .iter()
            .filter_map(|item| self.step(item, live.tables.get(item.name())));
        dataset.into_iter().chain(steps).collect()
    }

    /// What is to be done with one thing; `None` if it is as it should be.
    pub(crate) fn step(&self, item: &Item<'_>, live: Option<&Table>) -> Option<Step> {
        let action = match item {
            Item::Table(table) => self.table(table, live),
            Item::View(view) => self.view(view, live),
        };
        action.map(|action| Step {
            kind: item.kind(),
            name: item.name().to_owned(),
            action,
        })
    }

    fn table(&self, table: &TableSchema, live: Option<&Table>) -> Option<Action> {
        let wanted = match Field::of(table) {
            Ok(wanted) => wanted,
            Err(error) => return Some(refused(error.to_string())),
        };
        let Some(live) = live else {
            let made = Table::new(self.reference(&table.name), table, wanted);
            return Some(Action::Add(Box::new(made)));
        };
        match live.kind.as_deref() {
            None | Some("TABLE") => self.growth(table, live, &wanted),
            Some(kind) => Some(refused(format!(
                "`{}` is there, and is a {kind}: rename it or drop it, or choose another dataset",
                table.name
            ))),
        }
    }

    fn growth(&self, table: &TableSchema, live: &Table, wanted: &[Field]) -> Option<Action> {
        let foreign = foreign(&table.name, live.fields(), wanted);
        if !foreign.is_empty() {
            return Some(Action::Refuse(foreign));
        }
        let fields = grown(live.fields(), wanted, self.options.untag);
        let description = match table.bigquery_description() {
            "" => live.description.clone().unwrap_or_default(),
            description => description.to_owned(),
        };
        let is_described = description == live.description.as_deref().unwrap_or_default();
        let is_grown = fields != live.fields();
        let changes = self.changes(table, live, &fields, description.clone());
        if changes.is_empty() {
            return None;
        }
        if changes.iter().any(Change::is_breaking) {
            let breaking = changes.into_iter().filter(Change::is_breaking);
            return Some(Action::Refuse(breaking.map(Refusal::of).collect()));
        }
        let change = Table {
            description: (!is_described).then_some(description),
            schema: is_grown.then(|| live.schema_of(fields)),
            ..Table::default()
        };
        Some(Action::Change {
            etag: etag(live),
            change: Box::new(change),
            changes,
        })
    }

    /// The changes by their rules, with statements for the table where it is.
    fn changes(
        &self,
        table: &TableSchema,
        live: &Table,
        fields: &[Field],
        description: String,
    ) -> Vec<Change> {
        // The event types name the Rust types, and do not change.
        let mut old = table.clone();
        old.columns = columns(live.fields());
        old.description = live.description.clone().unwrap_or_default();
        let mut new = table.clone();
        new.columns = columns(fields);
        new.description = description;
        let mut changes = old.changes_to(&new);
        for statement in changes.iter_mut().flat_map(|change| &mut change.statements) {
            let Target {
                project, dataset, ..
            } = self.target;
            // The table's name comes first in each.
            *statement = statement.replacen("`logeater`", &format!("`{project}`.`{dataset}`"), 1);
        }
        changes
    }

    fn view(&self, view: &View, live: Option<&Table>) -> Option<Action> {
        let View {
            name,
            description,
            query,
        } = view;
        let reference = self.reference(name);
        if self.catalog.table(name).is_some() {
            return Some(refused(format!("the catalog has a table `{name}`")));
        }
        let Some(live) = live else {
            let made = Table::view(reference, description, query.clone());
            return Some(Action::Add(Box::new(made)));
        };
        match &live.view {
            Some(view) if view.query == *query => None,
            Some(_) if live.is_ours() => Some(Action::Change {
                etag: etag(live),
                change: Box::new(Table {
                    reference: None,
                    ..Table::view(reference, description, query.clone())
                }),
                changes: Vec::new(),
            }),
            _ => Some(refused(format!(
                "`{name}` is there, and logeater has not made it: rename it or drop it"
            ))),
        }
    }

    fn reference(&self, table: &str) -> TableReference {
        TableReference {
            project: self.target.project.clone(),
            dataset: self.target.dataset.clone(),
            table: table.to_owned(),
        }
    }
}

impl Item<'_> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::View(view) => &view.name,
        }
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::Table(_) => Kind::Table,
            Self::View(_) => Kind::View,
        }
    }
}

impl Refusal {
    fn of(change: Change) -> Self {
        Self {
            reason: change.to_string(),
            statements: change.statements,
        }
    }
}

fn refused(reason: String) -> Action {
    Action::Refuse(vec![Refusal {
        reason,
        statements: Vec::new(),
    }])
}

/// What is there always has one; without it any version is meant.
fn etag(live: &Table) -> String {
    live.etag.clone().unwrap_or_else(|| "*".to_owned())
}

/// Columns whose type the catalog never has, where it has another one.
fn foreign(path: &str, live: &[Field], wanted: &[Field]) -> Vec<Refusal> {
    let mut found = Vec::new();
    for wanted in wanted {
        let Some(live) = live.iter().find(|live| live.has_name_of(wanted)) else {
            continue;
        };
        let path = format!("{path}.{}", wanted.name);
        if live.has_known_type() {
            found.extend(foreign(&path, &live.fields, &wanted.fields));
        } else {
            let (is, wanted) = (&live.type_name, &wanted.type_name);
            found.push(Refusal {
                reason: format!(
                    "column `{path}` is {is}, and the catalog has {wanted}: a column keeps its type; declare one of \
                     another name"
                ),
                statements: Vec::new(),
            });
        }
    }
    found
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
