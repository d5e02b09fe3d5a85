//! What the same events cost without a collector: as lines of a file, and as rows of its own tables.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use logeater_benches::{Failure, Purchase, entry, thread_nanos};
use logeater_client::Catalog;
use logeater_server::Config;
use rusqlite::Connection;
use tokio::net::TcpListener;
use tokio::runtime;

use crate::ids::Ids;
use crate::load::SERVICE;

/// The events of one sync.
const SYNCED: u32 = 1_000;

const INSERT_EVENT: &str = "
INSERT INTO events (event_id, cluster_key, timestamp, service, type, user_id, details)
VALUES (?1, '2026-01-31', '2026-01-31T12:00:00.000000Z', ?2, ?3, ?4, ?5)";

const INSERT_ROW: &str = "
INSERT INTO purchase (event_id, cluster_key, screen, amount_cents, currency, item_id, duration_ms, first, experiment)
VALUES (?1, '2026-01-31', ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// The wall time and this thread's CPU time, in seconds.
pub(crate) type Seconds = [f64; 2];

/// A yardstick: its name, and what writes so many events into a folder.
pub(crate) type Yardstick = (&'static str, fn(&Path, u32) -> Result<Seconds, Failure>);

pub(crate) const YARDSTICKS: [Yardstick; 3] = [
    ("a file, synced per 1,000", log_file),
    ("SQLite, 1,000 per transaction", |data, events| {
        sqlite(data, events, false)
    }),
    ("the same, extended rows", |data, events| {
        sqlite(data, events, true)
    }),
];

/// One line of the details' JSON per event.
fn log_file(data: &Path, events: u32) -> Result<Seconds, Failure> {
    let purchase = Purchase::typical();
    let details = entry(&purchase, SERVICE)?.details.unwrap_or_default();
    let mut file = File::create(data.join("log"))?;
    let mut ids = Ids::new(0);
    let mut lines = Vec::new();
    measure(|| {
        for _ in 0..events / SYNCED {
            lines.clear();
            for id in ids.of_now().take(SYNCED as usize) {
                writeln!(
                    lines,
                    "{id} 2026-01-31T12:00:00.000000Z {SERVICE} purchase.completed {} {details}",
                    purchase.user
                )?;
            }
            file.write_all(&lines)?;
            file.sync_data()?;
        }
        Ok(())
    })
}

fn sqlite(data: &Path, events: u32, rows: bool) -> Result<Seconds, Failure> {
    make_store(data)?;
    let mut conn = Connection::open(data.join("logeater.db"))?;
    conn.execute_batch("PRAGMA synchronous = FULL")?;
    let mut ids = Ids::new(0);
    measure(|| {
        for _ in 0..events / SYNCED {
            insert(&mut conn, &mut ids, rows)?;
        }
        Ok(())
    })
}

/// The collector's own tables, empty, and its log.
fn make_store(data: &Path) -> Result<(), Failure> {
    let config = Config::new(data).catalog(Catalog::new().with::<Purchase>());
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Ok(logeater_server::run(listener, config, async {}).await?)
    })
}

/// One transaction.
fn insert(conn: &mut Connection, ids: &mut Ids, rows: bool) -> Result<(), Failure> {
    let purchase = Purchase::typical();
    let entry = entry(&purchase, SERVICE)?;
    let transaction = conn.transaction()?;
    let mut event = transaction.prepare_cached(INSERT_EVENT)?;
    let mut row = transaction.prepare_cached(INSERT_ROW)?;
    for id in ids.of_now().take(SYNCED as usize) {
        let mut text = [0; 36];
        let id: &str = id.hyphenated().encode_lower(&mut text);
        event.execute((id, SERVICE, &entry.r#type, &entry.user_id, &entry.details))?;
        if rows {
            row.execute((
                id,
                &purchase.screen,
                purchase.amount_cents,
                purchase.currency,
                &purchase.item_id,
                purchase.duration_ms,
                purchase.first,
                &purchase.experiment,
            ))?;
        }
    }
    drop((event, row));
    Ok(transaction.commit()?)
}

fn measure(write: impl FnOnce() -> Result<(), Failure>) -> Result<Seconds, Failure> {
    let (started, before) = (Instant::now(), thread_nanos()?);
    write()?;
    let nanos = thread_nanos()? - before;
    let all = [started.elapsed(), Duration::from_nanos(nanos)];
    Ok(all.map(|time| time.as_secs_f64()))
}
