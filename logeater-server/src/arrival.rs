//! The body of a request while it arrives: how long that may take, and how many bytes may lie here unfinished.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use logeater_proto::REQUEST_BYTES_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

use crate::status;

/// How many connections it takes at least to fill the room of all.
const SHARES: usize = 8;

/// What all bodies that arrive have in common.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    timeout: Duration,
    room: Option<Room>,
}

/// Bytes that may lie here in requests that are not whole yet. Clones are the same room.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    full: &'static str,
}

impl Arrivals {
    /// At most `timeout` for each request to become whole.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            room: None,
        }
    }

    /// The same, with at most `bytes` of all of them, and of each connection what its [`Room`] has.
    pub(crate) fn within(self, bytes: usize) -> Self {
        let room = Room::new(bytes, "too many requests are arriving at once");
        Self {
            room: Some(room),
            ..self
        }
    }

    /// The request, with a body that keeps to the limits.
    pub(crate) fn limit(&self, request: http::Request<Body>) -> http::Request<Body> {
        let mut places = Vec::new();
        if let Some(room) = &self.room {
            // First that of the connection, which may be full while others have room.
            let of_connection = request.extensions().get::<Room>();
            places.extend(of_connection.into_iter().chain([room]).map(Place::new));
        }
        request.map(|body| {
            Body::new(Arriving {
                body,
                deadline: Box::pin(tokio::time::sleep(self.timeout)),
                timeout: self.timeout,
                places,
            })
        })
    }
}

impl Room {
    fn new(bytes: usize, full: &'static str) -> Self {
        Self {
            free: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
            full,
        }
    }

    /// What one connection may have where all may have `bytes`: an eighth, and at least a request of the largest size.
    pub(crate) fn of_connection(bytes: usize) -> Self {
        let bytes = (bytes / SHARES).max(REQUEST_BYTES_MAX);
        Self::new(
            bytes,
            "too many requests of this connection are arriving at once",
        )
    }
}

/// What a body has taken of a room, which is given back when it is dropped.
#[derive(Debug)]
struct Place {
    room: Room,
    taken: Option<OwnedSemaphorePermit>,
}

impl Place {
    fn new(room: &Room) -> Self {
        Self {
            room: room.clone(),
            taken: None,
        }
    }

    fn take(&mut self, bytes: u32) -> Result<(), Status> {
        let permit = Arc::clone(&self.room.free)
            .try_acquire_many_owned(bytes)
            .map_err(|_| status::queue_full(self.room.full))?;
        match &mut self.taken {
            Some(taken) => taken.merge(permit),
            None => self.taken = Some(permit),
        }
        Ok(())
    }
}

/// A body that keeps to the limits.
#[derive(Debug)]
struct Arriving {
    body: Body,
    deadline: Pin<Box<Sleep>>,
    timeout: Duration,
    places: Vec<Place>,
}

impl Arriving {
    fn take(&mut self, frame: &Frame<Bytes>) -> Result<(), Status> {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.places
            .iter_mut()
            .try_for_each(|place| place.take(bytes))
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
