//! A namespace as an enum: one event type for each variant, and one table for all of them.
//!
//! `cargo run --example enum_namespace`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use logeater_client::{Catalog, Client, Event};

/// What happens to a cart.
#[derive(Event)]
#[event("cart")]
enum Cart {
    /// A product was taken out.
    Remove { sku: String, quantity: u32 }, // cart.remove
    /// Everything was taken out.
    Reset, // cart.reset: it has no columns, and no row in the table `cart`
    #[event("add.from_mobile")]
    AddFromMobile {
        sku: String,
        quantity: u32,
        app: String,
    }, // cart.add.from_mobile
}

fn main() {
    for event_type in Cart::TYPES {
        let columns: Vec<_> = event_type.fields.iter().map(|field| field.name).collect();
        println!("{:22}{}", event_type.name, columns.join(", "));
    }

    let catalog = Catalog::registered();
    if let Some(cart) = catalog.table("cart") {
        println!("\nthe table `cart`");
        for column in &cart.columns {
            println!("  {:14}{}", column.name, column.type_name());
        }
    }

    // A client that keeps what it is given, as unit tests use it.
    let (client, recorded) = Client::recording();
    client.emit(Cart::Remove {
        sku: "A-1".into(),
        quantity: 1,
    });
    client.emit(Cart::AddFromMobile {
        sku: "A-2".into(),
        quantity: 2,
        app: "ios 17".into(),
    });
    client.emit(Cart::Reset);
    println!("\nwhat is sent");
    for event in recorded.events() {
        let details = event.details.as_deref().unwrap_or("(no details)");
        println!("  {:22}{details}", event.event_type);
    }
}
