//! Turns the output of `git log` into events. Bytes in, commits out: no process, no clock.

use std::io::{BufRead, Error, ErrorKind, Result};
use std::time::{Duration, SystemTime};

use crate::commit::{Author, Change, Commit};

/// The arguments of `git` whose output [`Commits`] reads.
///
/// Every field ends with a NUL, which neither names, messages nor paths can hold. What a user's
/// configuration could change is said outright.
pub const ARGUMENTS: [&str; 11] = [
    "-c",
    "log.showRoot=true",
    "log",
    "-z",
    "--numstat",
    "--find-renames",
    "--format=%H%x00%P%x00%an%x00%ae%x00%at%x00%s",
    "--encoding=UTF-8",
    "--no-color",
    "--no-relative",
    "--no-show-signature",
];

/// The most bytes that one of the events takes; nearly all take less than a kilobyte.
///
/// Longer lists of changes are cut.
pub const EVENT_BYTES_MAX: usize = 256 << 10;

/// What the other fields of an event, and its envelope, may need of that.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// What a change needs besides its path: the names of its members, and two numbers.
const CHANGE_BYTES: usize = 64;

/// The most characters of a name, an email or a subject; longer ones are cut.
const TEXT_CHARS_MAX: usize = 1_000;

/// The end of the dates that every reader takes for seconds: the year 5138.
const SECONDS_END: u64 = 100_000_000_000;

/// The commits of a log, read one by one.
#[derive(Debug)]
pub struct Commits<R> {
    log: R,
    /// The first field of the next commit, which ended the changes of the one before.
    next_hash: Option<Vec<u8>>,
}

impl<R: BufRead> Commits<R> {
    /// Reads the output of `git` with [`ARGUMENTS`].
    pub fn read(log: R) -> Self {
        Self {
            log,
            next_hash: None,
        }
    }

    fn commit(&mut self) -> Result<Option<Commit>> {
        let first = self
            .next_hash
            .take()
            .map_or_else(|| self.field(), |hash| Ok(Some(hash)))?;
        let Some(hash) = first else { return Ok(None) };
        let hash = commit_id(&hash)?;
        let parents = words(&self.header()?);
        let author = Author {
            name: text(&self.header()?),
            email: text(&self.header()?),
        };
        let written_at = date(&self.header()?);
        let subject = text(&self.header()?);
        let (changes, files) = self.changes()?;
        let user = Some(author.email.clone()).filter(|email| !email.is_empty());
        Ok(Some(if parents.len() > 1 {
            Commit::Merged {
                hash,
                subject,
                author,
                parents,
                user,
                written_at,
            }
        } else {
            Commit::Made {
                hash,
                subject,
                author,
                files,
                changes,
                user,
                written_at,
            }
        }))
    }

    /// The changes of a commit, up to a number of bytes, and how many there are.
    fn changes(&mut self) -> Result<(Vec<Change>, u32)> {
        let (mut changes, mut files, mut bytes) = (Vec::new(), 0, 0);
        while let Some(field) = self.field()? {
            let Some((added, removed, path)) = numstat(&field) else {
                self.next_hash = Some(field);
                break;
            };
            let path = if path.is_empty() {
                self.renamed()?
            } else {
                lossy(path)
            };
            files += 1;
            bytes += CHANGE_BYTES + json_bytes(&path);
            if bytes <= EVENT_BYTES_MAX - HEADER_BYTES_MAX {
                changes.push(Change {
                    path,
                    added,
                    removed,
                });
            }
        }
        Ok((changes, files))
    }

    /// The new path of a renamed file, which follows the old one.
    fn renamed(&mut self) -> Result<String> {
        self.header()?;
        self.header().map(|path| lossy(&path))
    }

    /// A field that must be there.
    fn header(&mut self) -> Result<Vec<u8>> {
        self.field()?.ok_or_else(cut_short)
    }

    /// The next field; none at the end.
    fn field(&mut self) -> Result<Option<Vec<u8>>> {
        let mut field = Vec::new();
        self.log.read_until(0, &mut field)?;
        match field.pop() {
            None => Ok(None),
            Some(0) => Ok(Some(field)),
            Some(_) => Err(cut_short()),
        }
    }
}

impl<R: BufRead> Iterator for Commits<R> {
    type Item = Result<Commit>;

    fn next(&mut self) -> Option<Self::Item> {
        self.commit().transpose()
    }
}

/// Lines added, lines removed, and the path, which is empty where two paths follow; none if the field is not
/// the line of a file.
fn numstat(field: &[u8]) -> Option<(Option<u32>, Option<u32>, &[u8])> {
    // The first line of a commit stands behind the end of its header's line.
    let line = field.strip_prefix(b"\n").unwrap_or(field);
    let mut parts = line.splitn(3, |&byte| byte == b'\t');
    Some((lines(parts.next()?)?, lines(parts.next()?)?, parts.next()?))
}

/// A number of lines, for which binary files have a hyphen; none if it is neither.
#[expect(
    clippy::option_option,
    reason = "no number, and no such field, are not the same"
)]
fn lines(field: &[u8]) -> Option<Option<u32>> {
    if field == b"-" {
        return Some(None);
    }
    let is_number = !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    is_number.then(|| lossy(field).parse().ok())
}

/// A commit's id: 40 hexadecimal digits, or 64.
fn commit_id(field: &[u8]) -> Result<String> {
    let id = lossy(field);
    if id.len() < 40 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let found: String = id.chars().take(40).collect();
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("expected the id of a commit, found {found:?}"),
        ));
    }
    Ok(id)
}

/// The time of a date, in seconds since the epoch. What is none, or lies beyond all calendars, is the epoch
/// itself: git shows broken dates so too.
fn date(field: &[u8]) -> SystemTime {
    let seconds = lossy(field)
        .parse()
        .ok()
        .filter(|seconds| *seconds < SECONDS_END);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unwrap_or(0))
}

fn words(field: &[u8]) -> Vec<String> {
    lossy(field)
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect()
}

fn text(field: &[u8]) -> String {
    let mut text = lossy(field);
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
        text.truncate(end);
    }
    text
}

/// Nothing in git says which encoding a path or a name has. What is not UTF-8 shows that it is not.
fn lossy(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

/// At most the bytes of a text in JSON, where a control character takes six.
fn json_bytes(text: &str) -> usize {
    text.bytes()
        .map(|byte| {
            if byte < b' ' || matches!(byte, b'"' | b'\\') {
                6
            } else {
                1
            }
        })
        .sum()
}

fn cut_short() -> Error {
    Error::new(ErrorKind::UnexpectedEof, "the log ends within a commit")
}

#[cfg(test)]
#[path = "git_log_tests.rs"]
mod tests;
