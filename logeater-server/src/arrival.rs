//! The body of a request while it arrives: how long that may take, and how many bytes may lie here unfinished.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

use crate::status;

/// What all bodies that arrive have in common.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    timeout: Duration,
    room: Arc<Semaphore>,
}

impl Arrivals {
    /// At most `bytes` of all requests that are not whole yet, and `timeout` for each to become so.
    pub(crate) fn new(bytes: usize, timeout: Duration) -> Self {
        Self {
            timeout,
            room: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// The request, with a body that keeps to the limits.
    pub(crate) fn limit(&self, request: http::Request<Body>) -> http::Request<Body> {
        request.map(|body| {
            Body::new(Arriving {
                body,
                deadline: Box::pin(tokio::time::sleep(self.timeout)),
                timeout: self.timeout,
                room: Arc::clone(&self.room),
                taken: None,
            })
        })
    }
}

/// A body that keeps to the limits; what it has taken of the room it gives back when it is dropped.
#[derive(Debug)]
struct Arriving {
    body: Body,
    deadline: Pin<Box<Sleep>>,
    timeout: Duration,
    room: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Arriving {
    fn take(&mut self, frame: &Frame<Bytes>) -> Result<(), Status> {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.room)
            .try_acquire_many_owned(bytes)
            .map_err(|_| status::queue_full("too many requests are arriving at once"))?;
        match &mut self.taken {
            Some(taken) => taken.merge(permit),
            None => self.taken = Some(permit),
        }
        Ok(())
    }
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.deadline.as_mut().poll(context).is_ready() {
            let message = format!("the request did not arrive within {:?}", self.timeout);
            return Poll::Ready(Some(Err(Status::deadline_exceeded(message))));
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        Poll::Ready(Some(self.take(&frame).map(|()| frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
