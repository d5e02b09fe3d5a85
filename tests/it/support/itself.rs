//! This very program as another process: one of its tests, in another role.

use std::env;
use std::process::Command;

const ROLE: &str = "LOGEATER_TEST_ROLE";

/// A process that runs the test `name`, such as `module::test`, in this role.
pub(crate) fn another_process(name: &str, role: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture"])
        .env(ROLE, role);
    command
}

/// The role of this process, if it has one.
pub(crate) fn role() -> Option<String> {
    env::var(ROLE).ok()
}
