//! The sink `jsonl`: whole lines in files that get their name when they are complete.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use logeater_server::{Config, Jsonl, SinkConfig};
use tokio::time::timeout;

use crate::support::{Folder, Running, event_with_id};

const PATIENCE: Duration = Duration::from_secs(20);

const DETAILS: &str = r#"{"sku":"ä","price":1.10}"#;

/// The line of an event with this id that was stored on `day`.
fn line(id: u8, day: &str) -> String {
    format!(
        concat!(
            r#"{{"event_id":"00000000-0000-0000-0000-0000000000{:02x}","cluster_key":"{}","#,
            r#""timestamp":"2026-01-31T12:00:00.000000Z","service":"shop","type":"cart.add","user_id":"u-1","#,
            r#""details":{}}}"#,
            "\n"
        ),
        id, day, DETAILS
    )
}

fn config(folder: &Folder, sink: Jsonl) -> Config {
    let sink = SinkConfig::new(sink).batch_wait(Duration::from_millis(1));
    folder.config().sink("archive", sink.batch_rows(2))
}

fn archive(folder: &Folder) -> PathBuf {
    folder.data().join("archive")
}

async fn push(running: &Running, ids: std::ops::RangeInclusive<u8>) {
    let mut client = running.client().await;
    for id in ids {
        let pushed = client.push(event_with_id(id, "cart.add", DETAILS));
        pushed.await.unwrap();
    }
}

/// Waits until the sink's cursor is there.
async fn cursor(folder: &Folder, cursor: i64) {
    let query = "SELECT coalesce(max(cursor), 0) FROM _logeater_sinks";
    let is_there = async {
        while folder.one::<i64>(query, []) != cursor {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, is_there).await.unwrap();
}

/// The files of a folder with what is in them, in the order of their names, without the one that is locked.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("events.lock"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            (name.to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn day(folder: &Folder) -> String {
    folder.one("SELECT cluster_key FROM events LIMIT 1", [])
}

#[tokio::test]
async fn lines_are_in_a_file_that_gets_its_name_when_the_collector_ends() {
    let folder = Folder::new();
    let running = Running::start(config(&folder, Jsonl::new(archive(&folder)))).await;
    push(&running, 1..=3).await;
    cursor(&folder, 3).await;

    let day = day(&folder);
    let lines = [1, 2, 3].map(|id| line(id, &day)).concat();
    let part = "events-00000000000000000001.jsonl.part".to_owned();
    assert_eq!(files(&archive(&folder)), [(part, lines.clone())]);
    running.stop().await.unwrap();
    let name = "events-00000000000000000001.jsonl".to_owned();
    assert_eq!(files(&archive(&folder)), [(name, lines)]);
}

#[tokio::test]
async fn a_file_that_is_large_enough_is_followed_by_the_next() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    push(&running, 1..=5).await;
    running.stop().await.unwrap();

    let sink = Jsonl::new(archive(&folder)).file_bytes(300);
    let running = Running::start(config(&folder, sink)).await;
    cursor(&folder, 5).await;
    running.stop().await.unwrap();

    let day = day(&folder);
    let file = |first: u8, ids: &[u8]| {
        let lines: String = ids.iter().map(|id| line(*id, &day)).collect();
        (format!("events-{first:020}.jsonl"), lines)
    };
    assert_eq!(
        files(&archive(&folder)),
        [file(1, &[1, 2]), file(3, &[3, 4]), file(5, &[5])]
    );
}

#[tokio::test]
async fn a_file_that_is_old_enough_gets_its_name_without_further_events() {
    let folder = Folder::new();
    let sink = Jsonl::new(archive(&folder)).file_age(Duration::from_millis(1));
    let running = Running::start(config(&folder, sink)).await;
    push(&running, 1..=1).await;
    let name = archive(&folder).join("events-00000000000000000001.jsonl");
    while !name.exists() {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_crash_has_left_keeps_its_whole_lines_and_its_place() {
    let folder = Folder::new();
    fs::create_dir_all(archive(&folder)).unwrap();
    let file = |name: &str| archive(&folder).join(name);
    fs::write(
        file("events-00000000000000000001.jsonl.part"),
        "{\"whole\":1}\n{\"to",
    )
    .unwrap();
    fs::write(file("notes.txt"), "of somebody").unwrap();

    let running = Running::start(config(&folder, Jsonl::new(archive(&folder)))).await;
    push(&running, 1..=1).await;
    cursor(&folder, 1).await;
    running.stop().await.unwrap();

    let expected = [
        (
            "events-00000000000000000001-2.jsonl",
            line(1, &day(&folder)),
        ),
        (
            "events-00000000000000000001.jsonl",
            "{\"whole\":1}\n".to_owned(),
        ),
        ("notes.txt", "of somebody".to_owned()),
    ];
    let expected = expected.map(|(name, text)| (name.to_owned(), text));
    assert_eq!(files(&archive(&folder)), expected);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_tried_until_it_can() {
    let folder = Folder::new();
    fs::create_dir_all(folder.data()).unwrap();
    fs::write(archive(&folder), "a file in its place").unwrap();
    let running = Running::start(config(&folder, Jsonl::new(archive(&folder)))).await;
    push(&running, 1..=1).await;
    fs::remove_file(archive(&folder)).unwrap();
    cursor(&folder, 1).await;
    running.stop().await.unwrap();
    assert_eq!(files(&archive(&folder)).len(), 1);
}

#[tokio::test]
async fn lines_that_are_safe_count_while_their_file_cannot_be_named() {
    let folder = Folder::new();
    let sink = Jsonl::new(archive(&folder)).file_bytes(300);
    let running = Running::start(config(&folder, sink)).await;
    push(&running, 1..=1).await;
    cursor(&folder, 1).await;
    let name = archive(&folder).join("events-00000000000000000001.jsonl");
    fs::create_dir(&name).unwrap();
    for id in 2..=3 {
        push(&running, id..=id).await;
        cursor(&folder, id.into()).await;
    }

    fs::remove_dir(&name).unwrap();
    let is_named = async {
        while !name.exists() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, is_named).await.unwrap();
    running.stop().await.unwrap();
    let day = day(&folder);
    let expected = [
        (1, [line(1, &day), line(2, &day)].concat()),
        (3, line(3, &day)),
    ];
    let expected = expected.map(|(first, lines)| (format!("events-{first:020}.jsonl"), lines));
    assert_eq!(files(&archive(&folder)), expected);
}

#[tokio::test]
async fn a_file_that_somebody_took_away_is_followed_by_the_next() {
    let folder = Folder::new();
    let sink = Jsonl::new(archive(&folder)).file_bytes(300);
    let running = Running::start(config(&folder, sink)).await;
    push(&running, 1..=1).await;
    cursor(&folder, 1).await;
    let part = archive(&folder).join("events-00000000000000000001.jsonl.part");
    let shipped = folder.data().join("shipped");
    fs::rename(part, &shipped).unwrap();
    push(&running, 2..=2).await;
    cursor(&folder, 2).await;
    running.stop().await.unwrap();

    let day = day(&folder);
    let name = "events-00000000000000000002.jsonl".to_owned();
    assert_eq!(files(&archive(&folder)), [(name, line(2, &day))]);
    assert_eq!(fs::read_to_string(shipped).unwrap(), line(1, &day));
}

#[tokio::test]
async fn only_what_the_sink_left_itself_gets_a_name() {
    let folder = Folder::new();
    fs::create_dir_all(archive(&folder)).unwrap();
    let download = archive(&folder).join("film.mkv.part");
    fs::write(&download, "half a fi").unwrap();
    let running = Running::start(config(&folder, Jsonl::new(archive(&folder)))).await;
    push(&running, 1..=1).await;
    cursor(&folder, 1).await;
    running.stop().await.unwrap();
    assert_eq!(fs::read_to_string(download).unwrap(), "half a fi");
}
