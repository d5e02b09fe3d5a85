//! A configuration file.

#![no_main]

use std::sync::LazyLock;

use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("there is a folder for files"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| logeater_server::fuzzing::configuration(FOLDER.path(), data));
