//! Carries batches to the server, and says what the answer means for each event. It keeps no event.
//!
//! | gRPC code | what is done |
//! |---|---|
//! | `OK` | the answer counts, if it accounts for every event; otherwise the batch is sent again |
//! | `INVALID_ARGUMENT`, `OUT_OF_RANGE` | it is about the content: the batch is halved, down to the event that is refused |
//! | `UNIMPLEMENTED` for `PushBatch` | `Push` is used, until a request fails or a connection breaks |
//! | every other code | it is sent again, with a pause |

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use logeater_proto::event::{BatchResponse, EventResponse};
use prost::Message;
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::codec::PassThrough;
use crate::segment::Batch;

/// More `Push` requests at once are slower, not faster: 256 cost 1.4 times the CPU, 1,024 twice.
const PUSHES_IN_FLIGHT_MAX: usize = 64;

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// These were rejected, these must be sent again; the others are delivered. Both lists ascend.
    Settled {
        rejected: Vec<(u32, String)>,
        again: Vec<u32>,
        failure: Option<String>,
    },
    /// Something in it was refused.
    Refused(String),
    /// It must be sent again: nothing is known of any event.
    Failed(String),
    /// The server knows only `Push`.
    NoPushBatch,
}

/// The way to one server.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    channel: Channel,
    timeout: Duration,
    one_by_one: Arc<AtomicBool>,
}

impl Transport {
    /// Connects when the first batch is sent. Must be called within a runtime.
    pub(crate) fn new(endpoint: &Endpoint, timeout: Duration) -> Self {
        Self {
            channel: endpoint.connect_lazy(),
            timeout,
            one_by_one: Arc::default(),
        }
    }

    /// Whether events are sent by `Push`, one by one.
    pub(crate) fn is_one_by_one(&self) -> bool {
        self.one_by_one.load(Ordering::Relaxed)
    }

    /// Sends a batch.
    pub(crate) async fn send(self, batch: Bytes, events: u32) -> Answer {
        let answer = if self.is_one_by_one() {
            self.push_each(&batch).await
        } else {
            self.push_batch(batch, events).await
        };
        match answer {
            Answer::NoPushBatch => self.one_by_one.store(true, Ordering::Relaxed),
            // The connection may be another one now, to a server that knows more.
            Answer::Failed(_)
            | Answer::Settled {
                failure: Some(_), ..
            } => {
                self.one_by_one.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
        answer
    }

    async fn push_batch(&self, batch: Bytes, events: u32) -> Answer {
        match self
            .call::<BatchResponse>("/event.Event/PushBatch", batch)
            .await
        {
            Ok(response) => read_answer(response, events),
            Err(status) if status.code() == Code::Unimplemented => Answer::NoPushBatch,
            Err(status) if is_about_content(&status) => Answer::Refused(describe(&status)),
            Err(status) => Answer::Failed(describe(&status)),
        }
    }

    async fn push_each(&self, batch: &Bytes) -> Answer {
        let (mut rejected, mut again, mut failure) = (Vec::new(), Vec::new(), None);
        let mut pushes = JoinSet::new();
        let mut messages = (0..).zip(Batch::messages(batch));
        loop {
            while pushes.len() < PUSHES_IN_FLIGHT_MAX
                && let Some((event, message)) = messages.next()
            {
                pushes.spawn(self.clone().push(event, message));
            }
            match pushes.join_next().await {
                None => break,
                Some(Ok((_, Push::Delivered))) => {}
                Some(Ok((event, Push::Rejected(reason)))) => rejected.push((event, reason)),
                Some(Ok((event, Push::Failed(reason)))) => {
                    again.push(event);
                    failure = Some(reason);
                    // One failure is enough: what was not tried yet would only fail as well.
                    again.extend(messages.by_ref().map(|(event, _)| event));
                }
                Some(Err(panic)) => return Answer::Failed(panic.to_string()),
            }
        }
        rejected.sort_unstable();
        again.sort_unstable();
        Answer::Settled {
            rejected,
            again,
            failure,
        }
    }

    async fn push(self, event: u32, entry: Bytes) -> (u32, Push) {
        let end = match self.call::<EventResponse>("/event.Event/Push", entry).await {
            Ok(EventResponse { success: true }) => Push::Delivered,
            Ok(EventResponse { success: false }) => {
                Push::Rejected("the server answered success = false".to_owned())
            }
            Err(status) if is_about_content(&status) => Push::Rejected(describe(&status)),
            Err(status) => Push::Failed(describe(&status)),
        };
        (event, end)
    }

    async fn call<T: Message + Default + 'static>(
        &self,
        method: &'static str,
        message: Bytes,
    ) -> Result<T, Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        let call = async {
            grpc.ready()
                .await
                .map_err(|error| Status::unavailable(chain(&error)))?;
            let path = method
                .parse()
                .map_err(|_| Status::internal("the method is no path"))?;
            grpc.unary(request, path, PassThrough::default()).await
        };
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer.map(tonic::Response::into_inner),
            Err(_) => Err(Status::deadline_exceeded(format!(
                "no answer within {:?}",
                self.timeout
            ))),
        }
    }
}

enum Push {
    Delivered,
    Rejected(String),
    Failed(String),
}

/// Believes an answer that accounts for each event exactly once.
fn read_answer(response: BatchResponse, events: u32) -> Answer {
    let mut rejected: Vec<_> = response
        .rejected
        .into_iter()
        .map(|one| (one.index, one.reason))
        .collect();
    rejected.sort_unstable();
    rejected.dedup_by_key(|(index, _)| *index);
    let in_range = rejected.last().is_none_or(|(index, _)| *index < events);
    if !in_range || u64::from(response.accepted) + rejected.len() as u64 != u64::from(events) {
        return Answer::Failed(format!(
            "the server accounts for {} accepted and {} rejected of {events} events",
            response.accepted,
            rejected.len()
        ));
    }
    Answer::Settled {
        rejected,
        again: Vec::new(),
        failure: None,
    }
}

fn is_about_content(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::OutOfRange)
}

fn describe(status: &Status) -> String {
    format!("{}: {}", status.code(), chain(status))
}

/// An error with all its causes, since the last one says what happened.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use logeater_proto::event::Rejection;

    use super::*;

    fn answer(accepted: u32, rejected: &[u32]) -> Answer {
        let rejection = |index: &u32| Rejection {
            index: *index,
            reason: "bad".to_owned(),
        };
        read_answer(
            BatchResponse {
                accepted,
                rejected: rejected.iter().map(rejection).collect(),
            },
            3,
        )
    }

    #[test]
    fn an_answer_that_accounts_for_every_event_is_believed() {
        let rejected = vec![(0, "bad".to_owned()), (2, "bad".to_owned())];
        assert_eq!(
            answer(1, &[2, 0]),
            Answer::Settled {
                rejected,
                again: vec![],
                failure: None
            }
        );
    }

    #[test]
    fn an_answer_that_does_not_add_up_is_no_answer() {
        for (accepted, rejected) in [
            (4, vec![]),
            (2, vec![]),
            (3, vec![0]),
            (2, vec![3]),
            (1, vec![0, 0]),
        ] {
            assert!(
                matches!(answer(accepted, &rejected), Answer::Failed(_)),
                "{accepted} {rejected:?}"
            );
        }
    }
}
