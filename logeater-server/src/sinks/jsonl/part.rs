//! A file of lines, from its first line to its name.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the name of a file ends in while it is written.
const PART: &str = ".jsonl.part";

/// How much is read at once, from the end of a file on.
const BLOCK_BYTES: u64 = 64 << 10;

/// The file that is being written.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: File,
    path: PathBuf,
    bytes: u64,
    since: Instant,
}

impl Part {
    pub(super) fn begin(folder: &Path, first: i64) -> io::Result<Self> {
        let path = free_path(folder, first);
        let file = File::options().append(true).create_new(true).open(&path)?;
        sync_folder(folder)?;
        Ok(Self {
            file,
            path,
            bytes: 0,
            since: Instant::now(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether somebody took it away.
    pub(super) fn is_gone(&self) -> bool {
        self.path.try_exists().is_ok_and(|exists| !exists)
    }

    /// Writes and syncs lines. After a failure nothing may be written behind what is there.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        let written = self
            .file
            .write_all(lines)
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            // If this fails too, a line may stay without its end, until the file gets its name.
            _ = self.file.set_len(before);
        }
        written?;
        if self.is_gone() {
            return Err(io::Error::other(
                "a file was taken away while it was written",
            ));
        }
        self.bytes = before + lines.len() as u64;
        Ok(())
    }
}

/// Whether this is the path of a file that was being written.
pub(super) fn is_part(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("events-") && name.ends_with(PART))
}

/// Gives a file that is complete its name, without a line that has no end; one that has no line goes.
pub(super) fn name(part: &Path) -> io::Result<()> {
    if cut_torn_line(part)? == 0 {
        fs::remove_file(part)
    } else {
        fs::rename(part, part.with_extension(""))
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The path of a file that begins with this sequence. After a crash, or a replay, there may be one already.
fn free_path(folder: &Path, first: i64) -> PathBuf {
    let mut copies = (1..).map(|copy| match copy {
        1 => folder.join(format!("events-{first:020}{PART}")),
        copy => folder.join(format!("events-{first:020}-{copy}{PART}")),
    });
    let is_free = |part: &PathBuf| !part.exists() && !part.with_extension("").exists();
    copies.find(is_free).unwrap_or_default()
}

/// Cuts off a line that has no end, and says how many bytes are left.
fn cut_torn_line(path: &Path) -> io::Result<u64> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let end = end_of_lines(&mut file)?;
    if end < file.metadata()?.len() {
        file.set_len(end)?;
        file.sync_all()?;
    }
    Ok(end)
}

/// Where the last line ends that has an end.
fn end_of_lines(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut block = Vec::new();
    let mut end = file.seek(SeekFrom::End(0))?;
    while end > 0 {
        let start = end.saturating_sub(BLOCK_BYTES);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.take(end - start).read_to_end(&mut block)?;
        if let Some(last) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A file of which it is counted how much is read.
    struct Counted(Cursor<Vec<u8>>, usize);

    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1 += read;
            Ok(read)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    fn end_of(text: impl Into<Vec<u8>>) -> (u64, usize) {
        let mut file = Counted(Cursor::new(text.into()), 0);
        (end_of_lines(&mut file).unwrap(), file.1)
    }

    #[test]
    fn lines_end_with_the_last_line_feed_however_far_that_is_from_the_end() {
        assert_eq!(end_of("").0, 0);
        assert_eq!(end_of("{\"torn").0, 0);
        assert_eq!(end_of("{}\n").0, 3);
        assert_eq!(end_of("{}\n{}\n{\"torn").0, 6);
        for torn in [65_535, 65_536, 65_537, 200_000] {
            let text = format!("{{}}\n{}", " ".repeat(torn));
            assert_eq!(end_of(text).0, 3, "before {torn} bytes");
            assert_eq!(end_of(" ".repeat(torn)).0, 0, "{torn} bytes");
        }
    }

    #[test]
    fn lines_in_a_file_that_is_gone_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::begin(folder.path(), 1).unwrap();
        part.append(b"{}\n").unwrap();
        fs::remove_file(part.path()).unwrap();
        assert!(part.append(b"{}\n").is_err());
        assert_eq!(part.bytes(), 3);
    }

    #[test]
    fn of_a_large_file_only_the_end_is_read() {
        let text = format!("{}{{\"torn", "{}\n".repeat(1_000_000));
        assert_eq!(end_of(text), (3_000_000, 65_536));
    }
}
