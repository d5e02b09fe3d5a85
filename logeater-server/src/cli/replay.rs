//! `logeater replay`: brings events back in.

use std::error::Error;
use std::path::PathBuf;

use clap::ArgGroup;
use jiff::Timestamp;
use logeater_schema::Catalog;

use super::output::print;
use super::store_args::StoreArgs;
use crate::{Maintenance, Replayed};

/// Deliver events again, or make the rows that they lack
///
/// A collector that runs on the store acts upon it within a second; without one, the next does when it starts.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true))]
#[command(group = ArgGroup::new("of_sinks"))]
pub(super) struct Replay {
    #[command(flatten)]
    store: StoreArgs,

    /// Give sinks their dead letters once more
    #[arg(long, groups = ["what", "of_sinks"])]
    dead_letters: bool,

    /// Deliver again what was stored since: a time such as 2026-01-31T12:00:00Z, or a span up to now such as 2h
    #[arg(long, groups = ["what", "of_sinks"], value_name = "TIME", value_parser = moment)]
    since: Option<String>,

    /// Make the rows of the extended tables that events lack, and try the tables' dead letters again, with this folder of
    /// schemas
    #[arg(long, group = "what", value_name = "PATH")]
    catalog: Option<PathBuf>,

    /// Only for this sink; may be given several times [default: all sinks]
    #[arg(long = "sink", value_name = "NAME", requires = "of_sinks")]
    sinks: Vec<String>,
}

impl Replay {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let mut store = Maintenance::open(self.store.path()?)?;
        let known = store.sinks()?;
        let sinks = if self.sinks.is_empty() {
            known
        } else {
            self.sinks
        };
        if sinks.is_empty() && (self.dead_letters || self.since.is_some()) {
            return Err(
                "this store has no sinks: the next collector that is configured with one makes its cursor".into(),
            );
        }
        if self.dead_letters {
            for sink in &sinks {
                say(
                    &store.replay_dead_letters_of_sink(sink)?,
                    "stay, because their event is gone",
                )?;
            }
        }
        if let Some(since) = &self.since {
            for sink in &sinks {
                say(&store.replay_since(sink, since)?, "stay")?;
            }
        }
        if let Some(path) = self.catalog {
            for table in store.replay_tables(&Catalog::read(path)?)? {
                say(&table, "do not fit")?;
            }
        }
        Ok(())
    }
}

fn say(replayed: &Replayed, left: &str) -> std::io::Result<()> {
    let Replayed { target, events, .. } = replayed;
    let left = match replayed.left {
        0 => String::new(),
        count => format!(", {count} {left}"),
    };
    print(&format!("{target}: {events} events{left}\n"))
}

/// A moment as the store has it.
fn moment(text: &str) -> Result<String, String> {
    let moment: Timestamp = match text.parse::<jiff::Span>() {
        Ok(span) => jiff::Zoned::now()
            .checked_sub(span)
            .map_err(|error| error.to_string())?
            .timestamp(),
        Err(_) => text.parse().map_err(
            |_| "neither a time such as 2026-01-31T12:00:00Z nor a span such as 2h or 3d",
        )?,
    };
    let text = crate::time::moment_text(moment.as_microsecond());
    let text = text.ok_or("not in the years 1 to 9999")?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
