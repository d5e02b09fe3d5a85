//! The life of a table: its folder of schemas, a change that it takes, and one that it does not.
//!
//! `cargo run --example catalog`. A service has one line for all of this in a test:
//! `logeater_client::assert_catalog_current!("schemas")`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use logeater_client::{Catalog, Update};

/// The event type as it was first.
mod january {
    use logeater_client::Event;

    /// A product was put into a cart.
    #[derive(Event)]
    #[event("cart.add")]
    pub(crate) struct Add {
        /// Stock keeping unit.
        sku: String,
        quantity: u32,
    }
}

/// It has a new column, and one less.
mod february {
    use logeater_client::Event;

    /// A product was put into a cart.
    #[derive(Event)]
    #[event("cart.add")]
    pub(crate) struct Add {
        /// Stock keeping unit.
        sku: String,
        coupons: Vec<String>,
    }
}

/// A column has another type.
mod march {
    use logeater_client::Event;

    /// A product was put into a cart.
    #[derive(Event)]
    #[event("cart.add")]
    pub(crate) struct Add {
        sku: u64,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;

    let update = Update::of(folder.path(), &Catalog::new().with::<january::Add>())?;
    update.write()?;
    println!("January: a folder of schemas");
    for path in Catalog::read(folder.path())?.files().keys() {
        println!("  {}", path.display());
    }

    let update = Update::of(folder.path(), &Catalog::new().with::<february::Add>())?;
    println!("\nFebruary: what the table takes");
    for change in update.changes() {
        println!("  {}: {change}", change.class().name());
    }
    update.write()?;

    println!("\nMarch: what it does not take");
    if let Err(refused) = Update::of(folder.path(), &Catalog::new().with::<march::Add>()) {
        println!("{refused}");
    }
    Ok(())
}
