//! Servers of the contract that are not the collector: one that knows only what the seed knew, one that never
//! answers, and one that speaks something else.

use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use logeater_proto::event::event_server::{Event, EventServer};
use logeater_proto::event::{BatchResponse, EventBatch, EventEntry, EventResponse};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// What a peer answers to one entry: stored, not stored, or an error.
type OnPush = dyn Fn(&EventEntry) -> Result<bool, Status> + Send + Sync;

/// What a peer answers to a batch, whose entries are then stored.
type OnBatch = dyn Fn(&EventBatch) -> Result<(), Status> + Send + Sync;

/// What a peer looks at before it reads a request.
type OnHead = dyn Fn(&MetadataMap) -> Result<(), Status> + Send + Sync;

/// What stands before a peer's service.
#[derive(Clone, Default)]
pub(crate) struct Front {
    tls: Option<ServerTlsConfig>,
    on_head: Option<Arc<OnHead>>,
    accepted: Option<CompressionEncoding>,
}

impl Front {
    /// Reads requests that are compressed so.
    pub(crate) fn accept(mut self, encoding: CompressionEncoding) -> Self {
        self.accepted = Some(encoding);
        self
    }

    /// Looks at the metadata of each request first.
    pub(crate) fn on_head(
        mut self,
        on_head: impl Fn(&MetadataMap) -> Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        self.on_head = Some(Arc::new(on_head));
        self
    }

    pub(crate) fn tls(mut self, tls: ServerTlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }
}

/// A server on a free port, on a thread of its own, until the test's process ends.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    on_push: Arc<OnPush>,
    on_batch: Arc<OnBatch>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<EventEntry>,
    pushes: u64,
    batches: u64,
}

impl Peer {
    /// Starts a server that knows no batches: "refused" is not stored, "invalid" is an error, all others are.
    pub(crate) fn push_only() -> Self {
        Self::answering_push(|entry| match entry.user_id.as_deref() {
            Some("refused") => Ok(false),
            Some("invalid") => Err(Status::invalid_argument("no such user")),
            _ => Ok(true),
        })
    }

    /// Starts a server that knows no batches.
    pub(crate) fn answering_push(
        on_push: impl Fn(&EventEntry) -> Result<bool, Status> + Send + Sync + 'static,
    ) -> Self {
        Self::start(on_push, |_| {
            Err(Status::unimplemented("unknown method PushBatch"))
        })
    }

    /// Starts a server that knows no batches, and stores every event that passes its front.
    pub(crate) fn push_only_behind(front: Front) -> Self {
        Self::start_behind(
            front,
            |_| Ok(true),
            |_| Err(Status::unimplemented("unknown method PushBatch")),
        )
    }

    /// Starts a server of batches.
    pub(crate) fn answering_batches(
        on_batch: impl Fn(&EventBatch) -> Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        Self::start(
            |_| Err(Status::internal("nobody should call Push")),
            on_batch,
        )
    }

    /// Starts a server that stores everything that passes its front.
    pub(crate) fn behind(front: Front) -> Self {
        Self::start_behind(front, |_| Ok(true), |_| Ok(()))
    }

    fn start(
        on_push: impl Fn(&EventEntry) -> Result<bool, Status> + Send + Sync + 'static,
        on_batch: impl Fn(&EventBatch) -> Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        Self::start_behind(Front::default(), on_push, on_batch)
    }

    fn start_behind(
        front: Front,
        on_push: impl Fn(&EventEntry) -> Result<bool, Status> + Send + Sync + 'static,
        on_batch: impl Fn(&EventBatch) -> Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if front.tls.is_some() { "https" } else { "http" };
        let peer = Self {
            url: format!("{scheme}://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
            on_push: Arc::new(on_push),
            on_batch: Arc::new(on_batch),
        };
        let service = peer.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(service.serve(front, listener));
        });
        peer
    }

    async fn serve(self, front: Front, listener: TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let mut service = EventServer::new(self);
        if let Some(encoding) = front.accepted {
            service = service.accept_compressed(encoding);
        }
        let on_head = front.on_head;
        let service = InterceptedService::new(service, move |request: Request<()>| {
            on_head
                .as_ref()
                .map_or(Ok(()), |on_head| on_head(request.metadata()))
                .map(|()| request)
        });
        let mut server = Server::builder();
        if let Some(tls) = front.tls {
            server = server.tls_config(tls).unwrap();
        }
        server
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
            .unwrap();
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
        self.state.lock().unwrap().pushes += 1;
        let success = (self.on_push)(&entry)?;
        if success {
            self.state.lock().unwrap().entries.push(entry);
        }
        Ok(Response::new(EventResponse { success }))
    }

    async fn push_batch(
        &self,
        request: Request<EventBatch>,
    ) -> Result<Response<BatchResponse>, Status> {
        let batch = request.into_inner();
        self.state.lock().unwrap().batches += 1;
        (self.on_batch)(&batch)?;
        let accepted = u32::try_from(batch.entries.len()).unwrap();
        self.state.lock().unwrap().entries.extend(batch.entries);
        Ok(Response::new(BatchResponse {
            accepted,
            rejected: Vec::new(),
        }))
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

/// A server that says the same words to whoever connects, and goes.
#[derive(Debug)]
pub(crate) struct BabblingPeer {
    pub(crate) url: String,
}

impl BabblingPeer {
    pub(crate) fn saying(words: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                // Whoever has gone before it hears them is not missed.
                let _ = stream.unwrap().write_all(words.as_bytes());
            }
        });
        Self { url }
    }
}

/// Where nobody listens.
pub(crate) fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
