//! Carries batches to the server, and says what the answer means for each event. It keeps no event.
//!
//! Which codes are tried again is in the documentation of [`Client`](crate::Client).

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use logeater_proto::event::{BatchResponse, EventResponse};
use prost::Message;
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::codec::PassThrough;
use crate::connect::Server;
use crate::failure::{Failure, describe};
use crate::head::Head;
use crate::retry::Belief;
use crate::segment::Batch;
use crate::word::{is_of_server, marking};

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// These were rejected, these must be sent again; the others are delivered. Both lists ascend.
    Settled {
        rejected: Vec<(u32, String)>,
        again: Vec<u32>,
        failure: Option<Failure>,
    },
    /// Something in it was refused.
    Refused(String),
    /// It must be sent again: nothing is known of any event.
    Failed(Failure),
    /// The server knows only `Push`.
    NoPushBatch,
}

/// The way to one server.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    /// Or why there will never be one.
    channel: Result<Channel, String>,
    server: Arc<str>,
    head: Arc<Head>,
    timeout: Duration,
    compression: Option<CompressionEncoding>,
    /// The server knows no batches.
    one_by_one: Arc<Belief>,
    /// The server cannot read what is compressed.
    plain: Arc<Belief>,
}

impl Transport {
    /// Sends to `server` through `channel`.
    pub(crate) fn new(
        server: &Server,
        channel: Result<Channel, String>,
        timeout: Duration,
    ) -> Self {
        Self {
            channel,
            server: server.name().into(),
            head: Arc::clone(&server.head),
            timeout,
            compression: server.compression,
            one_by_one: Arc::default(),
            plain: Arc::default(),
        }
    }

    /// Host and port.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// What to do when the server refuses the token.
    pub(crate) fn token_fix(&self) -> &'static str {
        self.head.token_fix()
    }

    /// Whether events are sent by `Push`, one by one.
    pub(crate) fn is_one_by_one(&self, now: Instant) -> bool {
        self.one_by_one.holds(now)
    }

    /// Sends a batch, or its events one by one.
    pub(crate) async fn send(
        self,
        batch: Bytes,
        events: u32,
        one_by_one: bool,
        now: Instant,
    ) -> Answer {
        if one_by_one {
            return self.push_each(&batch).await;
        }
        let answer = self.push_batch(batch, events, now).await;
        if answer == Answer::NoPushBatch {
            self.one_by_one.begin(now);
        }
        answer
    }

    async fn push_batch(&self, batch: Bytes, events: u32, now: Instant) -> Answer {
        match self.call_push_batch(batch, now).await {
            Ok(response) => read_answer(response, events),
            Err(status) if is_unimplemented(&status) => Answer::NoPushBatch,
            Err(status) if is_about_content(&status) => Answer::Refused(describe(&status)),
            Err(status) => Answer::Failed(Failure::from(&status)),
        }
    }

    /// A server answers with one code that it does not know the call, and that it does not know the compression: the
    /// same call as it is tells which.
    async fn call_push_batch(&self, batch: Bytes, now: Instant) -> Result<BatchResponse, Status> {
        const METHOD: &str = "/event.Event/PushBatch";
        let compression = self.compression.filter(|_| !self.plain.holds(now));
        let answer = self.call(METHOD, batch.clone(), compression).await;
        if compression.is_none() || !answer.as_ref().is_err_and(is_unimplemented) {
            return answer;
        }
        let answer = self.call(METHOD, batch, None).await;
        if !answer.as_ref().is_err_and(is_unimplemented) {
            self.plain.begin(now);
        }
        answer
    }

    async fn push_each(&self, batch: &Bytes) -> Answer {
        let (mut rejected, mut again, mut failure) = (Vec::new(), Vec::new(), None);
        let mut pushes = JoinSet::new();
        for (event, message) in (0..).zip(Batch::messages(batch)) {
            pushes.spawn(self.clone().push(event, message));
        }
        while let Some(push) = pushes.join_next().await {
            match push {
                Ok((_, Push::Delivered)) => {}
                Ok((event, Push::Rejected(reason))) => rejected.push((event, reason)),
                Ok((event, Push::Failed(why))) => {
                    again.push(event);
                    failure = Some(why.and(failure.take()));
                }
                Err(panic) => return Answer::Failed(Failure::because(panic.to_string())),
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
        let end = match self.call("/event.Event/Push", entry, None).await {
            Ok(EventResponse { success: true }) => Push::Delivered,
            Ok(EventResponse { success: false }) => {
                Push::Rejected("the server answered success = false".to_owned())
            }
            Err(status) if is_about_content(&status) => Push::Rejected(describe(&status)),
            Err(status) => {
                if is_of_connection(&status) {
                    // The next connection may be to a server that knows more.
                    self.one_by_one.end();
                }
                Push::Failed(Failure::from(&status))
            }
        };
        (event, end)
    }

    async fn call<T: Message + Default + 'static>(
        &self,
        method: &'static str,
        message: Bytes,
        compression: Option<CompressionEncoding>,
    ) -> Result<T, Status> {
        let channel = self.channel.clone().map_err(Status::unavailable)?;
        let mut grpc = Grpc::new(marking(channel));
        if let Some(compression) = compression {
            grpc = grpc.send_compressed(compression);
        }
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        let call = async {
            self.head.write(&mut request).await?;
            let head = request.metadata().clone();
            grpc.ready().await.map_err(no_connection)?;
            let path = method
                .parse()
                .map_err(|_| Status::internal("the method is no path"))?;
            let answer = grpc.unary(request, path, PassThrough::default()).await;
            if let Err(status) = &answer
                && status.code() == Code::Unauthenticated
            {
                self.head.refused(&head);
            }
            answer
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
    Failed(Failure),
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
        return Answer::Failed(Failure::because(format!(
            "the server accounts for {} accepted and {} rejected of {events} events",
            response.accepted,
            rejected.len()
        )));
    }
    Answer::Settled {
        rejected,
        again: Vec::new(),
        failure: None,
    }
}

fn is_unimplemented(status: &Status) -> bool {
    status.code() == Code::Unimplemented && is_of_server(status)
}

fn is_about_content(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::OutOfRange) && is_of_server(status)
}

fn no_connection(error: tonic::transport::Error) -> Status {
    let mut status = Status::unavailable("no connection");
    status.set_source(Arc::new(error));
    status
}

/// Whether there was no connection, or it broke. What the transport says has a source, and what a server says has none.
fn is_of_connection(status: &Status) -> bool {
    status.code() == Code::Unavailable || status.source().is_some()
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
