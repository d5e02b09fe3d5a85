//! A store of memory alone, for those who try what can be stored.

use logeater_schema::Catalog;
use rusqlite::Connection;

use super::insert::{Inserts, Marks};
use super::{migrations, schema};
use crate::batch::Batch;
use crate::stats::Counts;

/// A store with the tables of one catalog.
#[derive(Debug)]
pub(crate) struct Trial(Connection);

impl Trial {
    pub(crate) fn new(catalog: &Catalog) -> rusqlite::Result<Self> {
        let conn = Connection::open_in_memory()?;
        migrations::migrate(&conn, 0)?;
        schema::grow(&conn, catalog)?;
        Ok(Self(conn))
    }

    /// Stores the rows of a request as the writer does, and takes them back.
    pub(crate) fn store(&self, batch: &Batch) -> rusqlite::Result<Counts> {
        let change = self.0.unchecked_transaction()?;
        let mut inserts = Inserts::new(&change, 0)?;
        let counts = inserts.batch(batch)?;
        inserts.finish(&Marks::default(), &[counts], 0)?;
        change.rollback()?;
        Ok(counts)
    }
}
