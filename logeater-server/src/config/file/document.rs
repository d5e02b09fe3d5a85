//! The text of one TOML file, and all that is wrong with it, each at its line and column. No I/O.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::Section;

/// One file while it is read.
#[derive(Debug)]
pub(crate) struct Document<'d> {
    path: &'d Path,
    text: &'d str,
    /// Whether all of it could be parsed.
    is_toml: bool,
    problems: RefCell<Vec<Problem>>,
}

/// One mistake: where it stands, what it is, and the fix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    path: PathBuf,
    line: usize,
    column: usize,
    message: String,
}

/// All mistakes of a file, in the order of its lines.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has mistakes:\n{}", lines(.0))]
pub(crate) struct Problems(Vec<Problem>);

impl<'d> Document<'d> {
    /// Reads the file's text by `read`, and gives what that makes of it unless there are mistakes.
    pub(super) fn read<T>(
        path: &'d Path,
        text: &'d str,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Result<T, Problems> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut document = Self {
            path,
            text,
            is_toml: errors.is_empty(),
            problems: RefCell::default(),
        };
        let errors: Vec<_> = errors
            .iter()
            .map(|error| document.at(error.span(), error.message()))
            .collect();
        document.problems = RefCell::new(errors);
        let mut root = Section::new(&document, String::new(), 0..0, table.get_ref());
        let value = read(&mut root);
        root.finish();
        let mut problems = document.problems.into_inner();
        if problems.is_empty() {
            return Ok(value);
        }
        problems.sort();
        Err(Problems(problems))
    }

    /// Notes a mistake at a place of the text.
    pub(super) fn problem(&self, span: Range<usize>, message: impl Into<String>) {
        let problem = self.at(Some(span), message);
        let mut problems = self.problems.borrow_mut();
        // What comes of a line that is no TOML is no mistake of its own.
        if self.is_toml || problems.iter().all(|other| other.line != problem.line) {
            problems.push(problem);
        }
    }

    /// Notes that something is not there, unless it may be what could not be parsed.
    pub(super) fn missing(&self, span: Range<usize>, message: impl Into<String>) {
        if self.is_toml {
            self.problem(span, message);
        }
    }

    fn at(&self, span: Option<Range<usize>>, message: impl Into<String>) -> Problem {
        let (line, column) = place(self.text, span.unwrap_or_default().start);
        Problem {
            path: self.path.to_owned(),
            line,
            column,
            message: message.into(),
        }
    }

    /// Where this stands as it is, within a part of the text.
    pub(super) fn find(&self, span: Range<usize>, part: &str) -> Option<usize> {
        let within = self.part(span.clone());
        within.find(part).map(|start| span.start + start)
    }

    /// A part of the text.
    pub(super) fn part(&self, span: Range<usize>) -> &'d str {
        self.text.get(span).unwrap_or_default()
    }

    /// A path that the file names: relative ones are relative to the file.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, line, column) = (self.path.display(), self.line, self.column);
        write!(f, "{path}:{line}:{column}: {}", self.message)
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

/// The line and the column, both from 1; columns are characters.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}
