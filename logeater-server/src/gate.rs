//! Before the service of events: who sends, whether they may now, and how they were answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Response;
use tokio::sync::watch;
use tonic::{Code, Request, Status};

use crate::access::{Caller, Denied, Rates};
use crate::batch::Batch;
use crate::live::Live;
use crate::stats::Stats;
use crate::status;

/// Lets requests for events in, and counts those that it does not. Clones share what it counts.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) live: watch::Receiver<Arc<Live>>,
    pub(crate) stats: Arc<Stats>,
}

/// What one request has used of the rates.
#[derive(Debug)]
pub(crate) struct Charge {
    /// Whose rates it has used; they may be others by now.
    live: Arc<Live>,
    services: HashMap<String, u32>,
    caller: Option<Arc<Caller>>,
    events: u32,
}

impl Gate {
    /// Decides by a request's head, before its body is read.
    pub(crate) fn enter(&self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let caller = self.live().guard.caller(request.metadata());
        if let Some(caller) = caller.map_err(|denied| self.deny(denied))? {
            caller
                .check(Instant::now())
                .map_err(|wait| self.over_token_rate(&caller, wait))?;
            request.extensions_mut().insert(caller);
        }
        Ok(request)
    }

    /// Decides by what is in a request, and lets it use the rates.
    pub(crate) fn admit(
        &self,
        batch: &Batch,
        caller: Option<Arc<Caller>>,
    ) -> Result<Charge, Status> {
        let (now, live) = (Instant::now(), self.live());
        let mut services = HashMap::new();
        if let Some(rates) = &live.rates {
            services = by_service(batch);
            lock(rates)
                .take(&services, now)
                .map_err(|wait| self.over_service_rate(wait))?;
        }
        let events = u32::try_from(batch.rows.len()).unwrap_or(u32::MAX);
        if let Some(caller) = &caller {
            caller.take(events, now);
        }
        Ok(Charge {
            live,
            services,
            caller,
            events,
        })
    }

    /// Counts a request that is stored.
    pub(crate) fn stored(&self, charge: &Charge) {
        if let Some(caller) = &charge.caller {
            self.stats.sent(caller.name(), charge.events.into());
        }
    }

    /// Gives back what a request has used that is not stored: it comes again.
    pub(crate) fn give_back(charge: &Charge) {
        if let Some(rates) = &charge.live.rates {
            lock(rates).give_back(&charge.services, Instant::now());
        }
        if let Some(caller) = &charge.caller {
            caller.give_back(charge.events);
        }
    }

    /// The limits of the moment.
    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.borrow())
    }

    /// Counts an answer.
    pub(crate) fn answered<B>(&self, response: Response<B>) -> Response<B> {
        // A request without success is answered in the head; answers of events do not fail later.
        let status = Status::from_header_map(response.headers());
        self.stats
            .answered(status.map_or(Code::Ok, |status| status.code()));
        response
    }

    fn deny(&self, denied: Denied) -> Status {
        self.stats.refused(match denied {
            Denied::Missing => "token_missing",
            Denied::Unknown => "token_unknown",
        });
        Status::unauthenticated(denied.message())
    }

    fn over_token_rate(&self, caller: &Caller, wait: Duration) -> Status {
        self.stats.refused("token_rate");
        let name = caller.name();
        let message = format!("the token `{name}` sends more events in a second than it may");
        status::exhausted(message, wait)
    }

    fn over_service_rate(&self, wait: Duration) -> Status {
        self.stats.refused("service_rate");
        status::exhausted(
            "a service of these events sends more in a second than it may",
            wait,
        )
    }
}

/// Nothing under the lock panics half-way.
fn lock(rates: &Mutex<Rates>) -> MutexGuard<'_, Rates> {
    rates.lock().unwrap_or_else(PoisonError::into_inner)
}

fn by_service(batch: &Batch) -> HashMap<String, u32> {
    let mut services = HashMap::<&str, u32>::new();
    for row in &batch.rows {
        let service = str::from_utf8(batch.bytes(row.service)).unwrap_or_default();
        *services.entry(service).or_default() += 1;
    }
    let owned = |(service, events): (&str, u32)| (service.to_owned(), events);
    services.into_iter().map(owned).collect()
}
