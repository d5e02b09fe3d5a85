//! `logeater schema merge`: the folders of several services as the one that the collector reads.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use logeater_schema::{Catalog, Change, Conflict, Update, UpdateError};

use super::files::{by_name, files_of};
use crate::cli::output::print;

/// Merge the folders of schemas of several services into one
///
/// A table that services share has the columns of all of them. With --output the result is a folder of schemas, whose
/// tables keep the columns that they had: it only grows, like the folder of one service. Without it, the catalog's files
/// are printed as one object by table. Nothing is written when two services exclude each other, or when a change would break a
/// table that the output has and its `allow.toml` does not approve it. The exit code is 0, 1 with --check if the output
/// is not current, 2 for an error.
#[derive(Debug, clap::Args)]
pub(crate) struct Merge {
    /// The folders of schemas
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,

    /// The folder of schemas to write, made if it is missing
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Write nothing, and say whether the output is current
    #[arg(long, requires = "output")]
    check: bool,
}

impl Merge {
    pub(super) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let merged = self.merged()?;
        if let Some(output) = &self.output {
            return self.grow(output, &merged);
        }
        print(&catalog_files(&merged))?;
        Ok(ExitCode::SUCCESS)
    }

    fn grow(&self, output: &Path, merged: &Catalog) -> Result<ExitCode, Box<dyn Error>> {
        let update = Update::of(output, merged).map_err(|error| match error {
            UpdateError::NoEvents => "the folders have no event type".into(),
            error => Box::<dyn Error>::from(error),
        })?;
        let output = output.display();
        if update.is_empty() {
            print(&format!("{output} is current\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.check {
            print(&format!(
                "{output} is not what the services declare:\n\n{update}"
            ))?;
            return Ok(ExitCode::from(1));
        }
        update.write()?;
        print(&summary(update.changes(), &format!("wrote {output}")))?;
        Ok(ExitCode::SUCCESS)
    }

    fn merged(&self) -> Result<Catalog, Box<dyn Error>> {
        let mut catalogs = Vec::new();
        for folder in &self.folders {
            catalogs.push((folder.display().to_string(), Catalog::read(folder)?));
        }
        let named = catalogs
            .iter()
            .map(|(name, catalog)| (name.as_str(), catalog));
        Catalog::union(named).map_err(|conflicts| exclusions(&conflicts).into())
    }
}

fn catalog_files(catalog: &Catalog) -> String {
    by_name(&files_of(catalog.files(), "catalog", ".json"))
}

fn exclusions(conflicts: &[Conflict]) -> String {
    let lines = conflicts.iter().map(|conflict| format!("\n  - {conflict}"));
    format!(
        "the services exclude each other:{}",
        lines.collect::<String>()
    )
}

fn summary(changes: &[Change], end: &str) -> String {
    let mut text = String::new();
    for change in changes {
        let _ = writeln!(text, "{}: {change}", change.class().name());
    }
    text + end + "\n"
}
