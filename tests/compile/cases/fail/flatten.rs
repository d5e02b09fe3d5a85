//! Columns that `flatten` brings are checked as those of the type itself are.

use logeater_client::{Column, Event};

#[derive(Column)]
struct Product {
    sku: String,
}

#[derive(Column)]
struct Named {
    cart: String,
    #[column(rename = "Event_Id")]
    id: u8,
}

#[derive(Event)]
#[event("cart.add")]
struct CartAdd {
    #[event(rename = "SKU")]
    other: u8,
    #[event(flatten)]
    product: Product, //~ a second time, and BigQuery ignores case: write `flatten, prefix = "…"`
}

#[derive(Event)]
#[event("cart.remove")]
struct CartRemove {
    #[event(flatten)]
    named: Named, //~ the table is called `cart` … write `flatten, prefix = "…"`
}

#[derive(Event)]
#[event("basket.remove")]
struct BasketRemove {
    #[event(flatten)]
    named: Named, //~ `Event_Id` … every table already: write `flatten, prefix = "…"`
}

#[derive(Column)]
struct Twice {
    #[column(flatten)]
    product: Product, //~ a second time … write `flatten, prefix = "…"`
    #[column(flatten)]
    product_again: Product,
}

#[derive(Event)]
#[event("cart.reserve")]
struct CartReserve {
    #[event(flatten, prefix = "_table_")]
    product: Product, //~ `_table_sku`, which cannot be a column: BigQuery keeps names that begin with … write another `prefix`
}

#[derive(Event)]
#[event("cart.list")]
struct CartList {
    #[event(flatten)]
    text: String, //~ only the fields of a struct can be flattened: remove `flatten`
}

#[derive(Event)]
#[event("cart.lists")]
struct CartLists {
    #[event(flatten)]
    products: Vec<Product>, //~ `flatten` puts the columns of one struct beside the others … remove `flatten`
}

#[derive(Event)]
#[event("stock")]
enum Stock {
    Enter {
        #[event(flatten)]
        product: Product, //~ the column `sku` is not the same in two event types that share a table … write
    },
    Leave { sku: u64 },
}

fn main() {}
