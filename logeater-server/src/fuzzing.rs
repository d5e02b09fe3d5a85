//! What is done with arbitrary bytes by the fuzz targets, and by a test with their corpus: it panics where a promise is
//! broken.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use logeater_proto::entries;
use logeater_schema::Catalog;
use tokio::sync::watch;
use uuid::Uuid;

use crate::batch::Batch;
#[cfg(feature = "cli")]
use crate::config::{Overrides, Settings};
use crate::details;
use crate::intake::Intake;
use crate::plan::{KeptTypes, Plan};
use crate::rules::{Fate, Rule, Rules};
use crate::store::Trial;
use crate::{StoredEvent, shorten};

/// The folder of the targets and their corpus.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz");

/// A catalog with a column of each type and mode.
static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::read(Path::new(FOLDER).join("cart.json")).expect("it is checked in"));

/// As many entries as a batch may have.
const ENTRIES_MAX: u32 = 1_000;

thread_local! {
    static TRIAL: Trial = Trial::new(&CATALOG).expect("the catalog can be stored");
}

/// The bytes of a request, as a batch and as an entry: what is taken can be stored, and each entry has its end.
pub fn intake(data: &[u8]) {
    let plan = Arc::new(Plan::new(CATALOG.tables(), &KeptTypes::new()));
    let intake = Intake {
        plan: watch::Sender::new(plan).subscribe(),
        new_id: Uuid::now_v7,
    };
    let request = Bytes::copy_from_slice(data);
    if let Ok((batch, rejected)) = intake.batch(&request, ENTRIES_MAX) {
        assert_eq!(batch.rows.len() + rejected.len(), entries(data).count());
        store(&batch);
    }
    if let Ok(batch) = intake.entry(&request) {
        assert_eq!(batch.rows.len(), 1);
        store(&batch);
    }
}

fn store(batch: &Batch) {
    let counts = TRIAL.with(|trial| trial.store(batch).expect("what is taken can be stored"));
    assert_eq!(counts.stored + counts.repeated, batch.rows.len() as u64);
}

/// Details as text: another parser takes what is taken, and their cells are those of the table.
pub fn details(data: &[u8]) {
    let Ok(json) = str::from_utf8(data) else {
        return;
    };
    let plan = Plan::new(CATALOG.tables(), &KeptTypes::new());
    let (_, known) = plan.find("cart.add").expect("the catalog has it");
    let is_taken = details::check(json).is_ok();
    let cells = details::cells(&known.columns, json);
    assert_eq!(cells.is_ok(), is_taken);
    if is_taken {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok();
        assert!(is_json && json.trim_start().starts_with('{'));
    } else {
        // Its own limit of depth is smaller.
        let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json);
        assert!(object.is_err(), "an object is not taken");
    }
    if let Ok(Ok(cells)) = cells {
        assert!([known.columns.own(), known.columns.names().count()].contains(&cells.len()));
    }
}

/// A catalog's file: what is read can be stored, and is read again as it was written.
pub fn catalog(folder: &Path, data: &[u8]) {
    let file = folder.join("cart.json");
    fs::write(&file, data).expect("the folder is there");
    let Ok(catalog) = Catalog::read(&file) else {
        return;
    };
    Trial::new(&catalog).expect("what is read can be stored");
    let written = &catalog.files()[&PathBuf::from("catalog/cart.json")];
    fs::write(&file, written).expect("the folder is there");
    assert_eq!(Catalog::read(&file).expect("it was written"), catalog);
}

/// A rule's pattern, its filter and an event's details, each after a line feed: the event has an end, and keeps its id.
pub fn rules(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let mut parts = text.splitn(3, '\n');
    let mut part = || parts.next().unwrap_or_default();
    let (pattern, filter, details) = (part(), part(), part());
    let Ok(rule) = Rule::new(pattern).and_then(|rule| rule.filter(filter)) else {
        return;
    };
    let event = StoredEvent {
        sequence: 1,
        event_id: "019b7df0-abcd-7ef0-8123-040506070809".to_owned(),
        cluster_key: "2026-01-31".to_owned(),
        timestamp: "2026-01-31T12:00:00.000000Z".to_owned(),
        service: "shop".to_owned(),
        event_type: "cart.add".to_owned(),
        user_id: None,
        details: Some(details.to_owned()),
    };
    let fates = Rules::new(vec![rule]).apply_to_all("archive", slice::from_ref(&event));
    match fates.expect("there is a thread").remove(0) {
        Fate::Deliver(given) => assert_eq!(given.event_id, event.event_id),
        Fate::LeaveOut => {}
        Fate::Refuse(given, reason) => {
            assert_eq!(given, event);
            assert!(reason.len() < 2_000, "{}", shorten::shorten(&reason, 100));
        }
    }
}

/// A configuration file: it is taken, or each of its mistakes stands in one of its lines.
#[cfg(feature = "cli")]
pub fn configuration(folder: &Path, data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let file = folder.join("logeater.toml");
    fs::write(&file, text).expect("the folder is there");
    let Err(error) = Settings::load(Some(&file), &Overrides::default()) else {
        return;
    };
    let said = error.to_string();
    let place = format!("{}:", file.display());
    let mut places = 0;
    for problem in said.split(&place).skip(1) {
        let line = problem.split(':').next().and_then(|line| line.parse().ok());
        let lines = text.split('\n').count();
        assert!(
            line.is_some_and(|line| (1..=lines).contains(&line)),
            "{said}"
        );
        places += 1;
    }
    assert!(places > 0, "{said}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a target each file of its corpus, and returns how many there are.
    fn corpus(target: &str, run: impl Fn(&[u8])) -> usize {
        let files = fs::read_dir(Path::new(FOLDER).join("corpus").join(target)).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files.map(|file| run(&fs::read(file).unwrap())).count()
    }

    #[test]
    fn the_corpus_of_each_target_breaks_no_promise() {
        let folder = tempfile::tempdir().unwrap();
        let counts = [
            corpus("intake", intake),
            corpus("details", details),
            corpus("catalog", |data| catalog(folder.path(), data)),
            corpus("rules", rules),
        ];
        assert!(counts.iter().all(|files| *files >= 10), "{counts:?}");
    }

    #[cfg(feature = "cli")]
    #[test]
    fn the_corpus_of_configurations_breaks_no_promise() {
        let folder = tempfile::tempdir().unwrap();
        let files = corpus("configuration", |data| configuration(folder.path(), data));
        assert!(files >= 10, "{files}");
    }
}
