//! `[sinks.*]`: where events are delivered. Each type has keys of its own, beside those of all.

use std::collections::HashMap;
use std::fs;
use std::path::{self, PathBuf};

use super::{Section, set};
#[cfg(feature = "bigquery")]
use crate::bigquery::Credentials;
use crate::config::SinkText;
#[cfg(feature = "bigquery")]
use crate::sinks::{BigQuery, BigQuerySink, Write};
use crate::sinks::{Jsonl, SinkConfig, Stdout};

/// The folders of sinks, each with the name of the one that writes to it.
type Folders<'d> = HashMap<PathBuf, &'d str>;

/// All sinks of the file, by name, each with its text. With a mistake nothing of the file counts, so that it does not
/// matter what stands for a sink that has one.
pub(super) fn read(root: &mut Section<'_>) -> Vec<((String, SinkConfig), SinkText)> {
    let mut folders = Folders::new();
    root.named("sinks", |name, section| {
        let sink = sink(section, name, &mut folders);
        let sink = batches(sink, section);
        let text = SinkText {
            name: name.to_owned(),
            prints: section.text("type") == Some("stdout"),
            keys: section.keys_and_values(),
        };
        ((name.to_owned(), sink), text)
    })
}

fn sink<'d>(section: &mut Section<'_>, name: &'d str, folders: &mut Folders<'d>) -> SinkConfig {
    match section.required("type", Section::text) {
        Some("jsonl") => return SinkConfig::new(jsonl(section, name, folders)),
        Some("stdout") => {}
        #[cfg(feature = "bigquery")]
        Some("bigquery") => {
            if let Some(sink) = bigquery(section) {
                return SinkConfig::new(sink);
            }
        }
        #[cfg(not(feature = "bigquery"))]
        Some("bigquery") => {
            section.ignore_others();
            section.problem(
                "type",
                "this program was built without the feature `bigquery`",
            );
        }
        other => {
            // Which keys it may have is not known.
            section.ignore_others();
            if let Some(other) = other {
                let message = format!(
                    "there is no sink `{other}`: write \"bigquery\", \"jsonl\" or \"stdout\""
                );
                section.problem("type", message);
            }
        }
    }
    SinkConfig::new(Stdout)
}

fn jsonl<'d>(section: &mut Section<'_>, name: &'d str, folders: &mut Folders<'d>) -> Jsonl {
    let folder = section.required("path", Section::path).unwrap_or_default();
    // However it is written.
    let place = fs::canonicalize(&folder).or_else(|_| path::absolute(&folder));
    if let Some(other) = folders.insert(place.unwrap_or_else(|_| folder.clone()), name) {
        let message = format!("the sink `{other}` writes to this folder: give each one of its own");
        section.problem("path", message);
    }
    let mut sink = Jsonl::new(folder);
    if let Some(bytes) = section.size("file_bytes", 1..=u64::MAX) {
        sink = sink.file_bytes(bytes);
    }
    if let Some(age) = section.duration("file_age") {
        sink = sink.file_age(age);
    }
    sink
}

/// `None` is a mistake that was noted.
#[cfg(feature = "bigquery")]
fn bigquery(section: &mut Section<'_>) -> Option<BigQuerySink> {
    let project = section.required("project", Section::text);
    let dataset = section.required("dataset", Section::text);
    let credentials = match section.text("credentials") {
        None | Some("default") => Some(Credentials::application_default()),
        Some("none") => Some(Credentials::none()),
        Some(_) => section.path("credentials").map(Credentials::file),
    };
    let write = match section.text("write") {
        None | Some("insert_all") => Some(Write::InsertAll),
        Some("storage_write") => Some(Write::StorageWrite),
        Some("exactly_once") => Some(Write::ExactlyOnce),
        Some(other) => {
            let message = format!(
                "`{other}` is no way to write: \"insert_all\", \"storage_write\" or \"exactly_once\""
            );
            section.problem("write", message);
            None
        }
    };
    let endpoint = section.text("endpoint");
    let storage_endpoint = section.text("storage_endpoint");
    let apply = section.switch("apply");
    let column_wait = section.duration("column_wait");

    let mut sink = BigQuery::new(project?, dataset?)
        .credentials(credentials?)
        .write(write?);
    if let Some(url) = endpoint {
        sink = sink.endpoint(url);
    }
    if let Some(url) = storage_endpoint {
        sink = sink.storage_endpoint(url);
    }
    if let Some(apply) = apply {
        sink = sink.apply(apply);
    }
    if let Some(wait) = column_wait {
        sink = sink.column_wait(wait);
    }
    sink.build()
        .map_err(|error| section.problem(error.setting(), &error))
        .ok()
}

fn batches(mut sink: SinkConfig, section: &mut Section<'_>) -> SinkConfig {
    let rows = section.integer("batch_rows", 1..=1_000_000_u32);
    set(&mut sink.batch_rows, rows.map(|rows| rows as usize));
    let bytes = section.size("batch_bytes", 1..=1 << 30);
    set(
        &mut sink.batch_bytes,
        bytes.and_then(|bytes| bytes.try_into().ok()),
    );
    set(&mut sink.batch_wait, section.duration("batch_wait"));
    let workers = section.integer("workers", 1..=1_000_u32);
    set(&mut sink.workers, workers.map(|workers| workers as usize));
    set(&mut sink.timeout, section.duration("timeout"));
    sink
}
