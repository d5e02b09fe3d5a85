//! The sink `jsonl`: files of lines, each synced before it counts and named when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::delivery::Delivery;
use super::line;
use super::sink::Sink;
use crate::StoredEvent;

/// What the name of a file ends in while it is written.
const PART: &str = "part";

/// Writes each event as one line of JSON to files in a folder.
///
/// `events-00000000000000000042.jsonl` begins with the event of that sequence, and never changes. The file that is
/// being written has `.part` behind its name. Lines are synced before the cursor moves on; after a crash some come
/// again, in the next file.
#[derive(Clone, Debug)]
#[must_use]
pub struct Jsonl {
    folder: PathBuf,
    file_bytes: u64,
    file_age: Duration,
    current: Arc<Mutex<Current>>,
}

#[derive(Debug, Default)]
struct Current {
    part: Option<Part>,
    /// Whether what an earlier process has left was named.
    is_tidy: bool,
}

/// The file that is being written.
#[derive(Debug)]
struct Part {
    file: File,
    path: PathBuf,
    bytes: u64,
    since: Instant,
}

impl Jsonl {
    /// Writes to this folder, which is made if it is missing.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            file_bytes: 64 << 20,
            file_age: Duration::from_hours(1),
            current: Arc::default(),
        }
    }

    /// A file is complete with so many bytes. Default: 64 MiB.
    pub fn file_bytes(mut self, bytes: u64) -> Self {
        self.file_bytes = bytes;
        self
    }

    /// A file is complete after so long. Default: 1 hour.
    pub fn file_age(mut self, age: Duration) -> Self {
        self.file_age = age;
        self
    }

    /// Does what waits for the disk outside of the tasks' threads, one after the other.
    async fn work(
        &self,
        work: impl FnOnce(&Self, &mut Current) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let sink = self.clone();
        let work = move || {
            let current = Arc::clone(&sink.current);
            let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
            work(&sink, &mut current)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(io::Error::other)?
    }

    fn append(&self, current: &mut Current, first: i64, lines: &[u8]) -> io::Result<()> {
        if !current.is_tidy {
            self.tidy()?;
            current.is_tidy = true;
        }
        let part = match &mut current.part {
            Some(part) => part,
            None => current.part.insert(Part::begin(&self.folder, first)?),
        };
        part.append(lines)?;
        if part.bytes >= self.file_bytes {
            self.complete(current)?;
        }
        Ok(())
    }

    /// Names the files that an earlier process could not, without a line that it could not end.
    fn tidy(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == PART) {
                cut_torn_line(&path)?;
                name(&path)?;
            }
        }
        Ok(())
    }

    fn complete(&self, current: &mut Current) -> io::Result<()> {
        let Some(part) = &current.part else {
            return Ok(());
        };
        name(&part.path)?;
        current.part = None;
        sync_folder(&self.folder)
    }
}

#[tonic::async_trait]
impl Sink for Jsonl {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let first = events.first().map_or(0, |event| event.sequence);
        let mut lines = Vec::new();
        for event in events {
            line::write(event, &mut lines);
        }
        let appended = self.work(move |sink, current| sink.append(current, first, &lines));
        match appended.await {
            Ok(()) => Delivery::stored(),
            Err(error) => Delivery::failed(format!("{}: {error}", self.folder.display())),
        }
    }

    async fn tick(&self) {
        let complete = self.work(|sink, current| {
            let is_old = |part: &Part| part.since.elapsed() >= sink.file_age;
            if current.part.as_ref().is_some_and(is_old) {
                sink.complete(current)?;
            }
            Ok(())
        });
        say(complete.await);
    }

    async fn close(&self) {
        say(self.work(Self::complete).await);
    }
}

fn say(completed: io::Result<()>) {
    if let Err(error) = completed {
        tracing::warn!("a file of events cannot be named, and is next time: {error}");
    }
}

impl Part {
    fn begin(folder: &Path, first: i64) -> io::Result<Self> {
        let path = free_path(folder, first);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        sync_folder(folder)?;
        Ok(Self {
            file,
            path,
            bytes: 0,
            since: Instant::now(),
        })
    }

    /// Writes and syncs; what cannot be written whole is taken back.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = self
            .file
            .write_all(lines)
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            self.file.set_len(self.bytes)?;
            io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.bytes))?;
        } else {
            self.bytes += lines.len() as u64;
        }
        written
    }
}

/// The name of a file that begins with this sequence. After a crash, or a replay, there may be one already.
fn free_path(folder: &Path, first: i64) -> PathBuf {
    let mut names = (1..).map(|copy| match copy {
        1 => format!("events-{first:020}.jsonl"),
        copy => format!("events-{first:020}-{copy}.jsonl"),
    });
    let is_free = |name: &String| {
        let path = folder.join(name);
        !path.exists() && !part_of(&path).exists()
    };
    let name = names.find(is_free).unwrap_or_default();
    part_of(&folder.join(name))
}

fn part_of(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".");
    path.push(PART);
    path.into()
}

/// Gives a file that is complete its name.
fn name(part: &Path) -> io::Result<()> {
    fs::rename(part, part.with_extension(""))
}

fn cut_torn_line(path: &Path) -> io::Result<()> {
    let text = fs::read(path)?;
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    if whole < text.len() {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(whole as u64)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
