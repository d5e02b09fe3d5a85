//! Events under all lints.

use crate::columns::{Address, Data, Id, Inner, Level, Pair};
use analytics::Event;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// A product was put into a cart.
#[derive(Debug, Event)]
#[event("cart.add", crate = analytics)]
#[non_exhaustive]
pub struct CartAdd<'a> {
    /// Stock keeping unit.
    pub sku: &'a str,
    /// Deprecated, which the derive may read.
    #[deprecated = "not in use"]
    pub quantity: u32,
    /// Where it goes.
    pub shipping: Option<Address<'a>>,
    /// Levels by name.
    pub levels: BTreeMap<String, Level>,
    /// A price.
    #[event(numeric(10, 2))]
    pub price: u64,
    /// Bytes.
    #[event(int64)]
    pub bytes: usize,
    /// A span.
    #[event(millis)]
    pub took: Duration,
    /// Shown.
    #[event(display)]
    pub shown: Option<char>,
    /// As text.
    #[event(into = String, policy_tag = "projects/p/locations/eu/taxonomies/1/policyTags/2")]
    pub text: String,
    /// Any.
    #[event(json)]
    pub any: Vec<Option<u8>>,
    /// Flat.
    #[event(flatten, prefix = "flat_")]
    pub flat: Option<Inner>,
    /// Who.
    #[event(user_id)]
    pub user: Id,
    /// When.
    #[event(timestamp)]
    pub at: Option<SystemTime>,
    /// A secret.
    #[event(skip)]
    pub secret: u8,
}

/// An order.
#[derive(Debug, Event)]
#[event("order", crate = analytics)]
#[non_exhaustive]
pub enum Order<'a> {
    /// Placed.
    #[non_exhaustive]
    Place {
        /// Data.
        data: Data<'a, u8>,
        /// Who.
        #[event(user_id)]
        user: &'a str,
    },
    /// Cancelled.
    #[deprecated = "not in use"]
    Cancel,
    /// Shipped.
    Ship {
        /// Flat.
        #[event(flatten)]
        pair: Pair<u8>,
        /// When.
        #[event(timestamp)]
        at: SystemTime,
    },
}

/// A visit, of whatever kind.
#[derive(Clone, Copy, Debug, Event)]
#[event("visit.made", crate = analytics)]
#[non_exhaustive]
pub struct Visit<T, const N: usize> {
    /// What.
    pub what: [T; N],
}
