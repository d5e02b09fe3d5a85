use logeater_schema::Catalog;
use tempfile::TempDir;

use super::*;

fn store(folder: &TempDir) -> Connection {
    let path = folder.path().join("logeater.db");
    schema::open(&path, &Catalog::new()).unwrap().0
}

/// Stores so many events of 1 kB.
fn push(conn: &Connection, events: i64) {
    let last = schema::last_sequence(conn).unwrap();
    let insert = "WITH RECURSIVE numbers (value) AS (
             VALUES (?1 + 1) UNION ALL SELECT value + 1 FROM numbers WHERE value < ?1 + ?2
         )
         INSERT INTO events (rowid, event_id, cluster_key, timestamp, service, type, details)
         SELECT value, printf('%08d', value), '', '', 'shop', 'cart.add', hex(zeroblob(500)) FROM numbers";
    conn.execute(insert, [last, events]).unwrap();
}

/// What stays of the events or the dead letters, by the number of the event: how many, and the first.
fn kept(conn: &Connection, table: &str) -> (i64, i64) {
    let kept = format!("SELECT count(*), coalesce(min(CAST(event_id AS INTEGER)), 0) FROM {table}");
    conn.query_one(&kept, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

/// A limit by size alone, for a store without sinks.
fn by_size(size: u64) -> Bounds {
    Bounds {
        sinks: Vec::new(),
        too_old: None,
        size: Some(size),
        stored: None,
    }
}

/// A limit by age, as of the beginning of 2026.
fn by_age() -> Bounds {
    Bounds {
        too_old: Some(TooOld {
            before: "2026-01-01T00:00:00.000000Z".to_owned(),
            now: "2026-01-02T00:00:00.000000Z".to_owned(),
        }),
        size: None,
        ..by_size(0)
    }
}

/// Lets each statement take no more instructions of `SQLite`.
fn limit(conn: &mut Connection, instructions: i32) {
    conn.progress_handler(instructions, Some(|| true)).unwrap();
}

/// Stores more from time to time than a small removal takes, and returns how many events are there in the end.
fn kept_under_load(conn: &Connection, mut bounds: Bounds) -> i64 {
    for _ in 0..20 {
        push(conn, 2_000);
        bounds.stored = Some(remove(conn, &bounds).unwrap().stored);
    }
    kept(conn, "events").0
}

#[test]
fn a_store_keeps_its_size_however_much_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let conn = store(&folder);
    let kept = kept_under_load(&conn, by_size(4 << 20));
    assert!(
        (3_000..=5_500).contains(&kept),
        "4 MiB and one push: {kept}"
    );
}

#[test]
fn events_that_are_too_old_go_however_much_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let conn = store(&folder);
    let mark = "INSERT INTO _logeater_marks VALUES (0, '2025-01-01T00:00:00.000000Z')";
    conn.execute(mark, []).unwrap();
    assert_eq!(kept_under_load(&conn, by_age()), 0);
}

#[test]
fn what_is_too_much_is_found_without_a_look_at_every_event() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = store(&folder);
    push(&conn, 20_000);
    let size = used_bytes(&conn).unwrap() - 1;
    limit(&mut conn, 10_000);
    assert_eq!(remove(&conn, &by_size(size)).unwrap().events, 1);
}

#[test]
fn a_clock_that_was_ahead_for_long_takes_one_look_at_each_mark() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = store(&folder);
    push(&conn, 5_000);
    conn.execute_batch(
        "INSERT INTO _logeater_marks VALUES (0, '2025-01-01T00:00:00.000000Z');
         INSERT INTO _logeater_marks SELECT rowid, '2999-01-01T00:00:00.000000Z' FROM events;
         UPDATE _logeater_marks SET stored_at = '2025-01-01T00:00:00.000000Z' WHERE sequence = 4000;",
    )
    .unwrap();
    limit(&mut conn, 100_000);
    let bounds = by_age();
    while remove(&conn, &bounds).unwrap().events > 0 {}
    assert_eq!(kept(&conn, "events"), (999, 4_002));
}

#[test]
fn dead_letters_of_events_that_stay_are_not_removed_for_their_room() {
    let folder = tempfile::tempdir().unwrap();
    let conn = store(&folder);
    push(&conn, 100);
    conn.execute_batch(
        "INSERT INTO dead_letters
         SELECT event_id, '', '', 'sink archive', '', type, details FROM events WHERE rowid > 90;
         INSERT INTO dead_letters VALUES ('00000000', '', '', 'table cart', '', 'cart.add', NULL);
         INSERT INTO _logeater_sinks (name, began, cursor) VALUES ('archive', 0, 40);",
    )
    .unwrap();
    let bounds = Bounds {
        sinks: vec!["archive".to_owned()],
        ..by_size(0)
    };
    let (mut events, mut dead_letters) = (0, 0);
    loop {
        let removed = remove(&conn, &bounds).unwrap();
        events += removed.events;
        dead_letters += removed.dead_letters;
        if !removed.is_partial {
            break;
        }
    }
    assert_eq!((events, dead_letters), (40, 1));
    assert_eq!(kept(&conn, "events"), (60, 41));
    assert_eq!(kept(&conn, "dead_letters"), (10, 91));
}
