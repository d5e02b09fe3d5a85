//! The commands of the program that look into a store or change it, as a shell would run them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use logeater_server::{Delivery, Sink, SinkConfig, StoredEvent};

use crate::support::{Folder, Running, event_with_id};

fn logeater(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_logeater"));
    command.args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOGEATER_")) {
        command.env_remove(name);
    }
    command
}

/// The command on the store of a folder.
fn on(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = logeater(arguments);
    command.env("LOGEATER_DATA", folder.data());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a command that succeeds prints.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

/// What a command says that fails with this exit code.
fn failed(command: &mut Command, code: i32) -> String {
    let output: Output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    text(&output.stderr)
}

async fn push(running: &Running, id: u8, event_type: &str, details: &str) {
    let mut client = running.client().await;
    let pushed = client.push(event_with_id(id, event_type, details));
    pushed.await.unwrap();
}

/// A store with three events, one of which is a dead letter.
async fn three_events() -> Folder {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let running = Running::start(folder.config()).await;
    push(&running, 1, "cart.add", r#"{"sku":"a"}"#).await;
    push(&running, 2, "order.pay", r#"{"amount":2}"#).await;
    push(&running, 3, "cart.add", r#"{"sku":3}"#).await;
    running.stop().await.unwrap();
    folder
}

#[tokio::test]
async fn a_query_is_a_table_or_lines_of_json() {
    let folder = three_events().await;
    let sql = "SELECT type, count(*) AS events, max(user_id) AS user, NULL AS none FROM events GROUP BY type";
    assert_eq!(
        printed(&mut on(&folder, &["query", sql])),
        " type       events  user  none\n cart.add   2       u-1\n order.pay  1       u-1\n"
    );
    assert_eq!(
        printed(&mut on(&folder, &["query", "--format", "json", sql])),
        concat!(
            r#"{"events":2,"none":null,"type":"cart.add","user":"u-1"}"#,
            "\n",
            r#"{"events":1,"none":null,"type":"order.pay","user":"u-1"}"#,
            "\n"
        )
    );
}

#[tokio::test]
async fn a_query_cannot_change_the_store() {
    let folder = three_events().await;
    let said = failed(&mut on(&folder, &["query", "DELETE FROM events"]), 1);
    assert_eq!(said, "error: attempt to write a readonly database\n");
    let said = failed(
        &mut on(&folder, &["query", "SELECT missing FROM events"]),
        1,
    );
    assert!(said.starts_with("error: no such column: missing"), "{said}");
}

#[test]
fn a_folder_without_a_store_is_named_with_the_fix() {
    let folder = Folder::new();
    let said = failed(&mut on(&folder, &["query", "SELECT 1"]), 1);
    let expected = format!(
        "error: there is no store in {}: give --data the folder that `logeater serve` has\n",
        folder.data().display()
    );
    assert_eq!(said, expected);
    assert!(!folder.data().exists(), "nothing was made");
}

#[tokio::test]
async fn tail_shows_the_last_events_of_a_type() {
    let folder = three_events().await;
    assert_eq!(
        printed(&mut on(&folder, &["tail", "-n", "2"])),
        "2026-01-31T12:00:00.000000Z  shop  order.pay  u-1  {\"amount\":2}\n\
         2026-01-31T12:00:00.000000Z  shop  cart.add  u-1  {\"sku\":3}\n"
    );
    let carts = printed(&mut on(
        &folder,
        &["tail", "--type", "cart.*", "--format", "json"],
    ));
    let skus: Vec<serde_json::Value> = carts
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["details"]["sku"].take()
        })
        .collect();
    assert_eq!(skus, [serde_json::json!("a"), serde_json::json!(3)]);
    assert_eq!(printed(&mut on(&folder, &["tail", "--user", "u-2"])), "");
    assert_eq!(
        printed(&mut on(&folder, &["tail", "--service", "shop", "-n", "1"]))
            .lines()
            .count(),
        1
    );
}

/// A child that is killed when the test ends.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_follows_the_events_that_come() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    push(&running, 1, "cart.add", r#"{"sku":"before"}"#).await;
    let tail = on(&folder, &["tail", "--follow", "--type", "cart.*"])
        .stdout(Stdio::piped())
        .spawn();
    let mut tail = Following(tail.unwrap());
    let mut lines = BufReader::new(tail.0.stdout.take().unwrap()).lines();
    let mut next = move || lines.next().unwrap().unwrap();
    assert!(next().contains("before"));
    push(&running, 2, "order.pay", "{}").await;
    push(&running, 3, "cart.add", r#"{"sku":"after"}"#).await;
    let line = tokio::task::spawn_blocking(next).await.unwrap();
    assert!(line.contains("after"), "{line}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn push_sends_one_event_and_prints_its_id() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let to = ["--endpoint", &running.address];
    let arguments = [
        "push",
        "cart.add",
        "--details",
        r#"{"sku":"a"}"#,
        "--user",
        "u-7",
        "--service",
        "shell",
        "--timestamp",
        "2026-01-31T12:00:00+01:00",
    ];
    let id = printed(&mut logeater(&[&arguments[..], &to].concat()));

    let mut from_stdin = logeater(&["push", "cart.add", "--details", "-", to[0], to[1]])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    from_stdin
        .stdin
        .take()
        .unwrap()
        .write_all(br#"{"sku":"b"}"#)
        .unwrap();
    assert!(from_stdin.wait().unwrap().success());

    let rows = folder.rows(
        "SELECT event_id, timestamp, service, type, user_id, details FROM events ORDER BY rowid",
    );
    let first = format!(
        "'{}'|'2026-01-31T11:00:00.000000Z'|'shell'|'cart.add'|'u-7'|'{{\"sku\":\"a\"}}'",
        id.trim()
    );
    assert_eq!(rows[0], first);
    assert!(
        rows[1].ends_with("'logeater'|'cart.add'|NULL|'{\"sku\":\"b\"}'"),
        "{}",
        rows[1]
    );

    let said = failed(&mut logeater(&["push", "cart", to[0], to[1]]), 1);
    assert!(
        said.starts_with("error: the collector did not take it: InvalidArgument: type `cart`: "),
        "{said}"
    );
    running.stop().await.unwrap();
}

#[test]
fn push_says_that_nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let said = failed(&mut logeater(&["push", "cart.add", "--endpoint", &url]), 1);
    assert!(
        said.starts_with(&format!("error: cannot reach a collector at {url}: "))
            && said.contains("refused"),
        "{said}"
    );
}

#[tokio::test]
async fn reconcile_counts_and_says_what_does_not_add_up() {
    let folder = three_events().await;
    let rows = printed(&mut on(&folder, &["reconcile", "--format", "json"]));
    for row in [
        r#"{"count":3,"of":"entries","what":"stored"}"#,
        r#"{"count":1,"of":"table cart","what":"rows"}"#,
        r#"{"count":1,"of":"table cart","what":"dead"}"#,
    ] {
        assert!(rows.lines().any(|line| line == row), "{rows}");
    }
    let store = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    store
        .execute_batch("DELETE FROM events WHERE type = 'cart.add'")
        .unwrap();
    assert_eq!(
        failed(&mut on(&folder, &["reconcile"]), 1),
        "difference: 3 events were stored and 0 removed by retention, but 1 are there: some were added or removed by hand\n\
         difference: 1 rows of table cart have no event\n"
    );
    failed(
        on(&folder, &["reconcile"]).env("LOGEATER_DATA", "/nowhere"),
        2,
    );
}

/// Refuses all, until it is told otherwise.
#[derive(Debug)]
struct Refuses;

#[tonic::async_trait]
impl Sink for Refuses {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let refuse = |delivery: Delivery, index| delivery.refuse(index, "not today");
        (0..events.len()).fold(Delivery::stored(), refuse)
    }
}

#[tokio::test]
async fn replay_and_sink_change_what_the_next_collector_does() {
    let folder = three_events().await;
    let sink = SinkConfig::new(Refuses).batch_wait(Duration::ZERO);
    let running = Running::start(folder.config().sink("down", sink)).await;
    while folder.rows("SELECT dead FROM _logeater_sinks") != ["3"] {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();

    let replayed = printed(&mut on(&folder, &["replay", "--dead-letters"]));
    assert_eq!(replayed, "sink down: 3 events\n");
    let replayed = printed(&mut on(&folder, &["replay", "--since", "1h"]));
    assert_eq!(replayed, "sink down: 3 events\n");
    let replayed = printed(&mut on(
        &folder,
        &["replay", "--since", "2999-01-01T00:00:00Z"],
    ));
    assert_eq!(replayed, "sink down: 0 events\n");
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let schemas = folder.schemas();
    let replayed = printed(on(&folder, &["replay", "--catalog"]).arg(&schemas));
    assert_eq!(replayed, "table cart: 0 events, 1 do not fit\n");
    assert_eq!(printed(&mut on(&folder, &["sink", "pause", "down"])), "");
    assert_eq!(
        printed(&mut on(&folder, &["sink", "list"])),
        " sink  delivered  left_out  dead  pending  paused\n down  0          0         0     3        true\n"
    );
    assert_eq!(
        failed(&mut on(&folder, &["sink", "resume", "up"]), 1),
        "error: sink `up` is not known: this store has down\n"
    );
    assert_eq!(
        failed(
            &mut on(&folder, &["replay", "--since", "1h", "--sink", "up"]),
            1
        ),
        "error: sink `up` is not known: this store has down\n"
    );
    assert_eq!(
        failed(
            &mut on(&folder, &["replay", "--dead-letters", "--sink", "up"]),
            1
        ),
        "error: sink `up` is not known: this store has down\n"
    );
    printed(&mut on(&folder, &["reconcile"]));
}

#[test]
fn replay_says_what_it_wants() {
    let said = failed(&mut logeater(&["replay", "--data", "x"]), 2);
    assert!(
        said.contains("<--dead-letters|--since <TIME>|--catalog <PATH>>"),
        "{said}"
    );
    let said = failed(
        &mut logeater(&["replay", "--data", "x", "--since", "yesterday"]),
        2,
    );
    assert!(
        said.contains("neither a time such as 2026-01-31T12:00:00Z nor a span such as 2h or 3d"),
        "{said}"
    );
}

#[test]
fn completions_know_the_commands() {
    let bash = printed(&mut logeater(&["completions", "bash"]));
    assert!(
        bash.contains("reconcile") && bash.contains("complete -F"),
        "{bash}"
    );
}
