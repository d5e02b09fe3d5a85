//! The codes that a server can answer with: the documentation's table, row by row.

use std::thread;
use std::time::Duration;

use logeater_client::LossReason;
use tonic::Code;

use crate::support::{Order, Reply, ScriptedPeer, client};

const PATIENCE: Duration = Duration::from_mins(1);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// A code, and what is documented to become of a batch and of an event alone that is answered so.
type Row = (Code, &'static str, &'static str);

fn rows() -> Vec<Row> {
    let documentation = include_str!("../../logeater-client/src/client.rs");
    let rows = documentation.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("/// | `")?.split(" | ").collect();
        let [code, of_batch, alone] = cells[..] else {
            return None;
        };
        let code = error_code(code.strip_suffix('`')?)?;
        Some((code, of_batch, alone.strip_suffix(" |")?))
    });
    rows.collect()
}

/// The code of that name, if it is an error's.
fn error_code(name: &str) -> Option<Code> {
    (1..=16)
        .map(Code::from_i32)
        .find(|code| format!("{code:?}").to_uppercase() == name.replace('_', ""))
}

/// Does the same for each row, all at once: most of it is waiting.
fn each(test: impl Fn(Row) + Sync) {
    thread::scope(|scope| {
        for row in rows() {
            let test = &test;
            scope.spawn(move || test(row));
        }
    });
}

/// How many of two events are delivered, rejected and given up.
fn ends_of_two(peer: &ScriptedPeer, retry_for: Duration) -> (u64, u64, u64) {
    let client = client(&peer.url)
        .linger(LONG)
        .retry_for(retry_for)
        .build()
        .unwrap();
    for number in 0..2 {
        client.emit(Order { number });
    }
    client.flush_blocking(PATIENCE).unwrap();
    let stats = client.shutdown_blocking(PATIENCE);
    let given_up = stats.dropped_for(LossReason::RetriesSpent);
    (stats.delivered, stats.rejected, given_up)
}

#[test]
fn every_code_of_an_error_is_documented_once() {
    let codes: Vec<_> = rows().iter().map(|(code, ..)| *code as i32).collect();
    assert_eq!(codes, (1..=16).collect::<Vec<_>>());
}

#[test]
fn a_batch_that_is_answered_with_a_code_once_comes_to_what_is_documented() {
    each(|(code, of_batch, _)| {
        let peer = ScriptedPeer::start([Reply::Fails(code)], Reply::Stores);
        assert_eq!(ends_of_two(&peer, LONG), (2, 0, 0), "{code:?}");
        let pushes_and_batches = match of_batch {
            "tried again" => (0, 2),
            "halved" => (0, 3),
            "sent by `Push`" => (2, 1),
            other => panic!("{other}"),
        };
        assert_eq!(peer.calls(), pushes_and_batches, "{code:?}");
    });
}

#[test]
fn a_batch_that_is_always_answered_with_a_code_comes_to_what_is_documented() {
    each(|(code, of_batch, _)| {
        let peer = ScriptedPeer::start([], Reply::Fails(code));
        let expected = match of_batch {
            "tried again" | "sent by `Push`" => (0, 0, 2),
            "halved" => (0, 2, 0),
            other => panic!("{other}"),
        };
        let ends = ends_of_two(&peer, Duration::from_millis(300));
        assert_eq!(ends, expected, "{code:?}");
    });
}

#[test]
fn an_event_alone_that_is_answered_with_a_code_once_comes_to_what_is_documented() {
    each(|(code, _, alone)| {
        let peer = ScriptedPeer::push_only([Reply::Fails(code)], Reply::Stores);
        let (expected, pushes) = match alone {
            "tried again" => ((2, 0, 0), 3),
            "rejected" => ((1, 1, 0), 2),
            other => panic!("{other}"),
        };
        assert_eq!(ends_of_two(&peer, LONG), expected, "{code:?}");
        assert_eq!(peer.calls(), (pushes, 0), "{code:?}");
    });
}

#[test]
fn an_event_alone_that_is_always_answered_with_a_code_comes_to_what_is_documented() {
    each(|(code, _, alone)| {
        let peer = ScriptedPeer::push_only([], Reply::Fails(code));
        let expected = match alone {
            "tried again" => (0, 0, 2),
            "rejected" => (0, 2, 0),
            other => panic!("{other}"),
        };
        let ends = ends_of_two(&peer, Duration::from_millis(300));
        assert_eq!(ends, expected, "{code:?}");
    });
}

#[test]
fn a_code_that_comes_after_a_head_of_its_own_is_the_servers_word_as_well() {
    for (code, batches) in [(Code::OutOfRange, 3), (Code::Unavailable, 2)] {
        let script = [Reply::FailsAfterHead(code)];
        let peer = ScriptedPeer::start(script, Reply::Stores);
        assert_eq!(ends_of_two(&peer, LONG), (2, 0, 0), "{code:?}");
        assert_eq!(peer.calls(), (0, batches), "{code:?}");
    }
    for (code, ends) in [
        (Code::OutOfRange, (0, 2, 0)),
        (Code::Unavailable, (0, 0, 2)),
    ] {
        let peer = ScriptedPeer::start([], Reply::FailsAfterHead(code));
        let retry_for = Duration::from_millis(300);
        assert_eq!(ends_of_two(&peer, retry_for), ends, "{code:?}");
    }
    let peer = ScriptedPeer::start([], Reply::FailsAfterHead(Code::Unimplemented));
    assert_eq!(ends_of_two(&peer, Duration::from_millis(300)), (0, 0, 2));
    assert!(peer.calls().0 > 0, "it is tried by `Push`");
}

#[test]
fn what_has_no_such_path_knows_no_batches() {
    let peer = ScriptedPeer::start([Reply::Http(404)], Reply::Stores);
    assert_eq!(ends_of_two(&peer, LONG), (2, 0, 0));
    assert_eq!(peer.calls(), (2, 1));
}
