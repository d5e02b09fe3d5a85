use std::thread;

use bytes::Bytes;
use logeater_proto::{Envelope, write_entry};
use logeater_schema::Catalog;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::batch::Batch;
use crate::intake::Intake;
use crate::store::{Queue, schema};

/// More than any test queues.
const ROOM: usize = 64 << 20;

fn writer(folder: &TempDir) -> Writer {
    let (conn, _) = schema::open(&folder.path().join("logeater.db"), &Catalog::new()).unwrap();
    Writer::new(conn, watch::Sender::new(0), Arc::default())
}

/// One event with details of so many bytes.
fn event(bytes: usize) -> Batch {
    let mut entry = Vec::new();
    let envelope = Envelope {
        timestamp: 1_769_860_800,
        service: "shop",
        event_type: "cart.add",
        user_id: None,
    };
    let details = format!(r#"{{"text":"{}"}}"#, "a".repeat(bytes));
    write_entry(
        &mut entry,
        &envelope,
        Some(|out: &mut Vec<u8>| out.extend_from_slice(details.as_bytes())),
    );
    let intake = Intake {
        plan: watch::Sender::default().subscribe(),
        new_id: Uuid::now_v7,
    };
    intake.entry(&Bytes::from(entry)).unwrap()
}

fn push(queue: &Queue, batch: Batch) -> impl Future<Output = Result<Counts, Refusal>> + use<> {
    let room = queue.reserve(1_000).unwrap();
    let queue = queue.clone();
    async move { queue.store(batch, 0, room).await }
}

/// Tells the writer to end from outside of the runtime, and waits for it.
fn close(queue: Queue, writer: thread::JoinHandle<rusqlite::Result<()>>) {
    thread::spawn(move || queue.close()).join().unwrap();
    writer.join().unwrap().unwrap();
}

const STORED: Result<Counts, Refusal> = Ok(Counts {
    stored: 1,
    repeated: 0,
    refused: 0,
    dead_letters: 0,
});

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_the_writer_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let pages: i64 = writer
        .conn
        .query_one("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    writer
        .conn
        .pragma_update(None, "max_page_count", pages + 2)
        .unwrap();
    let (queue, messages) = Queue::new(ROOM, 10);
    let writer = thread::spawn(move || writer.run(messages));

    assert_eq!(push(&queue, event(10)).await, STORED);
    assert_eq!(push(&queue, event(500_000)).await, Err(Refusal::DiskFull));
    assert_eq!(push(&queue, event(10)).await, STORED);

    close(queue, writer);
    let store = Connection::open(folder.path().join("logeater.db")).unwrap();
    let rows: (i64, i64) = store
        .query_one("SELECT count(*), max(rowid) FROM events", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(rows, (2, 2));
}

#[tokio::test]
async fn all_that_has_queued_is_one_group() {
    let (queue, mut messages) = Queue::new(ROOM, 10);
    let closer = queue.clone();
    let close = async {
        let closing = thread::spawn(move || {
            closer.close();
            next_group(&mut messages)
        });
        let (group, then) = closing.join().unwrap();
        assert_eq!(group.len(), 3);
        assert!(matches!(then, Then::Close));
    };
    let answers = tokio::join!(
        push(&queue, event(1)),
        push(&queue, event(1)),
        push(&queue, event(1)),
        close
    );
    assert_eq!(answers.0, Err(Refusal::Closed), "nobody has answered it");
}

#[tokio::test]
async fn a_group_ends_at_its_limit_of_bytes() {
    let (queue, mut messages) = Queue::new(ROOM, 10);
    let large = queue.reserve(COMMIT_BYTES_MAX).unwrap();
    let groups = async {
        let groups = thread::spawn(move || [next_group(&mut messages), next_group(&mut messages)]);
        let [first, second] = groups.join().unwrap();
        assert_eq!((first.0.len(), second.0.len()), (1, 2));
    };
    let _ = tokio::join!(
        queue.store(event(1), 0, large),
        push(&queue, event(1)),
        push(&queue, event(1)),
        groups
    );
}

#[tokio::test]
async fn a_full_queue_refuses_by_bytes_and_by_requests() {
    let (queue, _messages) = Queue::new(10_000, 1);
    let held = queue.reserve(9_500).unwrap();
    assert_eq!(queue.reserve(1_000).unwrap_err(), Refusal::QueueFull);
    drop(held);
    let waiting = tokio::spawn(push(&queue, event(1)));
    tokio::task::yield_now().await;
    assert_eq!(push(&queue, event(1)).await, Err(Refusal::QueueFull));
    waiting.abort();
}

#[tokio::test]
async fn a_request_larger_than_the_queue_passes_alone() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let (queue, messages) = Queue::new(10, 10);
    let writer = thread::spawn(move || writer.run(messages));
    assert_eq!(push(&queue, event(1)).await, STORED);
    close(queue, writer);
}

#[tokio::test]
async fn a_request_that_cannot_be_stored_does_not_take_its_neighbours_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let refuse_long =
        "CREATE TEMP TRIGGER refuse BEFORE INSERT ON events WHEN length(NEW.details) > 50
        BEGIN SELECT raise(ABORT, 'too long'); END";
    writer.conn.execute_batch(refuse_long).unwrap();
    let (queue, messages) = Queue::new(ROOM, 10);
    let thread = async { thread::spawn(move || writer.run(messages)) };

    let (first, second, third, thread) = tokio::join!(
        push(&queue, event(1)),
        push(&queue, event(100)),
        push(&queue, event(1)),
        thread
    );

    assert_eq!((first, third), (STORED, STORED));
    assert_eq!(second, Err(Refusal::Failed("too long".to_owned())));
    close(queue, thread);
}

#[tokio::test]
async fn a_change_is_safe_when_its_result_comes() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let (queue, messages) = Queue::new(ROOM, 10);
    let thread = async { thread::spawn(move || writer.run(messages)) };

    let (stored, counted, thread) = tokio::join!(
        push(&queue, event(1)),
        queue.change(
            |conn| conn.query_one("SELECT count(*) FROM events", [], |row| row
                .get::<_, i64>(0))
        ),
        thread
    );

    assert_eq!(
        (stored, counted),
        (STORED, Ok(1)),
        "one transaction, in turn"
    );
    close(queue, thread);
}

#[tokio::test]
async fn a_change_that_fails_does_not_take_its_neighbours_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let (queue, messages) = Queue::new(ROOM, 10);
    let thread = async { thread::spawn(move || writer.run(messages)) };

    let (stored, changed, thread) = tokio::join!(
        push(&queue, event(1)),
        queue.change(|conn| conn.execute("UPDATE gone SET value = 1", [])),
        thread
    );

    assert_eq!(stored, STORED);
    let problem = "no such table: gone";
    assert_eq!(changed, Err(Refusal::Failed(problem.to_owned())));
    close(queue, thread);
}

#[tokio::test]
async fn the_time_of_storing_is_marked_once_in_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let mut stored = writer.stored.subscribe();
    let (queue, messages) = Queue::new(ROOM, 10);
    let thread = thread::spawn(move || writer.run(messages));
    for _ in 0..20 {
        assert_eq!(push(&queue, event(1)).await, STORED);
    }
    assert_eq!(*stored.borrow_and_update(), 20);
    close(queue, thread);

    let store = Connection::open(folder.path().join("logeater.db")).unwrap();
    let marks: (i64, i64, i64) = store
        .query_one(
            "SELECT count(*), count(DISTINCT substr(stored_at, 1, 19)), min(sequence) FROM _logeater_marks",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(marks.0, marks.1, "one mark for each second");
    assert_eq!(marks.2, 0, "the first before all events");
}
