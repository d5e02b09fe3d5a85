//! What sinks note in the store of events that are on their way. A note ends when the cursor has passed its events.

use rusqlite::Connection;

/// What a sink has to know after a crash about events that it was delivering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is called among the notes of the sink: one that is called the same takes its place.
    pub key: String,
    /// The sequence of the first of its events.
    pub first: i64,
    /// The sequence of the last.
    pub last: i64,
    /// What the sink has to know.
    pub text: String,
}

pub(crate) fn write(conn: &Connection, sink: &str, note: &Note) -> rusqlite::Result<()> {
    let Note {
        key,
        first,
        last,
        text,
    } = note;
    let mut write = conn.prepare_cached(
        "INSERT OR REPLACE INTO _logeater_notes (sink, key, first, last, text) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    write.execute((sink, key, first, last, text)).map(drop)
}

pub(crate) fn read(conn: &Connection, sink: &str) -> rusqlite::Result<Vec<Note>> {
    let mut query = conn.prepare_cached(
        "SELECT key, first, last, text FROM _logeater_notes WHERE sink = ?1 ORDER BY key",
    )?;
    let notes = query.query_map([sink], |row| {
        Ok(Note {
            key: row.get(0)?,
            first: row.get(1)?,
            last: row.get(2)?,
            text: row.get(3)?,
        })
    })?;
    notes.collect()
}

pub(crate) fn remove(conn: &Connection, sink: &str, keys: &[String]) -> rusqlite::Result<()> {
    let mut remove =
        conn.prepare_cached("DELETE FROM _logeater_notes WHERE sink = ?1 AND key = ?2")?;
    for key in keys {
        remove.execute((sink, key))?;
    }
    Ok(())
}

/// Removes those that the cursor has passed, and none of whose events is to be sent once more.
pub(super) fn remove_passed(conn: &Connection, sink: &str) -> rusqlite::Result<()> {
    let mut remove = conn.prepare_cached(
        "DELETE FROM _logeater_notes AS note
         WHERE sink = ?1 AND last <= (SELECT cursor FROM _logeater_sinks WHERE name = ?1) AND NOT EXISTS (
             SELECT 1 FROM _logeater_resend AS resend
             WHERE resend.sink = ?1 AND sequence BETWEEN note.first AND note.last
         )",
    )?;
    remove.execute([sink]).map(drop)
}

/// Removes those of a sink that are about events up to this one, which are given again on purpose.
pub(super) fn remove_until(conn: &Connection, sink: &str, sequence: i64) -> rusqlite::Result<()> {
    let remove = "DELETE FROM _logeater_notes WHERE sink = ?1 AND first <= ?2";
    conn.execute(remove, (sink, sequence)).map(drop)
}

#[cfg(test)]
mod tests {
    use logeater_schema::Catalog;

    use super::*;
    use crate::store::cursors::{self, Progress};
    use crate::store::schema;

    #[test]
    fn a_note_lasts_until_the_cursor_has_passed_and_nothing_of_it_comes_once_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logeater.db");
        let (conn, _) = schema::open(&path, &Catalog::new()).unwrap();
        for sink in ["archive", "warehouse"] {
            cursors::register(&conn, sink).unwrap();
        }
        let note = |first, last| Note {
            key: format!("{first}"),
            first,
            last,
            text: "what was said".to_owned(),
        };
        let kept = || {
            let notes = read(&conn, "warehouse").unwrap();
            notes.into_iter().map(|note| note.first).collect::<Vec<_>>()
        };
        let move_to = |sink, cursor, resent: &[i64]| {
            let progress = Progress {
                cursor: Some(cursor),
                resent: resent.to_vec(),
                ..Progress::default()
            };
            assert!(cursors::record(&conn, sink, 0, &progress).unwrap());
        };
        for (first, last) in [(1, 3), (2, 6), (4, 5), (7, 9)] {
            write(&conn, "warehouse", &note(first, last)).unwrap();
        }
        let again = "INSERT INTO _logeater_resend VALUES ('warehouse', 4), ('archive', 2)";
        conn.execute_batch(again).unwrap();

        move_to("archive", 9, &[]);
        assert_eq!(kept(), [1, 2, 4, 7]);
        move_to("warehouse", 5, &[]);
        assert_eq!(kept(), [2, 4, 7]);
        move_to("warehouse", 6, &[4]);
        assert_eq!(kept(), [7]);

        let changed = Note {
            text: "something else".to_owned(),
            ..note(7, 9)
        };
        write(&conn, "warehouse", &changed).unwrap();
        assert_eq!(read(&conn, "warehouse").unwrap(), [changed]);
        remove(&conn, "archive", &["7".to_owned()]).unwrap();
        assert_eq!(kept(), [7]);
        remove(&conn, "warehouse", &["7".to_owned()]).unwrap();
        assert_eq!(kept(), [0; 0]);
    }
}
