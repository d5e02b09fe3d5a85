//! One open connection to a stream: requests go out without waiting for answers, which come in their order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client::Client;
use super::messages::{
    AppendRowsRequest, AppendRowsResponse, MissingValueInterpretation, ProtoData, ProtoRows,
    ProtoSchema,
};
use super::rows::Form;
use super::trouble::Trouble;

/// How many requests may wait for their answers.
const IN_FLIGHT_MAX: usize = 8;

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Ended {
    /// The connection had ended in good order, as BigQuery does with those that are idle or old.
    Closed,
    Failed(Trouble),
}

impl Ended {
    pub(super) fn into_trouble(self) -> Trouble {
        match self {
            Self::Closed => Trouble::no_answer("it closes each connection"),
            Self::Failed(trouble) => trouble,
        }
    }
}

/// An open connection. What is dropped is closed.
#[derive(Debug)]
pub(super) struct Connection {
    stream: String,
    form: Arc<Form>,
    places: Semaphore,
    patience: Duration,
    open: Arc<Mutex<Open>>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

type Answer = oneshot::Sender<Result<AppendRowsResponse, Ended>>;

/// What a connection has sent.
#[derive(Debug)]
struct Open {
    /// None once the connection has ended.
    requests: Option<mpsc::UnboundedSender<AppendRowsRequest>>,
    is_told: bool,
    /// Who waits for answers, in the order of the requests.
    waiting: VecDeque<Answer>,
}

impl Connection {
    /// Opens one to this stream, which is up with its first request.
    pub(super) fn open(client: &Client, stream: String, form: Arc<Form>) -> Self {
        let (requests, queue) = mpsc::unbounded_channel();
        let open = Arc::new(Mutex::new(Open {
            requests: Some(requests),
            is_told: false,
            waiting: VecDeque::new(),
        }));
        let stop = CancellationToken::new();
        let reading = read(client.clone(), stream.clone(), queue, Arc::clone(&open));
        tokio::spawn(stop.clone().run_until_cancelled_owned(reading));
        Self {
            stream,
            form,
            places: Semaphore::new(IN_FLIGHT_MAX),
            patience: client.patience(),
            open,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        }
    }

    /// Whether it takes requests.
    pub(super) fn is_open(&self) -> bool {
        !self.stop.is_cancelled() && lock(&self.open).requests.is_some()
    }

    /// Appends rows, and waits for the answer. Who does not wait until then ends the connection: nobody would know
    /// which answer is whose.
    pub(super) async fn append(
        &self,
        rows: Vec<Bytes>,
        offset: Option<i64>,
    ) -> Result<AppendRowsResponse, Ended> {
        let Ok(_place) = self.places.acquire().await else {
            return Err(Ended::Closed);
        };
        let answer = self.send(rows, offset).ok_or(Ended::Closed)?;
        let given_up = self.stop.clone().drop_guard();
        match timeout(self.patience, answer).await {
            Ok(Ok(answer)) => {
                given_up.disarm();
                answer
            }
            Ok(Err(_)) => Err(Ended::Failed(Trouble::no_answer(
                "the connection was given up",
            ))),
            Err(_) => Err(Ended::Failed(Trouble::late(self.patience))),
        }
    }

    /// None if the connection has ended.
    fn send(
        &self,
        rows: Vec<Bytes>,
        offset: Option<i64>,
    ) -> Option<oneshot::Receiver<Result<AppendRowsResponse, Ended>>> {
        let mut open = lock(&self.open);
        let is_first = !open.is_told;
        let requests = open.requests.as_ref()?;
        let request = AppendRowsRequest {
            offset,
            ..self.request(rows, is_first)
        };
        requests.send(request).ok()?;
        let (answer, receiver) = oneshot::channel();
        open.is_told = true;
        open.waiting.push_back(answer);
        Some(receiver)
    }

    fn request(&self, rows: Vec<Bytes>, is_first: bool) -> AppendRowsRequest {
        let mut request = AppendRowsRequest::default();
        let mut data = ProtoData {
            rows: Some(ProtoRows {
                serialized_rows: rows,
            }),
            writer_schema: None,
        };
        if is_first {
            request.write_stream.clone_from(&self.stream);
            concat!("logeater:", env!("CARGO_PKG_VERSION")).clone_into(&mut request.trace_id);
            request
                .set_default_missing_value_interpretation(MissingValueInterpretation::DefaultValue);
            data.writer_schema = Some(ProtoSchema {
                proto_descriptor: Some(self.form.descriptor.clone()),
            });
        }
        request.proto_rows = Some(data);
        request
    }
}

/// Hands out answers until there are no more.
async fn read(
    client: Client,
    stream: String,
    queue: mpsc::UnboundedReceiver<AppendRowsRequest>,
    open: Arc<Mutex<Open>>,
) {
    let requests = UnboundedReceiverStream::new(queue);
    let ended = match client.append_rows(&stream, requests).await {
        Ok(mut answers) => loop {
            match answers.message().await {
                Ok(Some(answer)) => {
                    if let Some(waiting) = lock(&open).waiting.pop_front() {
                        // Who has gone needs none.
                        _ = waiting.send(Ok(answer));
                    }
                }
                Ok(None) => break None,
                Err(status) => break Some(Trouble::of_connection(&status)),
            }
        },
        Err(trouble) => Some(trouble),
    };
    let mut open = lock(&open);
    open.requests = None;
    let mut ended = ended.map_or(Ended::Closed, Ended::Failed);
    for waiting in open.waiting.drain(..) {
        // The first request is the one that the trouble is about; BigQuery has not looked at the others.
        _ = waiting.send(Err(std::mem::replace(
            &mut ended,
            Ended::Failed(Trouble::no_answer(
                "the connection ended at another request",
            )),
        )));
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
