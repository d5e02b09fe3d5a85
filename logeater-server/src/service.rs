//! The gRPC service: bytes in, the store's word out.

use std::sync::Arc;

use bytes::Bytes;
use logeater_proto::event::{BatchResponse, EventResponse};
use logeater_proto::raw::event_server::Event;
use tonic::{Request, Response, Status};

use crate::intake::Intake;
use crate::stats::{Counts, Stats};
use crate::store::{Queue, Refusal};

/// Answers pushes when what they hold is safe.
#[derive(Debug)]
pub(crate) struct EventService {
    pub(crate) intake: Intake,
    pub(crate) queue: Queue,
    pub(crate) stats: Arc<Stats>,
}

#[tonic::async_trait]
impl Event for EventService {
    async fn push(&self, request: Request<Bytes>) -> Result<Response<EventResponse>, Status> {
        let request = request.into_inner();
        let room = self
            .queue
            .reserve(request.len())
            .map_err(|refusal| status(&refusal))?;
        let batch = self
            .intake
            .entry(&request)
            .map_err(|reason| self.refuse(reason))?;
        self.queue
            .store(batch, 0, room)
            .await
            .map_err(|refusal| status(&refusal))?;
        Ok(Response::new(EventResponse { success: true }))
    }

    async fn push_batch(&self, request: Request<Bytes>) -> Result<Response<BatchResponse>, Status> {
        let request = request.into_inner();
        let room = self
            .queue
            .reserve(request.len())
            .map_err(|refusal| status(&refusal))?;
        let (batch, rejected) = self
            .intake
            .batch(&request)
            .map_err(Status::invalid_argument)?;
        // A batch without rows goes the same way: its refused entries are counted there.
        let counts = self
            .queue
            .store(batch, rejected.len() as u64, room)
            .await
            .map_err(|refusal| status(&refusal))?;
        let accepted = u32::try_from(counts.stored + counts.repeated).unwrap_or(u32::MAX);
        Ok(Response::new(BatchResponse { accepted, rejected }))
    }
}

impl EventService {
    /// Counts one entry that is refused for good.
    fn refuse(&self, reason: String) -> Status {
        self.stats.add(&Counts {
            refused: 1,
            ..Counts::default()
        });
        Status::invalid_argument(reason)
    }
}

/// How clients are told that they may send again later.
fn status(refusal: &Refusal) -> Status {
    let message = refusal.to_string();
    match refusal {
        Refusal::QueueFull | Refusal::DiskFull => Status::resource_exhausted(message),
        Refusal::Failed(_) | Refusal::Closed => Status::unavailable(message),
    }
}
