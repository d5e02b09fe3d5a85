//! The breaking changes that somebody has approved: `allow.toml` in a folder of schemas.
//!
//! ```toml
//! [[allow]]
//! table = "cart"
//! column = "amount"      # left out for the table itself
//! rule = "type"
//! reason = "no row has been written yet"
//! until = 2026-12-31     # the last day on which a new break is let through
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fmt, fs, io};

use serde::Deserialize;

use crate::change::{Change, Rule};
use crate::table::ApprovedBreak;
use crate::{Catalog, civil};

/// The file's name in a folder of schemas.
const FILE: &str = "allow.toml";

/// What to do with an entry that no change needs.
const CORRECT_IT: &str = "correct its table, column or rule";

/// How long an entry that is shown may be used.
const MONTH: Duration = Duration::from_hours(30 * 24);

/// What `allow.toml` approves; nothing, where there is no such file.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    entries: Vec<Entry>,
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowFile {
    #[serde(default)]
    allow: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    table: String,
    column: Option<String>,
    rule: String,
    reason: String,
    #[serde(alias = "date")]
    until: Day,
}

/// A day as TOML's own or as text: `2026-12-31`. Text of this form sorts by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "toml::Value")]
struct Day(String);

/// An `allow.toml` that approves nothing, or not what is to be approved.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApprovalError {
    /// The file cannot be read.
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file, or an entry of it, is not in the format.
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// Changes that break tables, and that no entry approves.
    Breaking {
        /// The changes.
        changes: Vec<Change>,
        /// The file that could approve them.
        path: PathBuf,
        /// The entries of it that approve none of them, each with the reason.
        entries: Vec<String>,
        /// A day in a month, for an entry.
        in_a_month: String,
    },
    /// Entries that no change needs.
    Unused {
        /// The file.
        path: PathBuf,
        /// The entries.
        entries: Vec<String>,
    },
}

impl Approvals {
    /// Those of a folder of schemas.
    ///
    /// # Errors
    ///
    /// When there is an `allow.toml` that cannot be read, or is not in the format.
    pub fn of_folder(folder: impl AsRef<Path>) -> Result<Self, ApprovalError> {
        let path = folder.as_ref().join(FILE);
        match Self::read(&path) {
            Err(ApprovalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(Self {
                    entries: Vec::new(),
                    path,
                })
            }
            approvals => approvals,
        }
    }

    /// Those of a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not in the format.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, ApprovalError> {
        let path = path.into();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(ApprovalError::Io { path, source }),
        };
        match parse(&text) {
            Ok(entries) => Ok(Self { entries, path }),
            Err(reason) => Err(ApprovalError::Format { path, reason }),
        }
    }

    /// Takes out of a catalog the columns that nobody sends any longer and an entry says are to go.
    pub(crate) fn remove_columns(&self, catalog: &mut Catalog) {
        let is_removal = |entry: &&Entry| entry.rule == Rule::ColumnRemoved.name();
        for entry in self.entries.iter().filter(is_removal) {
            if let (Some(table), Some(column)) = (catalog.table_mut(&entry.table), &entry.column) {
                table.remove_unsent(column);
            }
        }
    }

    /// Looks whether every breaking change is approved today, and every entry needed; and keeps in the new catalog
    /// what was approved.
    ///
    /// An entry approves one change. It may stay once that is made, since the catalog remembers it.
    ///
    /// # Errors
    ///
    /// Breaking changes that no entry approves; entries that no change needs.
    pub fn apply(&self, changes: &[Change], new: &mut Catalog) -> Result<(), ApprovalError> {
        self.apply_on(&Day::of(SystemTime::now()), changes, new)
    }

    fn apply_on(
        &self,
        today: &Day,
        changes: &[Change],
        new: &mut Catalog,
    ) -> Result<(), ApprovalError> {
        let breaking: Vec<_> = changes
            .iter()
            .filter(|change| change.is_breaking())
            .collect();
        // An entry that has let a change through is spent.
        let is_spent = |entry: &Entry| new.breaks().any(|made| entry.is_of_made(made));
        let approval = |change: &Change| {
            let mut entries = self.entries.iter().filter(|entry| !is_spent(entry));
            entries.find(|entry| entry.is_of(change) && entry.until >= *today)
        };
        let is_of_one =
            |entry: &Entry, changes: &[&Change]| changes.iter().any(|change| entry.is_of(change));
        let refused = breaking.iter().filter(|change| approval(change).is_none());
        let refused: Vec<&Change> = refused.copied().collect();
        if !refused.is_empty() {
            let why_not = |entry: &Entry| match (is_spent(entry), is_of_one(entry, &refused)) {
                (true, true) => Some(entry.spent()),
                (false, true) => Some(entry.ended()),
                (false, false) if !is_of_one(entry, &breaking) => Some(entry.unused()),
                _ => None,
            };
            return Err(ApprovalError::Breaking {
                entries: self.entries.iter().filter_map(why_not).collect(),
                in_a_month: Day::of(SystemTime::now() + MONTH).0,
                path: self.path.clone(),
                changes: refused.into_iter().cloned().collect(),
            });
        }
        let unused = self
            .entries
            .iter()
            .filter(|entry| !is_spent(entry) && !is_of_one(entry, &breaking));
        let entries: Vec<_> = unused.map(ToString::to_string).collect();
        if !entries.is_empty() {
            let path = self.path.clone();
            return Err(ApprovalError::Unused { path, entries });
        }
        let made: Vec<_> = breaking
            .iter()
            .filter_map(|change| Some((&change.table, approval(change)?.made(change))))
            .collect();
        for (table, made) in made {
            if let Some(table) = new.table_mut(table) {
                table.breaks.push(made);
            }
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<Vec<Entry>, String> {
    // Its own message shows the line.
    let file: AllowFile =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    file.allow
        .iter()
        .try_for_each(Entry::check)
        .map(|()| file.allow)
}

impl Entry {
    fn check(&self) -> Result<(), String> {
        let breaking = || {
            Rule::ALL
                .iter()
                .filter(|rule| rule.class() == crate::Class::Breaking)
        };
        if !breaking().any(|rule| rule.name() == self.rule) {
            let names: Vec<_> = breaking().map(|rule| rule.name()).collect();
            return Err(format!(
                "`{}` is no rule that refuses a change; those are {}",
                self.rule,
                names.join(", ")
            ));
        }
        if self.reason.trim().is_empty() {
            return Err(format!("the entry of {self} has no reason"));
        }
        Ok(())
    }

    fn is_of(&self, change: &Change) -> bool {
        self.table == change.table
            && self.column.as_deref() == change.column()
            && self.rule == change.rule.name()
    }

    fn is_of_made(&self, (table, made): (&str, &ApprovedBreak)) -> bool {
        self.table == table
            && self.column == made.column
            && self.rule == made.rule
            && self.reason == made.reason
    }

    fn made(&self, change: &Change) -> ApprovedBreak {
        ApprovedBreak {
            column: self.column.clone(),
            rule: self.rule.clone(),
            old: change.old.clone(),
            new: change.new.clone(),
            reason: self.reason.clone(),
        }
    }

    fn ended(&self) -> String {
        format!("the approval of {self} has ended on {}", self.until.0)
    }

    fn unused(&self) -> String {
        format!("the approval of {self} is for no change: {CORRECT_IT}")
    }

    fn spent(&self) -> String {
        format!(
            "the approval of {self} has let a change through already: remove it, or give it another reason for another one"
        )
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, rule, .. } = self;
        match &self.column {
            Some(column) => write!(f, "`{rule}` for `{table}.{column}`"),
            None => write!(f, "`{rule}` for `{table}`"),
        }
    }
}

impl Day {
    fn of(time: SystemTime) -> Self {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let days = since.as_secs() / 86_400;
        let mut text = Vec::new();
        let days = i64::try_from(days)
            .unwrap_or(i64::MAX)
            .min(*civil::DATE_DAYS.end());
        civil::write_date(&mut text, days);
        Self(String::from_utf8_lossy(&text).trim_matches('"').to_owned())
    }
}

impl TryFrom<toml::Value> for Day {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Datetime(day) => day.to_string(),
            other => format!("a TOML {}", other.type_str()),
        };
        // TOML's own dates are checked by its parser, so text goes through it too.
        match text.parse::<toml::value::Datetime>() {
            Ok(day) if day.time.is_none() && day.offset.is_none() => Ok(Self(text)),
            _ => Err(format!("`{text}` is no day, such as 2026-12-31")),
        }
    }
}

impl fmt::Display for ApprovalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, .. } => write!(f, "cannot read {}", path.display()),
            Self::Format { path, reason } => {
                write!(f, "{} approves nothing: {reason}", path.display())
            }
            Self::Breaking {
                changes,
                path,
                entries,
                in_a_month,
            } => {
                write!(f, "this would break tables:")?;
                for change in changes {
                    write!(f, "\n  - {change}")?;
                    for statement in &change.statements {
                        write!(f, "\n      {}", statement.replace('\n', "\n      "))?;
                    }
                }
                for entry in entries {
                    write!(f, "\n{entry}")?;
                }
                write!(
                    f,
                    "\nIf a break is meant, and somebody runs the statements, approve it in {}:",
                    path.display()
                )?;
                let mut changes = changes.iter();
                changes.try_for_each(|change| write_entry(f, change, in_a_month))
            }
            Self::Unused { path, entries } => {
                write!(f, "{} approves what no change needs:", path.display())?;
                for entry in entries {
                    write!(f, "\n  - {entry}")?;
                }
                write!(f, "\nRemove it, or {CORRECT_IT}.")
            }
        }
    }
}

/// An entry to copy.
fn write_entry(f: &mut fmt::Formatter<'_>, change: &Change, until: &str) -> fmt::Result {
    write!(f, "\n\n[[allow]]\ntable = \"{}\"", change.table)?;
    if let Some(column) = change.column() {
        write!(f, "\ncolumn = \"{column}\"")?;
    }
    let rule = change.rule.name();
    write!(
        f,
        "\nrule = \"{rule}\"\nreason = \"\" # why it does no harm\nuntil = {until} # the last day on which it may be made"
    )
}

impl Error for ApprovalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
