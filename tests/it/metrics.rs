//! The client's counters as Prometheus sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use logeater_client::EventExt;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tonic::Status;

use crate::support::{Order, Peer, another_process, client, role};

const PATIENCE: Duration = Duration::from_secs(30);

/// The samples, but for those that are zero.
fn samples(prometheus: &PrometheusHandle) -> Vec<String> {
    let page = prometheus.render();
    let lines = page
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut samples: Vec<_> = lines
        .filter(|line| !line.ends_with(" 0"))
        .map(str::to_owned)
        .collect();
    samples.sort();
    samples
}

fn measure() {
    let prometheus = PrometheusBuilder::new().install_recorder().unwrap();
    let is_open = Arc::new(AtomicBool::new(true));
    let open = Arc::clone(&is_open);
    let peer = Peer::answering_batches(move |_| {
        if open.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(Status::unavailable("closed"))
        }
    });
    let clients = [1, 2].map(|_| client(&peer.url).build().unwrap());
    for client in &clients {
        for number in 0..10 {
            client.emit(Order { number });
        }
        client.emit(Order { number: 0 }.by("u".repeat(1 << 20)));
        client.flush_blocking(PATIENCE).unwrap();
    }
    assert_eq!(
        samples(&prometheus),
        [
            "logeater_events_delivered_total 20",
            r#"logeater_events_dropped_total{reason="too_large"} 2"#,
            "logeater_events_emitted_total 22",
        ]
    );
    let [first, second] = clients;
    is_open.store(false, Ordering::SeqCst);
    first.emit(Order { number: 10 });
    first.flush_blocking(Duration::ZERO).unwrap_err();
    assert!(samples(&prometheus).contains(&"logeater_events_pending 1".to_owned()));
    first.shutdown_blocking(Duration::ZERO);
    second.shutdown_blocking(PATIENCE);
    let after = samples(&prometheus);
    assert!(
        after.contains(&r#"logeater_events_dropped_total{reason="shut_down"} 1"#.to_owned()),
        "{after:?}"
    );
    assert!(
        !after
            .iter()
            .any(|sample| sample.starts_with("logeater_events_pending")),
        "{after:?}"
    );
    let help = "# HELP logeater_events_pending Events that wait in memory or are on their way.";
    assert!(prometheus.render().contains(help));
}

#[test]
fn the_counters_of_all_clients_are_metrics_of_the_process() {
    if role().is_some() {
        return measure();
    }
    let name = "metrics::the_counters_of_all_clients_are_metrics_of_the_process";
    let measured = another_process(name, "measured").output().unwrap();
    assert!(measured.status.success(), "{measured:?}");
}
