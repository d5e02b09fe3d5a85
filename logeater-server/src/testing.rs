//! What unit tests have in common: plans from columns in the catalog's format, and an event as the store has it.

use logeater_schema::Catalog;

use crate::StoredEvent;
use crate::plan::{KeptTypes, Plan};

/// A plan of the event type `cart.add`, which declares `own`, in a table of `columns`.
pub(crate) fn cart(columns: &str, own: &[&str]) -> Plan {
    Plan::new(catalog_of_cart(columns, own).tables(), &KeptTypes::new())
}

/// The catalog of the same.
pub(crate) fn catalog_of_cart(columns: &str, own: &[&str]) -> Catalog {
    let folder = tempfile::tempdir().unwrap();
    let file = format!(
        r#"{{"version":1,"table":"cart","columns":[{{"name":"event_id","type":"STRING","mode":"REQUIRED"}},
        {{"name":"cluster_key","type":"DATE","mode":"REQUIRED"}},{columns}],
        "events":[{{"type":"cart.add","rust_type":"CartAdd","columns":{own:?}}}]}}"#
    );
    std::fs::write(folder.path().join("cart.json"), file).unwrap();
    Catalog::read(folder.path()).unwrap()
}

/// An event of `cart.add` with this sequence, which is its id as well, and with details.
pub(crate) fn stored(sequence: i64) -> StoredEvent {
    StoredEvent {
        sequence,
        event_id: sequence.to_string(),
        cluster_key: "2026-01-31".to_owned(),
        timestamp: "2026-01-31T12:00:00.000000Z".to_owned(),
        service: "shop".to_owned(),
        event_type: "cart.add".to_owned(),
        user_id: None,
        details: Some(r#"{"n":1}"#.to_owned()),
    }
}
