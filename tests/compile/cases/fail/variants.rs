//! The variants of an enum of events share a table: a column that several have is the same in all.

use logeater_client::{Column, Event};

#[derive(Column)]
struct Euros(u32);

#[derive(Column)]
struct Product {
    sku: String,
}

#[derive(Event)]
#[event("cart")]
enum Cart {
    Add { sku: String, quantity: u32, price: u32, tags: Vec<String> },
    Remove {
        sku: u64, //~ `Add` and `Remove` share a table … `sku` two types: write one type, or `#[event(rename = "…")]`
        tags: String, //~ `Add` and `Remove` share a table … `tags` two types
        quantity: Option<i64>,
        price: Euros,
    },
}

#[derive(Event)]
#[event("order")]
enum Order {
    Place { tag: Vec<String> },
    Ship { tag: String }, //~ `Place` and `Ship` share a table … `tag` two types
}

#[derive(Event)]
#[event("list")]
enum List {
    Share { sku: String },
    Sell {
        #[event(max_length = 3)]
        sku: String, //~ `Share` and `Sell` share a table … `sku` two types
    },
}

#[derive(Column)]
struct Other {
    sku: u64,
}

#[derive(Event)]
#[event("shelf")]
enum Shelf {
    Enter { product: Product },
    Leave { product: Option<Other> }, //~ `Enter` and `Leave` share a table … `product` two types
}

#[derive(Event)]
#[event("stock")]
enum Stock<T> {
    Enter {
        #[event(flatten)]
        product: Product, //~ the column `sku` is not the same … write one name and type in both
    },
    Leave {
        sku: T,
    },
}

const _: &[logeater_client::EventType] = Stock::<String>::TYPES;
const _: &[logeater_client::EventType] = Stock::<u8>::TYPES;

fn main() {}
