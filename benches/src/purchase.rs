//! The typical event: seven fields, about 150 bytes of JSON.

use logeater_client::Event;
use serde::Serialize;

/// Somebody has bought something.
#[derive(Clone, Debug, Event, Serialize)]
#[event("purchase.completed")]
pub struct Purchase {
    /// Who did it.
    #[event(user_id)]
    #[serde(skip)]
    pub user: String,
    /// Which screen was open.
    pub screen: String,
    /// The price.
    pub amount_cents: i64,
    /// The price's currency.
    pub currency: &'static str,
    /// Stock keeping unit.
    pub item_id: String,
    /// How long it took.
    pub duration_ms: u32,
    /// Whether it is the first of this user.
    pub first: bool,
    /// An experiment that the user is part of.
    pub experiment: Option<String>,
}

impl Purchase {
    /// One with a value in each field.
    #[must_use]
    pub fn typical() -> Self {
        Self {
            user: "user-00012345".into(),
            screen: "checkout/summary".into(),
            amount_cents: 129_900,
            currency: "EUR",
            item_id: "sku-000123456".into(),
            duration_ms: 18_234,
            first: false,
            experiment: Some("pricing-2026-b".into()),
        }
    }
}
