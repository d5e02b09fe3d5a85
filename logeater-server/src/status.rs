//! How clients are told that they may send again, and when.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::readiness::FAILING_FOR;
use crate::store::Refusal;

/// When to send again what found the queue full: about as long as a part of it takes to be stored.
const QUEUE_PAUSE: Duration = Duration::from_millis(250);

/// What the store did not take.
pub(crate) fn refused(refusal: &Refusal) -> Status {
    let message = refusal.to_string();
    match refusal {
        Refusal::QueueFull => queue_full(message),
        Refusal::DiskFull => exhausted(message, FAILING_FOR),
        Refusal::Failed(_) | Refusal::Closed => Status::unavailable(message),
    }
}

/// More is waiting than there is room for.
pub(crate) fn queue_full(message: impl Into<String>) -> Status {
    exhausted(message, QUEUE_PAUSE)
}

/// `RESOURCE_EXHAUSTED`, with a `google.rpc.RetryInfo` that says when to send again.
pub(crate) fn exhausted(message: impl Into<String>, pause: Duration) -> Status {
    Status::with_error_details(
        Code::ResourceExhausted,
        message,
        ErrorDetails::with_retry_info(Some(pause)),
    )
}
