//! What may change while a collector serves, beside its catalog.

use std::sync::Mutex;

use crate::Config;
#[cfg(feature = "tls")]
use crate::access::Tls;
use crate::access::{Guard, Rates};

/// What counts for a request or a connection that comes now.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) guard: Guard,
    pub(crate) rates: Option<Mutex<Rates>>,
    pub(crate) request_entries: u32,
    pub(crate) connections: usize,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

impl Live {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            guard: Guard::new(&config.tokens),
            rates: config.events_per_second.map(Rates::new).map(Mutex::new),
            request_entries: config.request_entries,
            connections: config.connections,
            #[cfg(feature = "tls")]
            tls: config.tls.clone(),
        }
    }
}
