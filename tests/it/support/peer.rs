//! Servers of the contract that are not the collector: one that knows only what the seed knew, and one that
//! never answers.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use logeater_proto::event::event_server::{Event, EventServer};
use logeater_proto::event::{BatchResponse, EventBatch, EventEntry, EventResponse};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// A server on a free port, on a thread of its own, until the test's process ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<EventEntry>,
    pushes: u64,
    batches: u64,
}

impl Peer {
    /// Starts a server that stores what is pushed, and knows no batches.
    pub(crate) fn push_only() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let peer = Self {
            url,
            ..Self::default()
        };
        let service = EventServer::new(peer.clone());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let incoming = TcpListenerStream::new(listener);
                Server::builder()
                    .add_service(service)
                    .serve_with_incoming(incoming)
                    .await
                    .unwrap();
            });
        });
        peer
    }

    /// Everything that was stored.
    pub(crate) fn entries(&self) -> Vec<EventEntry> {
        self.state.lock().unwrap().entries.clone()
    }

    /// How often `Push` and `PushBatch` were called.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let state = self.state.lock().unwrap();
        (state.pushes, state.batches)
    }
}

#[tonic::async_trait]
impl Event for Peer {
    async fn push(&self, request: Request<EventEntry>) -> Result<Response<EventResponse>, Status> {
        let entry = request.into_inner();
        let mut state = self.state.lock().unwrap();
        state.pushes += 1;
        match entry.user_id.as_deref() {
            Some("refused") => return Ok(Response::new(EventResponse { success: false })),
            Some("invalid") => return Err(Status::invalid_argument("no such user")),
            _ => state.entries.push(entry),
        }
        Ok(Response::new(EventResponse { success: true }))
    }

    async fn push_batch(&self, _: Request<EventBatch>) -> Result<Response<BatchResponse>, Status> {
        self.state.lock().unwrap().batches += 1;
        Err(Status::unimplemented("unknown method PushBatch"))
    }
}

/// A server that takes connections and never says a word.
#[derive(Debug)]
pub(crate) struct SilentPeer {
    pub(crate) url: String,
}

impl SilentPeer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let _kept: Vec<_> = listener.incoming().collect();
        });
        Self { url }
    }
}
