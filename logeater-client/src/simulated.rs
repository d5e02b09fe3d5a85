//! Servers of simulated time: they are out at first, and their connections are memory.

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use logeater_proto::EntryRef;
use logeater_proto::event::{BatchResponse, EventEntry, EventResponse};
use prost::Message;
use tokio::io::{DuplexStream, duplex};
use tonic::body::Body;
use tonic::codegen::http::{self, Uri};
use tonic::server::{Grpc, NamedService};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tower::{Service, service_fn};

use crate::clock;
use crate::codec::PassThrough;

/// What a server does while it is out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outage {
    RefusesConnections,
    Fails,
    Hangs,
    /// It fails, and says never to try again.
    PushesBack,
    KnowsNoBatches,
}

/// A server that is out at first.
#[derive(Clone)]
pub(super) struct Peer {
    outage: Outage,
    ends: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// When it was asked for what it does not do.
    asked: Vec<Instant>,
    stored: Vec<u64>,
}

impl Peer {
    pub(super) fn out_for(time: Duration, outage: Outage) -> Self {
        Self {
            outage,
            ends: clock::now() + time,
            state: Arc::default(),
        }
    }

    fn outage(&self) -> Option<Outage> {
        (clock::now() < self.ends).then_some(self.outage)
    }

    fn note(&self) {
        self.state.lock().unwrap().asked.push(clock::now());
    }

    /// The times between any two tries.
    pub(super) fn pauses(&self) -> Vec<Duration> {
        let asked = &self.state.lock().unwrap().asked;
        asked.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The numbers of the events that it has, ascending.
    pub(super) fn stored(&self) -> Vec<u64> {
        let mut stored = self.state.lock().unwrap().stored.clone();
        stored.sort_unstable();
        stored
    }

    fn store(&self, entry: &[u8]) {
        let user_id = EntryRef::decode(entry).unwrap().user_id.unwrap();
        let number = user_id.parse().unwrap();
        self.state.lock().unwrap().stored.push(number);
    }

    /// Must be called within a runtime.
    pub(super) fn channel(&self) -> Channel {
        let peer = self.clone();
        let connect = service_fn(move |_: Uri| ready(peer.connect()));
        Endpoint::from_static("http://simulated").connect_with_connector_lazy(connect)
    }

    fn connect(&self) -> io::Result<TokioIo<DuplexStream>> {
        if let Some(Outage::RefusesConnections) = self.outage() {
            self.note();
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (client, server) = duplex(64 << 10);
        let incoming = tokio_stream::once(Ok::<_, io::Error>(server));
        let router = Server::builder().add_service(self.clone());
        tokio::spawn(router.serve_with_incoming(incoming));
        Ok(TokioIo::new(client))
    }

    async fn fail(&self, outage: Outage) -> Status {
        self.note();
        match outage {
            Outage::RefusesConnections | Outage::Fails => Status::unavailable("not now"),
            Outage::Hangs => pending().await,
            Outage::PushesBack => {
                let mut status = Status::unavailable("never again");
                let never = "-1".parse().unwrap();
                status
                    .metadata_mut()
                    .insert("grpc-retry-pushback-ms", never);
                status
            }
            Outage::KnowsNoBatches => Status::unimplemented("unknown method PushBatch"),
        }
    }
}

/// What is needed of a batch: its entries as they are.
#[derive(Clone, PartialEq, Message)]
struct Entries {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    entries: Vec<Bytes>,
}

impl Peer {
    fn push(&self, entry: &EventEntry) -> Response<Bytes> {
        self.store(&entry.encode_to_vec());
        let stored = EventResponse { success: true };
        Response::new(stored.encode_to_vec().into())
    }

    async fn push_batch(self, batch: Entries) -> Result<Response<Bytes>, Status> {
        if let Some(outage) = self.outage() {
            return Err(self.fail(outage).await);
        }
        batch.entries.iter().for_each(|entry| self.store(entry));
        let stored = BatchResponse {
            accepted: u32::try_from(batch.entries.len()).unwrap(),
            rejected: Vec::new(),
        };
        Ok(Response::new(stored.encode_to_vec().into()))
    }

    async fn serve(self, request: http::Request<Body>) -> http::Response<Body> {
        if request.uri().path() == "/event.Event/PushBatch" {
            let answer = |batch: Request<_>| self.clone().push_batch(batch.into_inner());
            let mut grpc = Grpc::new(PassThrough::default());
            grpc.unary(service_fn(answer), request).await
        } else {
            let answer = |entry: Request<_>| ready(Ok(self.push(&entry.into_inner())));
            let mut grpc = Grpc::new(PassThrough::default());
            grpc.unary(service_fn(answer), request).await
        }
    }
}

impl NamedService for Peer {
    const NAME: &'static str = "event.Event";
}

impl Service<http::Request<Body>> for Peer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let peer = self.clone();
        Box::pin(async move { Ok(peer.serve(request).await) })
    }
}
