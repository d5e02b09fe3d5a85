//! BigQuery, as far as the stand-in of `support::warehouse` is like it.

mod apply;
mod insert_all;

use logeater_server::{BigQuery, Credentials};

use crate::support::warehouse::Warehouse;

impl Warehouse {
    /// A sink that writes to it.
    fn sink(&self) -> BigQuery {
        BigQuery::new("shop", "logeater")
            .credentials(Credentials::none())
            .endpoint(&self.endpoint)
            .storage_endpoint(&self.storage_endpoint)
    }
}
