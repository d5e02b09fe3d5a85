//! The catalogs of several services as one.

use logeater_schema::{Catalog, Column, Event, TableColumn};

/// What the checkout sends.
mod checkout {
    use super::{Column, Event};

    #[derive(Event)]
    #[event("cart.pay", crate = logeater_schema)]
    pub(crate) struct Pay {
        /// Stock keeping unit.
        #[event(required)]
        sku: String,
        #[event(required)]
        amount: f64,
        shipping: Shipping,
    }

    #[derive(Column)]
    #[column(crate = logeater_schema)]
    struct Shipping {
        #[column(required)]
        city: String,
        #[column(required)]
        zip: String,
    }
}

/// What the shop sends.
mod shop {
    use super::{Column, Event};

    #[derive(Event)]
    #[event("cart.add", crate = logeater_schema)]
    pub(crate) struct Add {
        tags: Vec<String>,
        /// What was added.
        #[event(required)]
        sku: String,
        shipping: Shipping,
    }

    #[derive(Column)]
    #[column(crate = logeater_schema)]
    struct Shipping {
        #[column(required)]
        city: String,
        country: String,
    }

    #[derive(Event)]
    #[event("page.seen", crate = logeater_schema)]
    pub(crate) struct Seen {
        path: String,
    }
}

fn described(columns: &[TableColumn]) -> Vec<String> {
    let describe = |column: &TableColumn| {
        let fields = described(&column.fields).join(", ");
        format!(
            "{} {} {}({fields})",
            column.name,
            column.mode.name(),
            column.type_name()
        )
    };
    columns.iter().map(describe).collect()
}

#[test]
fn a_table_that_two_services_share_has_the_columns_of_both() {
    let checkout = Catalog::new().with::<checkout::Pay>();
    let shop = Catalog::new().with::<shop::Add>().with::<shop::Seen>();
    let both = Catalog::union([("a", &checkout), ("b", &shop)]).unwrap();
    let tables: Vec<_> = both.tables().map(|table| &table.name).collect();
    assert_eq!(tables, ["cart", "events", "page"]);
    let cart = both.table("cart").unwrap();
    assert_eq!(
        described(&cart.columns[2..]),
        [
            "sku REQUIRED STRING()",
            "amount NULLABLE FLOAT()",
            "shipping NULLABLE RECORD(city REQUIRED STRING(), zip NULLABLE STRING(), country NULLABLE STRING())",
            "tags REPEATED STRING()",
        ]
    );
    assert_eq!(
        cart.columns[2].description,
        "Stock keeping unit. / What was added."
    );
    let events: Vec<_> = cart.events.iter().map(|event| &event.name).collect();
    assert_eq!(events, ["cart.add", "cart.pay"]);
}

#[test]
fn the_same_catalog_twice_is_that_catalog() {
    let checkout = Catalog::new().with::<checkout::Pay>();
    let twice = Catalog::union([("a", &checkout), ("b", &checkout)]).unwrap();
    assert!(twice.tables().eq(checkout.tables()));
}

#[test]
fn services_that_exclude_each_other_are_named_with_both_places() {
    #[derive(Event)]
    #[event("cart.pay", crate = logeater_schema)]
    struct Paid {
        amount: u32,
        shipping: Moved,
    }
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    struct Moved {
        city: Vec<String>,
    }
    let checkout = Catalog::new().with::<checkout::Pay>();
    let other = Catalog::new().with::<Paid>();
    let conflicts = Catalog::union([("a/schemas", &checkout), ("b/schemas", &other)]).unwrap_err();
    let messages: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "column `cart.amount` is `amount` FLOAT in union::checkout::Pay of a/schemas and `amount` INTEGER in \
             union::Paid of b/schemas; give both the same name, type and limits, or one of them another name with \
             `rename = \"…\"`",
            "column `cart.shipping.city` is `city` STRING in union::checkout::Pay of a/schemas and `city` REPEATED STRING \
             in union::Paid of b/schemas; give both the same name, type and limits, or one of them another name with \
             `rename = \"…\"`",
            "event type `cart.pay` is declared twice: by union::checkout::Pay of a/schemas and by union::Paid of b/schemas; \
             give one of them another name",
        ]
    );
}

#[test]
fn an_event_type_that_moved_to_another_service_is_the_others() {
    #[derive(Event)]
    #[event("cart.pay", crate = logeater_schema)]
    struct Pay {
        sku: String,
        coupon: String,
    }
    let old = Catalog::new().with::<checkout::Pay>();
    let retired = old.grown_by(&Catalog::new().with::<shop::Seen>()).unwrap();
    let new = Catalog::new().with::<Pay>();
    let both = Catalog::union([("a", &retired), ("b", &new)]).unwrap();
    let cart = both.table("cart").unwrap();
    assert!(!cart.events[0].no_longer_sent && cart.events[0].rust_type.ends_with("::Pay"));
    assert_eq!(
        cart.events[0].rust_type,
        new.table("cart").unwrap().events[0].rust_type
    );
    let gone: Vec<_> = cart
        .columns
        .iter()
        .filter(|column| column.no_longer_sent)
        .collect();
    assert_eq!(gone.len(), 2, "amount and shipping");
}
