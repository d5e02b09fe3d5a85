//! How two catalogs differ: each difference by name, with its class and the statement that would make it.

use std::collections::BTreeSet;

use crate::change::{Change, Rule, Subject};
use crate::derived::COLUMNS_MAX;
use crate::table::ByName;
use crate::{
    ApprovedBreak, Catalog, Mode, TableColumn, TableEvent, TableSchema, bigquery, statements,
};

impl Catalog {
    /// What makes this catalog the other one, table by table, columns before event types.
    ///
    /// Both are taken as they stand: a column that the other one lacks is a removal, where
    /// [`grown_by`](Self::grown_by) keeps it.
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let names: BTreeSet<&str> = [self, new]
            .into_iter()
            .flat_map(|catalog| catalog.tables().map(|table| table.name.as_str()))
            .collect();
        let mut changes: Vec<_> = names
            .into_iter()
            .flat_map(|name| table_changes(self.table(name), new.table(name)))
            .collect();
        name_renamed_event_types(&mut changes);
        changes
    }
}

impl TableSchema {
    /// What makes this table the other one, which has the same name.
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        table_changes(Some(self), Some(new))
    }
}

fn table_changes(old: Option<&TableSchema>, new: Option<&TableSchema>) -> Vec<Change> {
    let Some(table) = new.or(old) else {
        return Vec::new();
    };
    let mut changes = Changes {
        table,
        found: Vec::new(),
    };
    match (old, new) {
        (Some(old), Some(new)) => changes.of_table(old, new),
        (None, Some(new)) => {
            let change = changes.add(Rule::NewTable, Subject::Table, "", "");
            change.statements = statements::create_table(new);
            changes.of_events(&[], &new.events);
        }
        (Some(old), None) => {
            let change = changes.add(Rule::TableRemoved, Subject::Table, "", "");
            "a table stays, for the rows that it has; keep its file".clone_into(&mut change.advice);
            change.statements = statements::drop_table(old);
        }
        (None, None) => {}
    }
    changes.of_width(old, new);
    for change in &mut changes.found {
        let known = reasons(old, change);
        let mut new = reasons(new, change).into_iter();
        change.approved = new.find(|reason| !known.contains(reason));
    }
    changes.found
}

/// The reasons that a table's breaks give for a change.
fn reasons(table: Option<&TableSchema>, change: &Change) -> Vec<String> {
    let breaks = table.map_or(&[][..], |table| &table.breaks);
    let is_of = |made: &&ApprovedBreak| {
        (made.column.as_deref(), &*made.rule) == (change.column(), change.rule.name())
            && (&made.old, &made.new) == (&change.old, &change.new)
    };
    let breaks = breaks.iter().filter(is_of);
    breaks.map(|made| made.reason.clone()).collect()
}

/// The changes of one table, which is the new one unless it is gone.
struct Changes<'a> {
    table: &'a TableSchema,
    found: Vec<Change>,
}

impl Changes<'_> {
    fn add(&mut self, rule: Rule, subject: Subject, old: &str, new: &str) -> &mut Change {
        let rust_types = match &subject {
            Subject::Column(path) => self
                .table
                .writers(path.split('.').next().unwrap_or_default()),
            Subject::Table | Subject::EventType(_) => Vec::new(),
        };
        let at = self.found.len();
        self.found.push(Change {
            rule,
            table: self.table.name.clone(),
            subject,
            old: old.to_owned(),
            new: new.to_owned(),
            rust_types,
            advice: String::new(),
            approved: None,
            statements: Vec::new(),
        });
        &mut self.found[at]
    }

    fn of_table(&mut self, old: &TableSchema, new: &TableSchema) {
        if old.description != new.description {
            let (was, is) = (&old.description, &new.description);
            let change = self.add(Rule::Description, Subject::Table, was, is);
            change.statements = statements::describe_table(new);
        }
        self.of_columns(&[], &old.columns, &new.columns);
        self.of_events(&old.events, &new.events);
    }

    fn of_columns(&mut self, outer: &[&str], old: &[TableColumn], new: &[TableColumn]) {
        let (of_old, of_new) = (ByName::of(old), ByName::of(new));
        for old in old {
            let path = [outer, &[old.name.as_str()]].concat();
            match of_new.like(old) {
                Some(new) => self.of_column(&path, old, new),
                None => self.of_removed(&path, old),
            }
        }
        for new in new.iter().filter(|new| of_old.like(new).is_none()) {
            self.of_new(&[outer, &[new.name.as_str()]].concat(), new);
        }
    }

    fn of_removed(&mut self, path: &[&str], old: &TableColumn) {
        let change = self.add(Rule::ColumnRemoved, column(path), &spelled(old), "");
        change.advice = format!(
            "a column stays, for the rows that have it; keep it in the file{}",
            unless_top_level(path)
        );
        change.statements = statements::drop_column(&change.table, path);
    }

    fn of_new(&mut self, path: &[&str], new: &TableColumn) {
        let (rule, advice) = match (new.mode, &new.default) {
            (Mode::Required, _) => (
                Rule::NewRequiredColumn,
                "the rows that are there have no value for it; remove `required`",
            ),
            (_, Some(_)) => (
                Rule::NewColumnWithDefault,
                "BigQuery takes the column first, and its default in a second step",
            ),
            _ => (Rule::NewColumn, ""),
        };
        let change = self.add(rule, column(path), "", &spelled(new));
        let advice = [advice, cut(new)]
            .into_iter()
            .filter(|part| !part.is_empty());
        change.advice = advice.collect::<Vec<_>>().join("; ");
        change.statements = statements::add_column(&change.table, path, new);
    }

    fn of_column(&mut self, path: &[&str], old: &TableColumn, new: &TableColumn) {
        if old.name != new.name {
            let change = self.add(Rule::ColumnRenamed, column(path), &old.name, &new.name);
            change.advice = format!(
                "case counts, and a column keeps its name; spell it `{}`{}",
                old.name,
                unless_top_level(path)
            );
            change.statements = statements::rename_column(&change.table, path, &new.name);
        }
        self.of_type(path, old, new);
        if old.default != new.default {
            let of = |column: &TableColumn| column.default.clone().unwrap_or_default();
            let change = self.add(Rule::Default, column(path), &of(old), &of(new));
            change.statements = statements::set_default(&change.table, path, new);
        }
        if old.description != new.description {
            let (was, is) = (&old.description, &new.description);
            let change = self.add(Rule::Description, column(path), was, is);
            cut(new).clone_into(&mut change.advice);
            change.statements = statements::describe_column(&change.table, path, new);
        }
        self.of_policy_tag(path, old, new);
        match (old.no_longer_sent, new.no_longer_sent) {
            (false, true) => drop(self.add(Rule::NoLongerSent, column(path), "", "")),
            (true, false) => drop(self.add(Rule::SentAgain, column(path), "", "")),
            _ => {}
        }
        self.of_columns(path, &old.fields, &new.fields);
    }

    fn of_type(&mut self, path: &[&str], old: &TableColumn, new: &TableColumn) {
        let is_repeated = |column: &TableColumn| column.mode == Mode::Repeated;
        let was = spelled(old);
        let (rule, advice) = if old.type_name() != new.type_name() {
            let keep = format!("a column keeps its type; go back to {was}");
            (Rule::Type, keep + ", or declare one of another name")
        } else if is_repeated(old) != is_repeated(new) {
            let keep = format!("one value does not become many, nor many one; go back to {was}");
            (Rule::Repeated, keep + ", or declare one of another name")
        } else if old.mode == Mode::Nullable && new.mode == Mode::Required {
            let advice = "a column that may be NULL cannot become REQUIRED; remove `required`";
            (Rule::Required, advice.to_owned())
        } else if old.mode == Mode::Required && new.mode == Mode::Nullable {
            (Rule::Relaxed, String::new())
        } else {
            return;
        };
        let change = self.add(rule, column(path), &was, &spelled(new));
        change.advice = advice;
        change.statements = statements::alter_type(&change.table, path, old, new);
        if change.is_breaking() && change.statements.is_empty() {
            change.advice += "; no statement makes this change";
        }
    }

    fn of_policy_tag(&mut self, path: &[&str], old: &TableColumn, new: &TableColumn) {
        let tag = |column: &TableColumn| column.policy_tag.clone().unwrap_or_default();
        let (was, is) = (tag(old), tag(new));
        let (rule, advice) = match (was.is_empty(), is.is_empty()) {
            _ if was == is => return,
            (true, _) => (Rule::PolicyTagAdded, ""),
            (_, true) => (
                Rule::PolicyTagRemoved,
                "BigQuery keeps a tag that the schema file does not name; to remove it, `bq update` with \
                 \"policyTags\": {\"names\": []} in this column",
            ),
            _ => (Rule::PolicyTagChanged, "others may read it from now on"),
        };
        let change = self.add(rule, column(path), &was, &is);
        advice.clone_into(&mut change.advice);
    }

    fn of_events(&mut self, old: &[TableEvent], new: &[TableEvent]) {
        let sent = |events: &[TableEvent], name: &str| {
            let event = events.iter().find(|event| event.name == name);
            event.map(|event| !event.no_longer_sent)
        };
        for event in old {
            let rule = match (!event.no_longer_sent, sent(new, &event.name)) {
                (true, None | Some(false)) => Rule::EventTypeRemoved,
                (false, Some(true)) => Rule::SentAgain,
                _ => continue,
            };
            self.of_event(rule, event);
        }
        for event in new {
            if sent(old, &event.name).is_none() {
                self.of_event(Rule::NewEventType, event);
            }
        }
    }

    fn of_event(&mut self, rule: Rule, event: &TableEvent) {
        let change = self.add(rule, Subject::EventType(event.name.clone()), "", "");
        change.rust_types = vec![event.rust_type.clone()];
        if rule == Rule::EventTypeRemoved {
            "its rows stay, and no new ones come; who counts them should know"
                .clone_into(&mut change.advice);
        }
    }

    /// A table that has become too wide, or begins so.
    fn of_width(&mut self, old: Option<&TableSchema>, new: Option<&TableSchema>) {
        let width = |table: Option<&TableSchema>| table.map_or(0, |table| count(&table.columns));
        let (was, is) = (width(old), width(new));
        // One that was too wide before can be used no worse now, and its old columns cannot go.
        if is <= COLUMNS_MAX.max(was) {
            return;
        }
        let rule = Rule::TooManyColumns;
        let writers = self
            .table
            .events
            .iter()
            .filter(|event| !event.columns.is_empty());
        let rust_types = writers.map(|event| event.rust_type.clone()).collect();
        let change = self.add(rule, Subject::Table, &was.to_string(), &is.to_string());
        change.rust_types = rust_types;
        change.advice = format!(
            "BigQuery takes {COLUMNS_MAX}, those in RECORDs and those no longer sent included; give some event types \
             another namespace, or make fields one column with `json`"
        );
    }
}

/// An event type that goes while its Rust type comes with another one has probably been renamed or moved.
fn name_renamed_event_types(changes: &mut [Change]) {
    let of = |rule: Rule, changes: &[Change]| -> Vec<(usize, String)> {
        let found = changes.iter().enumerate();
        let found = found.filter(|(_, change)| change.rule == rule);
        found
            .map(|(at, change)| (at, change.rust_types.concat()))
            .collect()
    };
    let (gone, new) = (
        of(Rule::EventTypeRemoved, changes),
        of(Rule::NewEventType, changes),
    );
    for (at, rust_type) in &gone {
        let same = |list: &[(usize, String)]| -> Vec<usize> {
            let same = list.iter().filter(|(_, other)| other == rust_type);
            same.map(|(at, _)| *at).collect()
        };
        // The variants of an enum share a Rust type: of several, nobody knows which became which.
        if let ([_], &[successor]) = (&*same(&gone), &*same(&new)) {
            let Subject::EventType(name) = changes[successor].subject.clone() else {
                continue;
            };
            let old = &mut changes[*at];
            old.rule = Rule::EventTypeRenamed;
            old.new = name;
            "its rows keep the old name; who counts them has to ask for both"
                .clone_into(&mut old.advice);
        }
    }
}

/// A warning where a description is longer than BigQuery takes it.
fn cut(column: &TableColumn) -> &'static str {
    if bigquery::is_cut(column) {
        "BigQuery takes 1,024 characters of a description, and the files for it have the first"
    } else {
        ""
    }
}

fn column(path: &[&str]) -> Subject {
    Subject::Column(path.join("."))
}

fn unless_top_level(path: &[&str]) -> &'static str {
    if path.len() == 1 {
        ""
    } else {
        "; no statement makes this change inside a RECORD"
    }
}

fn count(columns: &[TableColumn]) -> usize {
    let nested = columns.iter().map(|column| count(&column.fields));
    columns.len() + nested.sum::<usize>()
}

fn spelled(column: &TableColumn) -> String {
    let default = column.default.as_ref();
    let default = default.map_or_else(String::new, |default| format!(" DEFAULT {default}"));
    format!("{} {}{default}", column.mode.name(), column.type_name())
}
