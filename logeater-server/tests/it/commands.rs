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
    let copy = folder.data().join("copy.db");
    for sql in ["VACUUM INTO", "ATTACH"] {
        let sql = format!("{sql} '{}'", copy.display());
        let sql = if sql.starts_with("ATTACH") {
            sql + " AS copy"
        } else {
            sql
        };
        let said = failed(&mut on(&folder, &["query", &sql]), 1);
        assert_eq!(
            said,
            "error: the store is only read, and no other file is opened or written\n"
        );
    }
    assert!(!copy.exists());
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

/// Changes a store by hand.
fn change(folder: &Folder, sql: &str) {
    let store = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    store.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn tail_reads_no_more_than_it_shows() {
    let folder = three_events().await;
    // An event that cannot be read.
    change(&folder, "UPDATE events SET details = x'ff' WHERE rowid = 1");
    let shown = printed(&mut on(&folder, &["tail", "-n", "2"]));
    assert_eq!(shown.lines().count(), 2, "{shown}");
    failed(&mut on(&folder, &["tail", "-n", "3"]), 1);
    assert_eq!(printed(&mut on(&folder, &["tail", "-n", "0"])), "");
}

#[tokio::test]
async fn a_long_table_is_cut_and_lines_of_json_are_not() {
    let folder = three_events().await;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10003) SELECT i FROM n";
    let output = on(&folder, &["query", sql]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 1 + 10_000);
    assert_eq!(
        text(&output.stderr),
        "3 more rows are left out: --format json prints all\n"
    );
    let lines = printed(&mut on(&folder, &["query", "--format", "json", sql]));
    assert_eq!(lines.lines().count(), 10_003);
    assert_eq!(lines.lines().last(), Some(r#"{"i":10003}"#));
}

#[tokio::test]
async fn lines_of_json_come_before_the_query_has_ended() {
    let folder = three_events().await;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let query = on(&folder, &["query", "--format", "json", sql])
        .stdout(Stdio::piped())
        .spawn();
    let mut query = Following(query.unwrap());
    let mut line = String::new();
    let mut out = BufReader::new(query.0.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "{\"i\":1}\n");
    drop(out);
    assert!(query.0.wait().unwrap().success(), "nobody reads any more");
}

#[tokio::test]
async fn sinks_are_listed_without_a_look_at_anything_else() {
    let folder = three_events().await;
    change(
        &folder,
        "DROP TABLE dead_letters;
         INSERT INTO _logeater_sinks (name, began, cursor, delivered, left_out) VALUES ('archive', 0, 2, 1, 1);
         INSERT INTO _logeater_resend VALUES ('archive', 1)",
    );
    assert_eq!(
        printed(&mut on(&folder, &["sink", "list"])),
        " sink     delivered  left_out  dead  pending  paused\n archive  1          1         0     2        false\n"
    );
}

/// What each command that reads says of the folder's store.
fn read(folder: &Folder) -> Vec<String> {
    let commands: [(&[&str], i32); 4] = [
        (&["tail"], 1),
        (&["query", "SELECT 1"], 1),
        (&["sink", "list"], 1),
        (&["reconcile"], 2),
    ];
    let said = commands.map(|(command, code)| failed(&mut on(folder, command), code));
    said.into()
}

#[tokio::test]
async fn what_is_no_store_of_this_version_is_named_by_all_that_read_it() {
    let folder = Folder::new();
    std::fs::create_dir(folder.data()).unwrap();
    let file = folder.data().join("logeater.db");
    let path = file.display().to_string();
    let foreign = format!("error: {path} is a database, but not a logeater store: ");
    let older = format!("error: the store {path} has format 1, and this logeater wants 3: ");
    let newer = format!("error: the store {path} has format 4, and this logeater knows 3: ");
    let format = |format| {
        format!(
            "CREATE TABLE _logeater (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL);
             INSERT INTO _logeater VALUES ('format', {format})"
        )
    };
    for (sql, expected) in [
        ("CREATE TABLE pets (name TEXT)".to_owned(), foreign.clone()),
        (String::new(), foreign),
        (format(1), older),
        (format(4), newer),
    ] {
        std::fs::remove_file(&file).ok();
        std::fs::write(&file, "").unwrap();
        change(&folder, &sql);
        for said in read(&folder) {
            assert!(said.starts_with(&expected), "{sql}: {said}");
        }
    }
    std::fs::write(&file, "no database at all, but a long text").unwrap();
    for said in read(&folder) {
        let expected = format!("error: the store {path} is damaged, or no database: ");
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[tokio::test]
async fn a_query_without_a_statement_says_what_it_wants() {
    let folder = three_events().await;
    for sql in ["", " ;", "/* nothing */"] {
        assert_eq!(
            failed(&mut on(&folder, &["query", sql]), 1),
            "error: there is no statement in it: write one such as `SELECT type, count(*) FROM events GROUP BY type`\n"
        );
    }
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

#[tokio::test]
async fn what_clients_have_sent_does_not_control_the_terminal() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let mut event = event_with_id(1, "cart.add", "{\n\"sku\":\t1}");
    event.user_id = Some("u\n\u{1b}[31m\u{9b}2J".to_owned());
    running.client().await.push(event).await.unwrap();
    running.stop().await.unwrap();
    let user = r"u\n\u{1b}[31m\u{9b}2J";
    assert_eq!(
        printed(&mut on(&folder, &["query", "SELECT user_id FROM events"])),
        format!(" user_id\n {user}\n")
    );
    let tail = printed(&mut on(&folder, &["tail"]));
    let fields = format!("cart.add  {user}  {{ \"sku\": 1}}\n");
    assert!(tail.ends_with(&fields), "{tail}");
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
    let mut parts: Vec<_> = said.trim().split(": ").collect();
    let count = parts.len();
    parts.dedup();
    assert_eq!(parts.len(), count, "{said}");
}

#[test]
fn push_names_a_url_that_is_wrong_and_says_what_to_write() {
    let push = ["push", "cart.add", "--endpoint", "localhost:50051"];
    let said = failed(&mut logeater(&push), 2);
    assert!(
        said.starts_with("error: invalid value 'localhost:50051' for '--endpoint <URL>'")
            && said.contains("write http://localhost:50051"),
        "{said}"
    );
    let push = ["push", "cart.add", "--ca", "ca.pem"];
    assert_eq!(
        failed(&mut logeater(&push), 1),
        "error: certificates are for https:// alone, and the URL is http://127.0.0.1:50051\n"
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

#[tokio::test]
async fn replay_says_that_there_are_no_sinks() {
    let folder = three_events().await;
    for what in [&["--dead-letters"][..], &["--since", "1h"]] {
        let command = [&["replay"], what].concat();
        assert_eq!(
            failed(&mut on(&folder, &command), 1),
            "error: this store has no sinks: the next collector that is configured with one makes its cursor\n"
        );
    }
    let schemas = folder.schemas();
    let said = failed(
        on(&folder, &["replay", "--sink", "up", "--catalog"]).arg(schemas),
        2,
    );
    assert!(
        said.contains("the following required arguments were not provided"),
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
