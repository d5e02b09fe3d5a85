//! Sampling: a share of what is emitted, all of what is pushed, and a count of the rest.

use std::time::Duration;

use logeater_client::Event;

use crate::support::{Order, Peer, client};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Event)]
#[event("page.view")]
struct PageView {}

#[tokio::test]
async fn a_share_of_a_type_is_sent_and_the_rest_is_counted_apart() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let client = client(&peer.url).sample("page.*", 0.5).build().unwrap();
    for number in 0..10_000 {
        client.emit(Order { number });
        client.emit(PageView {});
    }
    client.emit_wait(Order { number: 10_000 }).await;
    client.shutdown(PATIENCE).await;
    let stats = client.stats();
    let entries = peer.entries();
    let views = entries.iter().filter(|entry| entry.r#type == "page.view");
    let views = u64::try_from(views.count()).unwrap();
    // Ten standard deviations around the half.
    assert!((4_500..5_500).contains(&views), "{views}");
    assert_eq!(stats.sampled_out, 10_000 - views);
    assert_eq!(
        (stats.emitted, stats.delivered),
        (10_001 + views, 10_001 + views)
    );
}

#[tokio::test]
async fn what_is_pushed_is_sent_whatever_the_share() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let client = client(&peer.url).sample("*", 0.0).build().unwrap();
    client.push(PageView {}).await.unwrap();
    client.emit_wait(PageView {}).await;
    client.emit(PageView {});
    let stats = client.shutdown(PATIENCE).await;
    assert_eq!((stats.delivered, stats.sampled_out), (1, 2));
    assert_eq!(peer.entries().len(), 1);
}
