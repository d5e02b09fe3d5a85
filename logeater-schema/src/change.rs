//! What a change of a table is called, how bad it is, and how a person is told of it.

use std::fmt;

/// One difference between two catalogs.
///
/// <https://cloud.google.com/bigquery/docs/managing-table-schemas>
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Which kind of change it is; its [`class`](Rule::class) says how bad.
    pub rule: Rule,
    /// The table.
    pub table: String,
    /// What in the table.
    pub subject: Subject,
    /// What there was; empty where there was nothing.
    pub old: String,
    /// What there is; empty where there is nothing.
    pub new: String,
    /// The Rust types that declare it.
    pub rust_types: Vec<String>,
    /// What to do instead, or what follows from it; empty where nothing needs to be said.
    pub advice: String,
    /// Why it was approved, if the new catalog says so and the old one does not yet.
    pub approved: Option<String>,
    /// The SQL that a person could run to make the same change in BigQuery; none where no statement can.
    ///
    /// Statements that alter the type of a column, rename or drop it fail while rows are in the streaming
    /// buffer, and the table is the one of the dataset `logeater`.
    pub statements: Vec<String>,
}

/// What a change is of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// The table itself.
    Table,
    /// A column by its path in the table, such as `shipping.zip`.
    Column(String),
    /// An event type by its name, such as `cart.add`.
    EventType(String),
}

/// How bad a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// BigQuery makes it, and old rows mean what they meant.
    Safe,
    /// The table can hold it, but those who read it should know.
    Warn,
    /// BigQuery refuses it, or old rows would have another meaning.
    Breaking,
}

impl Class {
    /// `safe`, `warn` or `breaking`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Warn => "warn",
            Self::Breaking => "breaking",
        }
    }
}

/// The kinds of changes, each with its name and its class.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $name:literal $class:ident,)*) => {
        /// A kind of change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$rule,)*];

            /// The name, such as `new_column`: what `allow.toml` and JSON have.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            /// How bad a change of this kind is.
            #[must_use]
            pub const fn class(self) -> Class {
                match self {
                    $(Self::$rule => Class::$class,)*
                }
            }
        }
    };
}

rules! {
    /// A table that was not there.
    NewTable "new_table" Safe,
    /// A table that is gone.
    TableRemoved "table_removed" Breaking,
    /// A table of more columns than BigQuery takes.
    TooManyColumns "too_many_columns" Breaking,
    /// A NULLABLE or REPEATED column that was not there.
    NewColumn "new_column" Safe,
    /// A REQUIRED column that was not there.
    NewRequiredColumn "new_required_column" Breaking,
    /// A column with a default that was not there.
    NewColumnWithDefault "new_column_with_default" Breaking,
    /// A column that is gone.
    ColumnRemoved "column_removed" Breaking,
    /// A column of another spelling.
    ColumnRenamed "column_renamed" Breaking,
    /// A column of another type, of a wider one too.
    Type "type" Breaking,
    /// A column that was one value and is many, or the other way.
    Repeated "repeated" Breaking,
    /// A NULLABLE column that is REQUIRED now.
    Required "required" Breaking,
    /// A REQUIRED column that is NULLABLE now.
    Relaxed "relaxed" Safe,
    /// Another default of a column.
    Default "default" Safe,
    /// Another description.
    Description "description" Safe,
    /// A policy tag where none was.
    PolicyTagAdded "policy_tag_added" Safe,
    /// Another policy tag.
    PolicyTagChanged "policy_tag_changed" Warn,
    /// A policy tag that is gone.
    PolicyTagRemoved "policy_tag_removed" Warn,
    /// A column that stays, and that code no longer fills.
    NoLongerSent "no_longer_sent" Safe,
    /// A column or event type that code sends again.
    SentAgain "sent_again" Safe,
    /// An event type that was not there.
    NewEventType "new_event_type" Safe,
    /// An event type that is gone, or that code no longer sends.
    EventTypeRemoved "event_type_removed" Warn,
    /// An event type that is gone while its Rust type has another one now.
    EventTypeRenamed "event_type_renamed" Warn,
}

impl Change {
    /// How bad it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.rule.class()
    }

    /// Whether BigQuery refuses it, or old rows would have another meaning.
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        self.class() == Class::Breaking
    }

    /// Whether it is breaking, and nobody has approved it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.is_breaking() && self.approved.is_none()
    }

    /// The path of the column, if it is of one.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match &self.subject {
            Subject::Column(path) => Some(path),
            Subject::Table | Subject::EventType(_) => None,
        }
    }

    fn described_subject(&self) -> String {
        let table = &self.table;
        match &self.subject {
            Subject::Table => format!("table `{table}`"),
            Subject::Column(path) => format!("column `{table}.{path}`"),
            Subject::EventType(name) => format!("event type `{name}`"),
        }
    }
}

/// One line: what changes, which Rust types declare it, and what to do instead.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            old,
            new,
            advice,
            ..
        } = self;
        let subject = self.described_subject();
        match rule {
            Rule::NewTable | Rule::NewEventType => write!(f, "{subject} is new"),
            Rule::TableRemoved => write!(f, "{subject} is gone"),
            Rule::TooManyColumns => write!(f, "{subject} has {new} columns, after {old}"),
            Rule::NewColumn | Rule::NewRequiredColumn | Rule::NewColumnWithDefault => {
                write!(f, "{subject} is new: {new}")
            }
            Rule::ColumnRemoved => write!(f, "{subject} is gone: it was {old}"),
            Rule::ColumnRenamed => write!(f, "{subject} is spelled `{new}` now"),
            Rule::Type | Rule::Repeated | Rule::Required | Rule::Relaxed => {
                write!(f, "{subject} changes from {old} to {new}")
            }
            Rule::Default => match (old.is_empty(), new.is_empty()) {
                (true, _) => write!(f, "{subject} has the default {new} now"),
                (_, true) => write!(f, "{subject} loses its default {old}"),
                _ => write!(f, "{subject} has the default {new} now, after {old}"),
            },
            Rule::Description => write!(f, "{subject} has another description: \"{new}\""),
            Rule::PolicyTagAdded => write!(f, "{subject} has the policy tag {new} now"),
            Rule::PolicyTagChanged => {
                write!(f, "{subject} has the policy tag {new} now, after {old}")
            }
            Rule::PolicyTagRemoved => write!(f, "{subject} loses its policy tag {old}"),
            Rule::NoLongerSent | Rule::EventTypeRemoved => write!(f, "{subject} is no longer sent"),
            Rule::SentAgain => write!(f, "{subject} is sent again"),
            Rule::EventTypeRenamed => write!(f, "{subject} seems to be `{new}` now"),
        }?;
        if !self.rust_types.is_empty() {
            write!(f, " ({})", self.rust_types.join(", "))?;
        }
        if advice.is_empty() {
            Ok(())
        } else {
            write!(f, ": {advice}")
        }
    }
}
