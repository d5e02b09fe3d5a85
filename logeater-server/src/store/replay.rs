//! Brings events back in: moves cursors, hands dead letters to their sinks once more, and fills extended tables.
//!
//! Any process may do so while the collector runs: it sees the cursor move, and what is to be sent once more.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::clock;
use super::cursors::refused_by;
use super::insert;
use super::notes;
use super::schema;
use super::text::Text;
use crate::batch::Batch;
use crate::details;
use crate::plan::Plan;

/// How many events of a table are looked at in one transaction, so that nobody waits long for the store.
const CHUNK_ROWS: i64 = 2_000;

/// What became of the dead letters of one table, or of its events that had no row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    /// They have a row now.
    pub(super) rows: u64,
    /// They do not fit, still.
    pub(super) misfits: u64,
}

/// The sequence of the last event that was stored before a moment, and not in its second.
///
/// Where that is not known, because the store is older than its marks, it is 0.
pub(super) fn sequence_before(conn: &Connection, moment: &str) -> rusqlite::Result<i64> {
    let second = "substr(stored_at, 1, 19)";
    let is_known =
        format!("SELECT EXISTS (SELECT 1 FROM _logeater_marks WHERE {second} < substr(?1, 1, 19))");
    if !conn.query_one(&is_known, [moment], |row| row.get(0))? {
        return Ok(0);
    }
    let next =
        format!("SELECT min(sequence) FROM _logeater_marks WHERE {second} >= substr(?1, 1, 19)");
    let next: Option<i64> = conn.query_one(&next, [moment], |row| row.get(0))?;
    next.map_or_else(|| schema::last_sequence(conn), Ok)
}

/// Moves a sink's cursor back, and returns how many events are delivered again; none if it was not past it.
///
/// What retention has taken is not delivered again. Dead letters of events that are delivered again are gone. `None` if
/// there is no such sink.
pub(super) fn move_back(
    conn: &Connection,
    sink: &str,
    sequence: i64,
) -> rusqlite::Result<Option<i64>> {
    let Some(cursor) = conn
        .query_row(
            "SELECT cursor FROM _logeater_sinks WHERE name = ?1",
            [sink],
            |row| row.get::<_, i64>(0),
        )
        .optional()?
    else {
        return Ok(None);
    };
    if sequence >= cursor {
        return Ok(Some(0));
    }
    // What the sink has done of them does not count any more.
    notes::remove_until(conn, sink, cursor)?;
    // The cursor brings these as well.
    let resends = conn.execute(
        "DELETE FROM _logeater_resend WHERE sink = ?1 AND sequence > ?2",
        (sink, sequence),
    )?;
    let dead = conn.execute(
        "DELETE FROM dead_letters WHERE refused_by = ?1
             AND event_id IN (SELECT event_id FROM events WHERE rowid > ?2 AND rowid <= ?3)",
        (refused_by(sink), sequence, cursor),
    )?;
    conn.execute(
        "UPDATE _logeater_sinks SET
             began = began + ?2 - cursor + ?3 + ?4, cursor = ?2, dead = dead - ?4, generation = generation + 1
         WHERE name = ?1",
        (sink, sequence, resends, dead),
    )?;
    let again = "SELECT count(*) FROM events WHERE rowid > ?1 AND rowid <= ?2";
    conn.query_one(again, [sequence, cursor], |row| row.get(0))
        .map(Some)
}

/// Hands a sink its dead letters once more, and returns how many there are, and how many have lost their event to
/// retention and stay. `None` if there is no such sink.
pub(super) fn resend_dead_letters(
    conn: &Connection,
    sink: &str,
) -> rusqlite::Result<Option<(u64, u64)>> {
    let refused_by = refused_by(sink);
    let resends = conn.execute(
        "INSERT INTO _logeater_resend (sink, sequence)
         SELECT DISTINCT ?1, events.rowid FROM dead_letters JOIN events USING (event_id) WHERE refused_by = ?2
         ON CONFLICT DO NOTHING",
        (sink, &refused_by),
    )?;
    let removed = conn.execute(
        "DELETE FROM dead_letters WHERE refused_by = ?1 AND event_id IN (SELECT event_id FROM events)",
        [&refused_by],
    )?;
    let known = conn.execute(
        "UPDATE _logeater_sinks SET began = began + ?2 - ?3, dead = dead - ?2 WHERE name = ?1",
        (sink, removed, resends),
    )?;
    let left = "SELECT count(*) FROM dead_letters WHERE refused_by = ?1";
    let left = conn.query_one(left, [&refused_by], |row| row.get(0))?;
    Ok((known > 0).then_some((removed as u64, left)))
}

/// What became of details that were to become a row.
enum Made {
    Row,
    /// They do not fit, for this reason.
    Misfit(String),
    /// Their event is not there any more.
    Gone,
}

/// An event whose details are to become a row.
struct Candidate {
    rowid: i64,
    event_id: String,
    cluster_key: String,
    event_type: String,
    details: Option<String>,
}

/// Tries the dead letters of a table again; those whose row is made are gone.
pub(super) fn fill_from_dead_letters(
    conn: &mut Connection,
    plan: &Arc<Plan>,
    table: &str,
) -> rusqlite::Result<Filled> {
    let query = "SELECT rowid, event_id, cluster_key, type, details FROM dead_letters
         WHERE rowid > ?1 AND refused_by = ?2 ORDER BY rowid LIMIT ?3";
    let refused_by = format!("table {table}");
    fill(conn, plan, query, &refused_by, |conn, candidate, made| {
        if matches!(made, Made::Row) {
            let made = "DELETE FROM dead_letters WHERE rowid = ?1";
            conn.execute(made, [candidate.rowid])?;
        }
        Ok(())
    })
}

/// Makes the rows of a table that its events lack, because the catalog did not know their type when they came. What does
/// not fit becomes a dead letter.
pub(super) fn fill_from_events(
    conn: &mut Connection,
    plan: &Arc<Plan>,
    table: &str,
) -> rusqlite::Result<Filled> {
    let query = format!(
        "SELECT rowid, event_id, cluster_key, type, details FROM events
         WHERE rowid > ?1 AND substr(type, 1, length(?2) + 1) = ?2 || '.' AND event_id NOT IN (SELECT event_id FROM {})
             AND event_id NOT IN (SELECT event_id FROM dead_letters WHERE refused_by = 'table ' || ?2)
         ORDER BY rowid LIMIT ?3",
        super::sql::quote(table)
    );
    fill(
        conn,
        plan,
        &query,
        table,
        |conn, candidate, made| match made {
            Made::Misfit(reason) => bury(conn, table, candidate, reason),
            Made::Row | Made::Gone => Ok(()),
        },
    )
}

/// Writes a dead letter of a table, unless the event has one.
fn bury(
    conn: &Connection,
    table: &str,
    candidate: &Candidate,
    reason: &str,
) -> rusqlite::Result<()> {
    let now = clock::now()?;
    let insert = "INSERT INTO dead_letters (event_id, cluster_key, refused_at, refused_by, reason, type, details)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
         WHERE NOT EXISTS (SELECT 1 FROM dead_letters WHERE event_id = ?1 AND refused_by = ?4)";
    conn.prepare_cached(insert)?.execute((
        &candidate.event_id,
        Text(clock::day(&now)),
        Text(&now),
        format!("table {table}"),
        reason,
        &candidate.event_type,
        &candidate.details,
    ))?;
    Ok(())
}

/// Goes through the rows of a query in chunks, makes the extended row of each that fits, and does `after` with each
/// whose type the catalog knows.
///
/// What is read is looked at again in the transaction that writes: others write meanwhile, and are not kept waiting.
fn fill(
    conn: &mut Connection,
    plan: &Arc<Plan>,
    query: &str,
    key: &str,
    after: impl Fn(&Connection, &Candidate, &Made) -> rusqlite::Result<()>,
) -> rusqlite::Result<Filled> {
    let (mut filled, mut last) = (Filled::default(), 0);
    loop {
        let candidates: Vec<Candidate> = conn
            .prepare_cached(query)?
            .query_map((last, key, CHUNK_ROWS), |row| {
                Ok(Candidate {
                    rowid: row.get(0)?,
                    event_id: row.get(1)?,
                    cluster_key: row.get(2)?,
                    event_type: row.get(3)?,
                    details: row.get(4)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        let Some(end) = candidates.last() else {
            return Ok(filled);
        };
        last = end.rowid;
        let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for candidate in &candidates {
            let Some(made) = make_row(&change, plan, candidate)? else {
                continue;
            };
            match made {
                Made::Row => filled.rows += 1,
                Made::Misfit(_) | Made::Gone => filled.misfits += 1,
            }
            after(&change, candidate, &made)?;
        }
        change.commit()?;
    }
}

/// Makes an extended row; `None` of a type that the catalog does not know.
fn make_row(
    conn: &Connection,
    plan: &Arc<Plan>,
    candidate: &Candidate,
) -> rusqlite::Result<Option<Made>> {
    let Some((_, known)) = plan.find(&candidate.event_type) else {
        return Ok(None);
    };
    let is_there = conn
        .prepare_cached("SELECT 1 FROM events WHERE event_id = ?1")?
        .exists([&candidate.event_id])?;
    if !is_there {
        return Ok(Some(Made::Gone));
    }
    let json = candidate.details.as_deref().unwrap_or("{}");
    let cells = match details::cells(&known.columns, json) {
        Ok(Ok(cells)) => cells,
        Ok(Err(misfit)) => return Ok(Some(Made::Misfit(misfit.to_string()))),
        Err(error) => return Ok(Some(Made::Misfit(error.to_string()))),
    };
    let mut batch = Batch::new(Bytes::new(), Arc::clone(plan));
    let cells = batch.keep_cells(cells);
    insert::extended_row(
        conn,
        known,
        (&candidate.event_id, &candidate.cluster_key),
        &batch,
        &cells,
    )?;
    Ok(Some(Made::Row))
}
