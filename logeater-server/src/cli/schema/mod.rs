//! `logeater schema`: what CI and people do with folders of schemas.

#[cfg(feature = "bigquery")]
mod apply;
mod diff;
mod files;
mod merge;
mod render;

use std::error::Error;
use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Schema {
    Diff(diff::Diff),
    Render(render::Render),
    Merge(merge::Merge),
    #[cfg(feature = "bigquery")]
    Apply(apply::Apply),
}

impl Schema {
    pub(super) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self {
            Self::Diff(diff) => diff.run(),
            Self::Render(render) => render.run(),
            Self::Merge(merge) => merge.run(),
            #[cfg(feature = "bigquery")]
            Self::Apply(apply) => apply.run(),
        }
    }
}
