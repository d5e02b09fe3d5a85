//! What signals do to the program: SIGHUP reads its configuration anew, a second SIGTERM ends it at once.

use std::pin::pin;

use logeater_proto::event::event_client::EventClient;
use logeater_server::Token;
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::support::program::Program;
use crate::support::{Folder, event};

/// A configuration that knows this token, and `more` limits.
fn config(token: &str, more: &str) -> String {
    let sha256 = Token::new("shop", token).sha256();
    format!(
        "data = \"data\"\ncatalog = \"schemas\"\nlisten = {{ grpc = \"127.0.0.1:0\" }}\n\
         limits = {{ {more} }}\n[[tokens]]\nname = \"shop\"\nsha256 = \"{sha256}\"\n"
    )
}

async fn push_as(client: &mut EventClient<Channel>, token: &str) -> Code {
    let mut request = Request::new(event("cart.add", r#"{"sku":"A-1"}"#));
    let token = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", token);
    match client.push(request).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

/// The client's connection needs a thread of its own while the test waits for the program.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sighup_takes_over_what_may_change_and_nothing_of_what_is_wrong() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"other","type":"STRING"}"#);
    let file = folder.schemas().with_file_name("logeater.toml");
    std::fs::write(&file, config("first", "")).unwrap();
    let mut program = Program::start(&file);
    let mut client = program.client().await;
    assert_eq!(push_as(&mut client, "first").await, Code::Ok);

    folder.declare_cart(r#"{"name":"other","type":"STRING"},{"name":"sku","type":"STRING"}"#);
    std::fs::write(&file, config("second", "streams = 7")).unwrap();
    program.signal("HUP");
    let log = program.read_until("from the next start");
    assert!(
        log.contains("SIGHUP: the configuration was read anew"),
        "{log}"
    );
    assert!(log.contains("`streams` has changed"), "{log}");
    assert_eq!(push_as(&mut client, "first").await, Code::Unauthenticated);
    assert_eq!(push_as(&mut client, "second").await, Code::Ok);
    assert_eq!(folder.rows("SELECT sku FROM cart"), ["'A-1'"]);

    std::fs::write(&file, config("third", "streams = 0")).unwrap();
    program.signal("HUP");
    let log = program.read_until("all stays as it was");
    let log = log + &program.read_until("logeater.toml:");
    assert!(
        log.contains(":4:22: `streams`: 0 is not from 1 to 100000"),
        "{log}"
    );
    assert_eq!(push_as(&mut client, "third").await, Code::Unauthenticated);
    assert_eq!(push_as(&mut client, "second").await, Code::Ok);
    assert!(!log.contains("A-1"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sighup_takes_over_the_rules() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let file = folder.schemas().with_file_name("logeater.toml");
    let sink = "[sinks.archive]\ntype = \"jsonl\"\npath = \"archive\"\nbatch_wait = \"1ms\"\n";
    let started = config("shop", "") + sink;
    std::fs::write(&file, &started).unwrap();
    let mut program = Program::start(&file);
    let mut client = program.client().await;

    let rule = "[[rules]]\nmatch = \"cart.*\"\ndrop = true\n";
    std::fs::write(&file, started + rule).unwrap();
    program.signal("HUP");
    program.read_until("SIGHUP: the configuration was read anew");
    assert_eq!(push_as(&mut client, "shop").await, Code::Ok);
    let ended = "SELECT delivered + left_out FROM _logeater_sinks";
    while folder.rows(ended) != ["1"] {
        tokio::task::yield_now().await;
    }
    let left_out = folder.rows("SELECT delivered, left_out FROM _logeater_sinks");
    assert_eq!(left_out, ["0|1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sighup_says_which_sinks_count_from_the_next_start() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let file = folder.schemas().with_file_name("logeater.toml");
    let sinks = |sinks: &str| config("shop", "") + sinks;
    let jsonl = |name: &str, more: &str| {
        format!("[sinks.{name}]\ntype = \"jsonl\"\npath = \"{name}\"\n{more}\n")
    };
    let (same, gone) = (jsonl("same", ""), jsonl("gone", ""));
    let started = [&*same, &gone, &jsonl("other", "workers = 1")].concat();
    std::fs::write(&file, sinks(&started)).unwrap();
    let mut program = Program::start(&file);

    let (other, new) = (jsonl("other", "workers = 2"), jsonl("new", ""));
    let next = [&*other, "# only moved\n", &same, &new].concat();
    std::fs::write(&file, sinks(&next)).unwrap();
    program.signal("HUP");
    let mut log = String::new();
    for name in ["gone", "new", "other"] {
        log += &program.read_until(&format!(
            "SIGHUP: `sinks.{name}` has changed, and counts from the next start"
        ));
    }
    assert!(!log.contains("sinks.same"), "{log}");

    let rule = "[[rules]]\nmatch = \"*\"\nsinks = [\"new\"]\n";
    std::fs::write(&file, sinks(&(next + rule))).unwrap();
    program.signal("HUP");
    let log = program.read_until("all stays as it was");
    assert!(
        log.contains(
            "sink `new` is named by a rule, and is new in the file: it counts from the next start"
        ),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_signal_does_not_wait_for_the_drain() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let file = folder.schemas().with_file_name("logeater.toml");
    std::fs::write(&file, config("shop", "drain_timeout = \"1h\"")).unwrap();
    let mut program = Program::start(&file);
    let mut client = program.client().await;
    assert_eq!(push_as(&mut client, "shop").await, Code::Ok);
    let holder = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut other = client.clone();
    let mut held = pin!(push_as(&mut client, "shop"));
    // What brings no token is answered at once, after what came before it on the same connection has arrived.
    tokio::select! {
        biased;
        code = &mut held => panic!("answered without a commit: {code}"),
        refused = other.push(event("cart.add", "{}")) => assert!(refused.is_err()),
    }

    program.signal("TERM");
    program.read_until("SIGTERM: draining");
    program.signal("TERM");

    assert_eq!(program.child.wait().unwrap().code(), Some(1));
    program.read_until("SIGTERM again");
    assert_ne!(held.await, Code::Ok);
    drop(holder);
    assert_eq!(folder.rows("SELECT count(*) FROM events"), ["1"]);
}
