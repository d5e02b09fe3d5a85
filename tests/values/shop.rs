//! The events of a cart: a namespace that several event types share, with REQUIRED columns.

use logeater_client::{Column, Event};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::parts::text;

/// A product was put into a shopping cart; "quoted", \backslashed.
#[derive(Clone, Debug, Event)]
#[event("cart.add")]
pub(crate) struct CartAdd {
    /// Stock keeping unit.
    #[event(required)]
    sku: String,
    /// How many of it.
    quantity: u32,
    gift_for: Option<String>,
    tags: Vec<String>,
    /// Where it goes to.
    shipping: Address,
    /// A reserved word.
    order: Option<i64>,
    #[event(user_id)]
    user: String,
}

/// A place with people.
#[derive(Clone, Debug, Column)]
pub(crate) struct Address {
    /// The name of the place.
    #[column(required)]
    city: String,
    zip: Option<String>,
}

#[derive(Clone, Debug, Event)]
#[event("cart")]
pub(crate) enum Cart {
    /// Nothing but what it needs.
    Remove {
        #[event(required)]
        sku: String,
    },
    #[event("add.from_mobile")]
    AddFromMobile {
        #[event(required)]
        sku: String,
        app: String,
        order: Option<i64>,
    },
}

/// Events without details have no extended row.
#[derive(Clone, Debug, Event)]
#[event("session.end")]
pub(crate) struct SessionEnd;

prop_compose! {
    pub(crate) fn cart()(
        (sku, quantity, gift_for) in (text(), any::<u32>(), option::of(text())),
        (tags, order, user) in (vec(text(), 0..3), option::of(any::<i64>()), "[a-z]{1,8}"),
        (city, zip) in (text(), option::of(text())),
    ) -> CartAdd {
        CartAdd { sku, quantity, gift_for, tags, shipping: Address { city, zip }, order, user }
    }
}

pub(crate) fn carts() -> impl Strategy<Value = Cart> {
    prop_oneof![
        text().prop_map(|sku| Cart::Remove { sku }),
        (text(), text(), option::of(any::<i64>()))
            .prop_map(|(sku, app, order)| { Cart::AddFromMobile { sku, app, order } }),
    ]
}

pub(crate) fn session_end() -> impl Strategy<Value = SessionEnd> {
    Just(SessionEnd)
}
