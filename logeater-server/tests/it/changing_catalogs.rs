//! A catalog that several replace while others push: every event is stored, and has its row or a reason why not.

use std::sync::{Arc, Mutex};

use logeater_schema::Catalog;
use logeater_server::{Control, Delivery, Maintenance, Sink, SinkConfig, StoredEvent};
use tokio::task::JoinSet;

use crate::support::{Folder, Running, batch, event};

const PUSHERS: usize = 4;

const BATCHES: usize = 50;

const EVENTS: usize = 10;

const REPLACERS: usize = 3;

/// The catalog with these columns of `cart`.
fn catalog(columns: &str) -> Catalog {
    let folder = Folder::new();
    folder.declare_cart(columns);
    Catalog::read(folder.schemas()).unwrap()
}

async fn replace(control: Control, catalogs: Vec<Catalog>) {
    for catalog in catalogs.iter().cycle().take(40) {
        control.set_catalog(catalog.clone()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_catalog_that_is_replaced_under_load_costs_no_event_its_row_or_its_reason() {
    let folder = Folder::new();
    let small = r#"{"name":"sku","type":"STRING"}"#;
    let large = r#"{"name":"sku","type":"STRING"},{"name":"size","type":"INTEGER"}"#;
    let larger = r#"{"name":"size","type":"INTEGER"},{"name":"sku","type":"STRING"},{"name":"more","type":"JSON"}"#;
    let catalogs: Vec<_> = [small, large, larger].map(catalog).into();
    let running = Running::start(folder.config().catalog(catalogs[0].clone())).await;

    let mut tasks = JoinSet::new();
    for number in 0..REPLACERS {
        let mut catalogs = catalogs.clone();
        catalogs.rotate_left(number);
        tasks.spawn(replace(running.control.clone(), catalogs));
    }
    for _ in 0..PUSHERS {
        let mut client = running.client().await;
        tasks.spawn(async move {
            for _ in 0..BATCHES {
                let events = vec![event("cart.add", r#"{"sku":"a","size":3}"#); EVENTS];
                let answer = client.push_batch(batch(events)).await.unwrap().into_inner();
                assert_eq!(answer.accepted as usize, EVENTS);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }

    let count = |query| folder.one::<usize>(query, []);
    let events = PUSHERS * BATCHES * EVENTS;
    assert_eq!(count("SELECT count(*) FROM events"), events);
    let rows = count("SELECT count(*) FROM cart WHERE sku = 'a' AND size = 3");
    let dead = count("SELECT count(*) FROM dead_letters WHERE reason LIKE '%size%'");
    assert_eq!(rows + dead, events);
    assert_eq!(count("SELECT count(*) FROM cart"), rows);

    let mut maintenance = Maintenance::open(folder.data().join("logeater.db")).unwrap();
    maintenance.replay_tables(&catalogs[1]).unwrap();
    assert_eq!(
        count("SELECT count(*) FROM cart WHERE sku = 'a' AND size = 3"),
        events
    );
    assert_eq!(count("SELECT count(*) FROM dead_letters"), 0);
    running.stop().await.unwrap();
}

/// A sink that remembers the catalogs that it was told, by the columns of `cart`, and whether there were events before.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

#[tonic::async_trait]
impl Sink for Told {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        self.0
            .lock()
            .unwrap()
            .push(format!("{} events", events.len()));
        Delivery::stored()
    }

    fn set_catalog(&self, catalog: &Arc<Catalog>) {
        let cart = catalog.tables().find(|table| table.name == "cart");
        let columns = cart.map(|cart| cart.details_columns().count());
        self.0.lock().unwrap().push(format!("{columns:?}"));
        assert_ne!(columns, Some(2), "a sink that panics");
    }
}

#[tokio::test]
async fn a_sink_is_told_each_catalog_and_the_first_before_any_event() {
    let folder = Folder::new();
    let told = Told::default();
    let config = folder
        .config()
        .catalog(catalog(r#"{"name":"sku","type":"STRING"}"#));
    let sink = SinkConfig::new(told.clone()).batch_wait(std::time::Duration::ZERO);
    let running = Running::start(config.sink("told", sink)).await;
    let mut client = running.client().await;
    client
        .push(event("cart.add", r#"{"sku":"a"}"#))
        .await
        .unwrap();
    // The second harms nobody, whatever the sink makes of it.
    for columns in [
        r#"{"name":"sku","type":"STRING"},{"name":"size","type":"INTEGER"}"#,
        r#"{"name":"sku","type":"STRING"},{"name":"size","type":"INTEGER"},{"name":"more","type":"JSON"}"#,
    ] {
        running.control.set_catalog(catalog(columns)).await.unwrap();
    }
    running.stop().await.unwrap();
    let mut told = told.0.lock().unwrap().clone();
    assert_eq!(told.remove(0), "Some(1)");
    told.retain(|told| told != "1 events");
    assert_eq!(told, ["Some(2)", "Some(3)"]);
}
