use std::fs::{self, File};
use std::io::Write;

use tempfile::TempDir;

use super::*;
use crate::testing::stored;

/// Why it failed, if it did.
async fn deliver(sink: &Jsonl, first: i64) -> Option<String> {
    sink.deliver(&[stored(first)]).await.failure
}

/// The files with lines in a folder, each with the ids of its events.
fn files(folder: &TempDir) -> Vec<(String, Vec<String>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("events.lock"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let id = |line| {
                let event: serde_json::Value = serde_json::from_str(line).unwrap();
                event["event_id"].as_str().unwrap().to_owned()
            };
            let name = path.file_name().unwrap().to_str().unwrap();
            (name.to_owned(), text.lines().map(id).collect())
        })
        .collect();
    files.sort();
    files
}

fn file(first: i64, ids: &[&str]) -> (String, Vec<String>) {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    (format!("events-{first:020}.jsonl"), ids)
}

#[tokio::test]
async fn a_folder_is_one_sinks_alone_until_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Jsonl::new(folder.path()), Jsonl::new(folder.path()));
    assert_eq!(deliver(&one, 1).await, None);
    let refused = format!(
        "{}: another sink writes to this folder",
        folder.path().display()
    );
    assert_eq!(deliver(&two, 2).await, Some(refused));
    assert_eq!(deliver(&one, 3).await, None);
    one.close().await;
    assert_eq!(deliver(&two, 4).await, None);
    two.close().await;
    assert_eq!(files(&folder), [file(1, &["1", "3"]), file(4, &["4"])]);
}

#[tokio::test]
async fn nothing_is_written_behind_a_line_that_could_not_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Jsonl::new(folder.path());
    assert_eq!(deliver(&sink, 1).await, None);
    let path = folder.path().join("events-00000000000000000001.jsonl.part");
    let mut torn = File::options().append(true).open(&path).unwrap();
    torn.write_all(b"{\"torn").unwrap();
    {
        let mut open = sink.folder.lock().await;
        // It can neither be written nor cut.
        open.as_mut().unwrap().part.as_mut().unwrap().file = File::open(&path).unwrap();
    }
    assert!(deliver(&sink, 2).await.is_some());
    assert_eq!(deliver(&sink, 3).await, None);
    sink.close().await;
    assert_eq!(files(&folder), [file(1, &["1"]), file(3, &["3"])]);
}

/// A lock that is a pipe is waited for until somebody reads from it.
#[cfg(unix)]
#[test]
fn a_folder_that_hangs_keeps_one_thread_and_writes_once_what_was_given_up() {
    use std::process::Command;

    use tokio::runtime::Builder;
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(20);

    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("events.lock");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let sink = Jsonl::new(folder.path());
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .build()
        .unwrap();
    let has_thread = runtime.block_on(async {
        for first in 1..=3 {
            let given_up = timeout(Duration::from_millis(1), deliver(&sink, first));
            assert!(given_up.await.is_err());
        }
        timeout(PATIENCE, spawn_blocking(|| ())).await.is_ok()
    });
    let _reader = File::options().read(true).write(true).open(&pipe).unwrap();
    assert!(has_thread);
    assert_eq!(runtime.block_on(deliver(&sink, 4)), None);
    runtime.block_on(sink.close());
    assert_eq!(files(&folder), [file(1, &["1", "4"])]);
}
