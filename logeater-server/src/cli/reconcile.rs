//! `logeater reconcile`: whether every number adds up.

use std::error::Error;
use std::process::ExitCode;

use serde_json::Value;

use super::output::{Format, Rows, print};
use super::store_args::StoreArgs;
use crate::{Reconciliation, reconcile};

/// Count the store, and exit with 1 if a number does not add up
///
/// stored = kept + removed; what each sink has passed = delivered + left out + dead, and what is sent once more; each row of a
/// table has its event; the file's pages hang together.
#[derive(Debug, clap::Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    store: StoreArgs,

    /// How the counts are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

impl Reconcile {
    pub(super) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let found = reconcile(self.store.path()?)?;
        print(&rows(&found).text(self.format))?;
        for difference in &found.differences {
            eprintln!("difference: {difference}");
        }
        Ok(ExitCode::from(u8::from(!found.differences.is_empty())))
    }
}

fn rows(found: &Reconciliation) -> Rows {
    let mut rows = Rows::new(["what", "count", "of"]);
    let mut add = |of: &str, counts: &[(&str, u64)]| {
        for (what, count) in counts {
            rows.add([Value::from(*what), (*count).into(), of.into()]);
        }
    };
    let entries = &found.entries;
    add(
        "entries",
        &[
            ("stored", entries.stored),
            ("repeated", entries.repeated),
            ("refused", entries.refused),
            ("removed", entries.removed),
            ("kept", entries.kept),
        ],
    );
    for table in &found.tables {
        let counts = [("rows", table.rows), ("dead", table.dead)];
        add(&format!("table {}", table.table), &counts);
    }
    for sink in &found.sinks {
        add(
            &format!("sink {}", sink.sink),
            &[
                ("delivered", sink.delivered),
                ("left out", sink.left_out),
                ("dead", sink.dead),
                ("pending", sink.pending),
            ],
        );
    }
    rows
}
