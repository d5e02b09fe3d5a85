//! Stores that another program locks, and stores that are damaged: what is said, and that it is said before anything is lost.

use std::error::Error as _;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use logeater_server::{Collector, reconcile};
use rusqlite::Connection;
use tonic::Code;

use crate::support::{Folder, Running, event};

fn file(folder: &Folder) -> PathBuf {
    folder.data().join("logeater.db")
}

/// A store with some events in it.
async fn store() -> Folder {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for _ in 0..20 {
        let details = format!(r#"{{"text":"{}"}}"#, "a".repeat(20_000));
        client.push(event("cart.add", &details)).await.unwrap();
    }
    running.stop().await.unwrap();
    folder
}

/// Another program, in the middle of a transaction.
fn lock(folder: &Folder) -> Connection {
    let other = Connection::open(file(folder)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

fn overwrite(folder: &Folder, at: u64, bytes: &[u8]) {
    let mut file = File::options().write(true).open(file(folder)).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

fn cut(folder: &Folder, bytes: u64) {
    let file = File::options().write(true).open(file(folder)).unwrap();
    file.set_len(bytes).unwrap();
}

#[tokio::test]
async fn a_store_that_another_program_locks_is_not_served_and_the_error_says_how_to_find_it() {
    let folder = store().await;
    let _other = lock(&folder);
    let error = Collector::open(&folder.config()).unwrap_err();
    let path = file(&folder).display().to_string();
    assert_eq!(
        error.to_string(),
        format!(
            "another program keeps the store {path} locked: end its transaction, or stop it; `fuser {path}` says which it is"
        )
    );
}

#[tokio::test]
async fn while_another_program_locks_the_store_pushes_are_to_come_again() {
    let folder = store().await;
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    let other = lock(&folder);
    let refused = client.push(event("cart.add", "{}")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    other.execute_batch("COMMIT").unwrap();
    client.push(event("cart.add", "{}")).await.unwrap();
    running.stop().await.unwrap();
    assert_eq!(folder.rows("SELECT count(*) FROM events"), ["21"]);
}

#[tokio::test]
async fn a_damaged_store_is_not_served_and_is_left_as_it_is() {
    type Damage = fn(&Folder);
    let damages: [Damage; 4] = [
        |folder| overwrite(folder, 0, b"no database at all"),
        |folder| overwrite(folder, 100, &[0xff; 200]),
        |folder| cut(folder, 20_000),
        |folder| cut(folder, 50),
    ];
    for damage in damages {
        let folder = store().await;
        damage(&folder);
        let before = fs::read(file(&folder)).unwrap();
        let error = Collector::open(&folder.config()).unwrap_err();
        let path = file(&folder).display().to_string();
        assert_eq!(
            error.to_string(),
            format!(
                "the store {path} is damaged, or no database: put a backup in its place, or move it away with its -wal and -shm files; \
                 `sqlite3 {path} .recover` saves what can be read"
            )
        );
        assert!(error.source().is_some());
        assert_eq!(fs::read(file(&folder)).unwrap(), before);
    }
}

#[tokio::test]
async fn damage_that_no_start_meets_is_found_by_reconcile() {
    let folder = store().await;
    let middle = fs::metadata(file(&folder)).unwrap().len() / 2;
    // Every byte of some pages, so that it meets more than text.
    overwrite(&folder, middle / 8_192 * 8_192, &vec![0x5a; 5 * 8_192]);
    drop(Collector::open(&folder.config()).unwrap());
    let reconciled = reconcile(file(&folder)).map(|counts| counts.differences);
    let found = reconciled.map_or_else(
        |error| error.to_string(),
        |differences| differences.join("\n"),
    );
    assert!(found.contains("damaged"), "{found}");
}
