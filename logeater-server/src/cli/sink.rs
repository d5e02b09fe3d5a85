//! `logeater sink`: pauses a sink and lets it go on.

use std::error::Error;

use clap::Subcommand;
use serde_json::Value;

use super::output::{Format, Rows, print};
use super::store_args::StoreArgs;
use crate::Maintenance;
use crate::store::{Reader, cursors};

#[derive(Debug, Subcommand)]
pub(super) enum Sink {
    /// Show all sinks and how far they are
    List {
        #[command(flatten)]
        store: StoreArgs,

        /// How they are printed
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: Format,
    },
    /// Deliver nothing more to a sink, until it is resumed; retention keeps its events
    Pause(Name),
    /// Let a sink that was paused go on where it was
    Resume(Name),
}

#[derive(Debug, clap::Args)]
pub(super) struct Name {
    #[command(flatten)]
    store: StoreArgs,

    /// Its name in the configuration
    name: String,
}

impl Sink {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::List { store, format } => list(&store, format),
            Self::Pause(Name { store, name }) => pause(&store, &name, true),
            Self::Resume(Name { store, name }) => pause(&store, &name, false),
        }
    }
}

fn list(store: &StoreArgs, format: Format) -> Result<(), Box<dyn Error>> {
    let mut rows = Rows::new(["sink", "delivered", "left_out", "dead", "pending", "paused"]);
    for sink in cursors::list(&Reader::open(&store.path()?)?)? {
        rows.add([
            Value::from(sink.sink),
            sink.delivered.into(),
            sink.left_out.into(),
            sink.dead.into(),
            sink.pending.into(),
            sink.paused.into(),
        ]);
    }
    Ok(print(&rows.text(format))?)
}

fn pause(store: &StoreArgs, name: &str, paused: bool) -> Result<(), Box<dyn Error>> {
    Ok(Maintenance::open(store.path()?)?.pause(name, paused)?)
}
