//! Plans for unit tests, from columns in the catalog's format.

use logeater_schema::Catalog;

use crate::plan::{KeptTypes, Plan};

/// A plan of the event type `cart.add`, which declares `own`, in a table of `columns`.
pub(crate) fn cart(columns: &str, own: &[&str]) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let file = format!(
        r#"{{"version":1,"table":"cart","columns":[{{"name":"event_id","type":"STRING","mode":"REQUIRED"}},
        {{"name":"cluster_key","type":"DATE","mode":"REQUIRED"}},{columns}],
        "events":[{{"type":"cart.add","rust_type":"CartAdd","columns":{own:?}}}]}}"#
    );
    std::fs::write(folder.path().join("cart.json"), file).unwrap();
    let catalog = Catalog::read(folder.path()).unwrap();
    Plan::new(catalog.tables(), &KeptTypes::new())
}
