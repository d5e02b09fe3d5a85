//! The gRPC service: bytes in, the store's word out.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use logeater_proto::event::{BatchResponse, EventResponse};
use logeater_proto::raw::event_server::Event;
use tonic::{Request, Response, Status};

use crate::access::Caller;
use crate::batch::Batch;
use crate::gate::Gate;
use crate::intake::Intake;
use crate::readiness::Readiness;
use crate::stats::{Counts, Stats};
use crate::status;
use crate::store::{Queue, Refusal, Room};

/// Answers pushes when what they hold is safe.
#[derive(Debug)]
pub(crate) struct EventService {
    pub(crate) gate: Gate,
    pub(crate) intake: Intake,
    pub(crate) queue: Queue,
    pub(crate) readiness: Readiness,
    pub(crate) stats: Arc<Stats>,
}

/// A request that has found room.
struct Push {
    request: Bytes,
    caller: Option<Arc<Caller>>,
    room: Room,
    since: Instant,
}

#[tonic::async_trait]
impl Event for EventService {
    async fn push(&self, request: Request<Bytes>) -> Result<Response<EventResponse>, Status> {
        let push = self.begin(request)?;
        let batch = self
            .intake
            .entry(&push.request)
            .map_err(|reason| self.refuse(reason))?;
        self.store(push, batch, 0).await?;
        Ok(Response::new(EventResponse { success: true }))
    }

    async fn push_batch(&self, request: Request<Bytes>) -> Result<Response<BatchResponse>, Status> {
        let push = self.begin(request)?;
        let (batch, rejected) = self
            .intake
            .batch(&push.request, self.gate.live().request_entries)
            .map_err(|reason| self.refuse_batch(reason))?;
        // A batch without rows goes the same way: its refused entries are counted there.
        let counts = self.store(push, batch, rejected.len() as u64).await?;
        let accepted = u32::try_from(counts.stored + counts.repeated).unwrap_or(u32::MAX);
        Ok(Response::new(BatchResponse { accepted, rejected }))
    }
}

impl EventService {
    fn begin(&self, request: Request<Bytes>) -> Result<Push, Status> {
        let since = Instant::now();
        let (_, mut extensions, request) = request.into_parts();
        let room = self.queue.reserve(request.len());
        Ok(Push {
            room: room.map_err(|refusal| self.refused(&refusal))?,
            caller: extensions.remove(),
            request,
            since,
        })
    }

    async fn store(&self, push: Push, batch: Batch, refused: u64) -> Result<Counts, Status> {
        let charge = self.gate.admit(&batch, push.caller)?;
        let stored = self.queue.store(batch, refused, push.room).await;
        if stored.is_err() {
            Gate::give_back(&charge);
        }
        match &stored {
            Ok(_) => {
                self.readiness.committed(true);
                self.gate.stored(&charge);
                self.stats.pushed(push.since.elapsed());
            }
            Err(Refusal::DiskFull | Refusal::Failed(_)) => self.readiness.committed(false),
            Err(Refusal::QueueFull | Refusal::Closed) => {}
        }
        stored.map_err(|refusal| self.refused(&refusal))
    }

    fn refused(&self, refusal: &Refusal) -> Status {
        self.stats.refused(match refusal {
            Refusal::QueueFull => "queue_full",
            Refusal::DiskFull => "disk_full",
            Refusal::Failed(_) => "store_failed",
            Refusal::Closed => "shutdown",
        });
        status::refused(refusal)
    }

    /// Counts a request that is no batch, or too large a one: how many entries it has is not known.
    fn refuse_batch(&self, reason: String) -> Status {
        self.stats.refused("bad_batch");
        Status::invalid_argument(reason)
    }

    /// Counts one entry that is refused for good.
    fn refuse(&self, reason: String) -> Status {
        self.stats.refuse();
        Status::invalid_argument(reason)
    }
}
