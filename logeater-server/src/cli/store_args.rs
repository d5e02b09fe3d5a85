//! Which store a command is about.

use std::path::PathBuf;

/// Which store.
#[derive(Debug, clap::Args)]
pub(super) struct StoreArgs {
    /// The folder of the store, whether a collector has it open or not
    #[arg(long, value_name = "DIR", env = "LOGEATER_DATA")]
    data: PathBuf,
}

impl StoreArgs {
    /// The file of the store, which is there.
    pub(super) fn path(&self) -> Result<PathBuf, String> {
        let path = crate::Config::new(&self.data).store();
        if path.is_file() {
            return Ok(path);
        }
        Err(format!(
            "there is no store in {}: give --data the folder that `logeater serve` has",
            self.data.display()
        ))
    }
}
