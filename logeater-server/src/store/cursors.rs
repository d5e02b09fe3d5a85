//! How far each sink has got, and the count of what became of the events up to there.
//!
//! For each sink `cursor - began = delivered + left_out + dead + (rows of _logeater_resend)` at any moment: what changes
//! one side for another reason, such as events that retention took, moves `began`.

use rusqlite::{Connection, OptionalExtension};

use super::clock;
use super::notes;
use super::reader::{Reader, StoredEvent};
#[cfg(feature = "cli")]
use super::reconcile::SinkCount;
use super::sql;
use super::text::Text;
use crate::Error;

/// How many events a sink has yet to get of those that are there, behind its cursor and once more. No number is left out
/// between the first and the last, so that they need not be counted.
#[cfg(any(feature = "cli", feature = "web"))]
const PENDING: &str = "
coalesce(max((SELECT max(rowid) FROM events) - max((SELECT min(rowid) - 1 FROM events), cursor), 0), 0)
+ (SELECT count(*) FROM _logeater_resend WHERE sink = name)";

/// A sink's place, as its runner needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The sequence of the last event that has come to its end in this sink.
    pub(crate) cursor: i64,
    /// Changes when the cursor is moved by others than the runner.
    pub(crate) generation: i64,
    pub(crate) paused: bool,
}

/// What a runner has to say about events that have come to their end.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The new cursor; `None` where it stays.
    pub(crate) cursor: Option<i64>,
    /// How many events were read on the way to it, whatever became of them.
    pub(crate) read: u64,
    /// What was sent once more, by its sequence, or is gone.
    pub(crate) resent: Vec<i64>,
    /// How many of those are gone.
    pub(crate) gone: u64,
    pub(crate) delivered: u64,
    pub(crate) left_out: u64,
    pub(crate) dead: Vec<DeadLetter>,
}

/// An event that a sink refuses, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    pub(crate) event: StoredEvent,
    pub(crate) reason: String,
}

/// Gives a sink its row, if it has none yet: it begins with the oldest event that is there.
///
/// Returns how many events one that has a row has missed: retention does not wait for sinks that are not configured.
pub(crate) fn register(conn: &Connection, sink: &str) -> rusqlite::Result<u64> {
    let before_oldest = "SELECT coalesce((SELECT min(rowid) - 1 FROM events), value) FROM _logeater WHERE key = 'sequence'";
    let before_oldest: i64 = conn.query_one(before_oldest, [], |row| row.get(0))?;
    conn.execute(
        "INSERT INTO _logeater_sinks (name, began, cursor) VALUES (?1, ?2, ?2) ON CONFLICT DO NOTHING",
        (sink, before_oldest),
    )?;
    let cursor = "SELECT cursor FROM _logeater_sinks WHERE name = ?1";
    let cursor: i64 = conn.query_one(cursor, [sink], |row| row.get(0))?;
    let missed = (before_oldest - cursor).max(0);
    conn.execute(
        "UPDATE _logeater_sinks SET cursor = cursor + ?2, began = began + ?2 WHERE name = ?1",
        (sink, missed),
    )?;
    Ok(missed.cast_unsigned())
}

/// What has become of the events of each sink, by their names, as the sinks' own table has it.
#[cfg(feature = "cli")]
pub(crate) fn list(reader: &Reader) -> Result<Vec<SinkCount>, Error> {
    reader.query(|conn| {
        let mut query = conn.prepare(&format!(
            "SELECT name, cursor, delivered, left_out, dead, paused, {PENDING} FROM _logeater_sinks ORDER BY name"
        ))?;
        let sinks = query.query_map([], |row| {
            Ok(SinkCount {
                sink: row.get(0)?,
                cursor: row.get(1)?,
                delivered: row.get(2)?,
                left_out: row.get(3)?,
                dead: row.get(4)?,
                paused: row.get(5)?,
                pending: row.get(6)?,
            })
        })?;
        sinks.collect()
    })
}

/// Where a sink is; `None` if it is not registered.
pub(crate) fn place(reader: &Reader, sink: &str) -> Result<Option<Place>, Error> {
    reader.query(|conn| {
        let mut query = conn.prepare_cached(
            "SELECT cursor, generation, paused FROM _logeater_sinks WHERE name = ?1",
        )?;
        let place = query.query_row([sink], |row| {
            Ok(Place {
                cursor: row.get(0)?,
                generation: row.get(1)?,
                paused: row.get(2)?,
            })
        });
        place.optional()
    })
}

/// What a sink has got since it was registered, and how far it is behind, for its metrics.
#[cfg(feature = "web")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) pending: u64,
    pub(crate) paused: bool,
    pub(crate) delivered: u64,
    pub(crate) left_out: u64,
    pub(crate) dead: u64,
    /// When the first event was stored that it has yet to get, to the second; `None` if there is none.
    pub(crate) waits_since: Option<String>,
}

/// The account of a sink; `None` if it is not registered.
#[cfg(feature = "web")]
pub(crate) fn account(reader: &Reader, sink: &str) -> Result<Option<Account>, Error> {
    reader.query(|conn| {
        let mut query = conn.prepare_cached(&format!(
            "SELECT {PENDING}, paused, delivered, left_out, dead, (
                 SELECT stored_at FROM _logeater_marks WHERE sequence < (
                     SELECT min(first) FROM (
                         SELECT min(sequence) AS first FROM _logeater_resend WHERE sink = name
                         UNION ALL SELECT min(rowid) FROM events WHERE rowid > cursor
                     )
                 ) ORDER BY sequence DESC LIMIT 1
             ) FROM _logeater_sinks WHERE name = ?1"
        ))?;
        let account = query.query_row([sink], |row| {
            Ok(Account {
                pending: row.get(0)?,
                paused: row.get(1)?,
                delivered: row.get(2)?,
                left_out: row.get(3)?,
                dead: row.get(4)?,
                waits_since: row.get(5)?,
            })
        });
        account.optional()
    })
}

/// What is to be sent once more, oldest first; `None` in the place of an event that is gone. At most so many rows, and no
/// more once they take so many bytes.
pub(crate) fn resends(
    reader: &Reader,
    sink: &str,
    rows: usize,
    bytes: usize,
) -> Result<Vec<(i64, Option<StoredEvent>)>, Error> {
    let sequences: Vec<i64> = reader.query(|conn| {
        let mut query = conn.prepare_cached(
            "SELECT sequence FROM _logeater_resend WHERE sink = ?1 ORDER BY sequence LIMIT ?2",
        )?;
        query.query_map((sink, rows), |row| row.get(0))?.collect()
    })?;
    let (mut resends, mut taken) = (Vec::new(), 0);
    for sequence in sequences {
        let event = reader.event(sequence)?;
        taken += event.as_ref().map_or(0, StoredEvent::bytes);
        resends.push((sequence, event));
        if taken >= bytes {
            break;
        }
    }
    Ok(resends)
}

/// Writes progress down, unless somebody has moved the cursor since `generation`; says whether it did.
pub(crate) fn record(
    conn: &Connection,
    sink: &str,
    generation: i64,
    progress: &Progress,
) -> rusqlite::Result<bool> {
    let is_current = conn
        .prepare_cached("SELECT 1 FROM _logeater_sinks WHERE name = ?1 AND generation = ?2")?
        .exists((sink, generation))?;
    if !is_current {
        return Ok(false);
    }
    remove_resent(conn, sink, &progress.resent)?;
    // What was read is held against what became of it: `began` moves only over sequences that nobody has any more.
    conn.prepare_cached(
        "UPDATE _logeater_sinks SET
             began = began + coalesce(?2 - cursor - ?3, 0) + ?4, cursor = coalesce(?2, cursor),
             delivered = delivered + ?5, left_out = left_out + ?6, dead = dead + ?7
         WHERE name = ?1",
    )?
    .execute((
        sink,
        progress.cursor,
        progress.read,
        progress.gone,
        progress.delivered,
        progress.left_out,
        progress.dead.len(),
    ))?;
    bury(conn, sink, &progress.dead)?;
    notes::remove_passed(conn, sink)?;
    Ok(true)
}

fn remove_resent(conn: &Connection, sink: &str, resent: &[i64]) -> rusqlite::Result<()> {
    let mut remove =
        conn.prepare_cached("DELETE FROM _logeater_resend WHERE sink = ?1 AND sequence = ?2")?;
    for sequence in resent {
        remove.execute((sink, sequence))?;
    }
    Ok(())
}

fn bury(conn: &Connection, sink: &str, dead: &[DeadLetter]) -> rusqlite::Result<()> {
    let now = clock::now()?;
    let mut insert = conn.prepare_cached(sql::INSERT_DEAD_LETTER)?;
    for DeadLetter { event, reason } in dead {
        insert.execute((
            &event.event_id,
            Text(clock::day(&now)),
            Text(&now),
            refused_by(sink),
            reason,
            &event.event_type,
            &event.details,
        ))?;
    }
    Ok(())
}

/// Who refuses a dead letter of this sink, as its table says it.
pub(crate) fn refused_by(sink: &str) -> String {
    format!("sink {sink}")
}

#[cfg(test)]
mod tests {
    use logeater_schema::Catalog;

    use super::*;
    use crate::store::{reconcile, schema};

    /// What does not add up after a sink has read five events, one of them in the place of two, and said this of them.
    fn differences(progress: Progress) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logeater.db");
        let (conn, _) = schema::open(&path, &Catalog::new()).unwrap();
        for rowid in [1, 2, 3, 4, 6] {
            let insert =
                "INSERT INTO events (rowid, event_id, cluster_key, timestamp, service, type)
                 VALUES (?1, ?1, '', '', '', 'cart.add')";
            conn.execute(insert, [rowid]).unwrap();
        }
        conn.execute_batch("UPDATE _logeater SET value = 1 WHERE key = 'removed'")
            .unwrap();
        register(&conn, "archive").unwrap();
        let progress = Progress {
            cursor: Some(6),
            read: 5,
            ..progress
        };
        assert!(record(&conn, "archive", 0, &progress).unwrap());
        drop(conn);
        reconcile(&path).unwrap().differences
    }

    #[cfg(all(feature = "cli", feature = "web"))]
    #[test]
    fn what_a_sink_has_yet_to_get_is_there_and_comes_once_more_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logeater.db");
        let (conn, _) = schema::open(&path, &Catalog::new()).unwrap();
        // Of seven events retention has taken three.
        conn.execute_batch(
            "INSERT INTO events (rowid, event_id, cluster_key, timestamp, service, type)
             VALUES (4, 4, '', '', '', ''), (5, 5, '', '', '', ''), (6, 6, '', '', '', ''), (7, 7, '', '', '', '');
             UPDATE _logeater SET value = 7 WHERE key = 'sequence';
             INSERT INTO _logeater_marks VALUES (0, 'one'), (3, 'four'), (4, 'five'), (6, 'seven');
             INSERT INTO _logeater_sinks (name, began, cursor) VALUES
                 ('behind', 5, 6), ('done', 7, 7), ('resending', 6, 7), ('since_long_ago', 1, 1);
             INSERT INTO _logeater_resend VALUES ('resending', 5)",
        )
        .unwrap();
        let reader = Reader::open(&path).unwrap();
        let listed = list(&reader).unwrap();
        for (place, (sink, pending, waits_since)) in [
            ("behind", 1, Some("seven")),
            ("done", 0, None),
            ("resending", 1, Some("five")),
            ("since_long_ago", 4, Some("four")),
        ]
        .into_iter()
        .enumerate()
        {
            let account = account(&reader, sink).unwrap().unwrap();
            let found = (account.pending, account.waits_since.as_deref());
            assert_eq!(found, (pending, waits_since), "{sink}");
            assert_eq!(listed[place].pending, pending, "{sink}");
        }
    }

    #[test]
    fn an_event_that_a_sink_has_passed_without_an_end_is_a_difference() {
        let all = differences(Progress {
            delivered: 4,
            left_out: 1,
            ..Progress::default()
        });
        assert_eq!(all, <[String; 0]>::default());
        let lost = differences(Progress {
            delivered: 4,
            ..Progress::default()
        });
        assert_eq!(
            lost,
            [
                "sink archive has passed 5 events, but 4 were delivered, 0 left out, 0 are dead letters and 0 are sent once \
                 more"
            ]
        );
    }
}
