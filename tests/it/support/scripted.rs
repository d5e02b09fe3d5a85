//! A server that follows a script: for each call the next reply, down to the bytes of the connection.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use logeater_proto::event::{BatchResponse, EventBatch, EventEntry, EventResponse, Rejection};
use prost::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tonic::Code;
use tonic::codegen::http::{HeaderMap, Request, Response, response};

/// What a server does with one call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// Stores all events, and says so.
    Stores,
    /// Stores all events, and says so after this time.
    StoresLate(Duration),
    /// Stores all events, says so, and takes no other call on this connection: GOAWAY, as of a server that stops.
    StoresAndLeaves,
    /// Refuses the first event and each one so many after it, and stores the others.
    Refuses(usize),
    /// Stores all events, and says what does not add up.
    Lies(Lie),
    /// Answers with a code, and stores nothing. One that is about the content refuses all events.
    Fails(Code),
    /// The same, with a head of its own before the code, as servers in some languages do.
    FailsAfterHead(Code),
    /// Answers as what is no gRPC server does, and stores nothing.
    Http(u16),
    /// Stores all events, and instead of the answer there is noise.
    StoresAnd(Noise),
    /// Makes noise before the request is read to its end.
    Only(Noise),
}

impl Reply {
    /// Whether the event in this place is not stored, for good.
    fn refuses(self, index: usize) -> bool {
        match self {
            Self::Refuses(every) => index.is_multiple_of(every),
            Self::Fails(code) | Self::FailsAfterHead(code) => {
                matches!(code, Code::InvalidArgument | Code::OutOfRange)
            }
            _ => false,
        }
    }
}

/// What is wrong with an answer that a protobuf library can read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lie {
    AcceptsOneMore,
    AcceptsOneLess,
    RejectsOneBeyond,
    /// The numbers would add up if it were not one event. Of a single event it says that it accepted it as well.
    RejectsOneTwice,
}

/// What comes in the place of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Noise {
    Silence,
    /// A message that is no protobuf.
    NoProtobuf,
    /// The beginning of a message, and then the trailers.
    HalfMessage,
    /// The beginning of a message of 4 GiB, and then the trailers.
    GiantMessage,
    /// An answer that is said to be compressed, in a way that nobody has asked for.
    StrangeEncoding,
    /// `RST_STREAM`.
    StreamReset,
    /// GOAWAY with an error.
    GoAway,
    /// Bytes that are no frame.
    NoFrame,
    /// The beginning of a frame, and then the end of the connection.
    HalfFrame,
    /// FIN.
    End,
    /// RST.
    Reset,
}

/// What a call asks of its connection.
enum Ask {
    Leave,
    GoAway,
    Write(&'static [u8]),
    WriteAndEnd(&'static [u8]),
    Reset,
}

/// A server on a free port, on a thread of its own, until it is dropped.
#[derive(Debug)]
pub(crate) struct ScriptedPeer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    _running: oneshot::Sender<()>,
}

#[derive(Debug)]
struct State {
    knows_batches: bool,
    script: VecDeque<Reply>,
    afterwards: Reply,
    pushes: u64,
    batches: u64,
    stored: Vec<EventEntry>,
    refused: Vec<EventEntry>,
}

impl State {
    fn next(&mut self, is_batch: bool) -> Reply {
        if is_batch && !self.knows_batches {
            return Reply::Fails(Code::Unimplemented);
        }
        self.pushes += u64::from(!is_batch);
        self.batches += u64::from(is_batch);
        self.script.pop_front().unwrap_or(self.afterwards)
    }

    fn keep(&mut self, entries: Vec<EventEntry>, refused: &[usize]) {
        for (index, entry) in entries.into_iter().enumerate() {
            if refused.contains(&index) {
                self.refused.push(entry);
            } else {
                self.stored.push(entry);
            }
        }
    }
}

impl ScriptedPeer {
    /// Starts a server that replies by `script`, and then always alike.
    pub(crate) fn start(script: impl IntoIterator<Item = Reply>, afterwards: Reply) -> Self {
        Self::knowing(true, script, afterwards)
    }

    /// Starts a server that knows no batches; the script is for `Push` alone.
    pub(crate) fn push_only(script: impl IntoIterator<Item = Reply>, afterwards: Reply) -> Self {
        Self::knowing(false, script, afterwards)
    }

    fn knowing(
        knows_batches: bool,
        script: impl IntoIterator<Item = Reply>,
        afterwards: Reply,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (running, ended) = oneshot::channel();
        let peer = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::new(Mutex::new(State {
                knows_batches,
                script: script.into_iter().collect(),
                afterwards,
                pushes: 0,
                batches: 0,
                stored: Vec::new(),
                refused: Vec::new(),
            })),
            _running: running,
        };
        let state = Arc::clone(&peer.state);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serve(listener, state) => {}
                    _ = ended => {}
                }
            });
        });
        peer
    }

    /// Knows batches from now on.
    pub(crate) fn learn_batches(&self) {
        self.state.lock().unwrap().knows_batches = true;
    }

    /// How often `Push` was called, and `PushBatch` since it knows it.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let state = self.state.lock().unwrap();
        (state.pushes, state.batches)
    }

    /// Every event that it stored, as often as it did.
    pub(crate) fn stored(&self) -> Vec<EventEntry> {
        self.state.lock().unwrap().stored.clone()
    }

    /// Every event that it refused, as often as it did.
    pub(crate) fn refused(&self) -> Vec<EventEntry> {
        self.state.lock().unwrap().refused.clone()
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(connection(stream, Arc::clone(&state)));
    }
}

/// Serves a connection until one of the two sides ends it.
async fn connection(stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    // Another handle of the same connection, for what HTTP/2 would not do.
    let stream = stream.into_std().unwrap();
    let mut wire = TcpStream::from_std(stream.try_clone().unwrap()).unwrap();
    let mut http = h2::server::handshake(TcpStream::from_std(stream).unwrap())
        .await
        .ok()?;
    let (asks, mut asked) = mpsc::unbounded_channel();
    loop {
        tokio::select! {
            call = http.accept() => {
                let (request, respond) = call?.ok()?;
                tokio::spawn(answer(request, respond, Arc::clone(&state), asks.clone()));
            }
            Some(ask) = asked.recv() => match ask {
                Ask::Leave => http.graceful_shutdown(),
                Ask::GoAway => http.abrupt_shutdown(Reason::INTERNAL_ERROR),
                Ask::Write(bytes) => wire.write_all(bytes).await.ok()?,
                Ask::WriteAndEnd(bytes) => {
                    wire.write_all(bytes).await.ok()?;
                    wire.shutdown().await.ok()?;
                }
                Ask::Reset => {
                    wire.set_zero_linger().ok()?;
                    return None;
                }
            }
        }
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    state: Arc<Mutex<State>>,
    asks: mpsc::UnboundedSender<Ask>,
) -> Option<()> {
    let is_batch = request.uri().path() == "/event.Event/PushBatch";
    let reply = state.lock().unwrap().next(is_batch);
    match reply {
        Reply::Http(status) => {
            let head = Response::builder().status(status).body(()).unwrap();
            return respond.send_response(head, true).ok().map(drop);
        }
        Reply::Only(noise) => return make(noise, &mut respond, &asks).await,
        _ => {}
    }
    let entries = read(request.into_body(), is_batch).await?;
    let events = entries.len();
    let refused: Vec<_> = (0..events).filter(|index| reply.refuses(*index)).collect();
    if !matches!(reply, Reply::Fails(_) | Reply::FailsAfterHead(_)) || !refused.is_empty() {
        state.lock().unwrap().keep(entries, &refused);
    }
    match reply {
        Reply::Fails(code) => return fail(&mut respond, code),
        Reply::FailsAfterHead(code) => return say(&mut respond, b"", code),
        Reply::StoresAnd(noise) => return make(noise, &mut respond, &asks).await,
        Reply::StoresLate(time) => sleep(time).await,
        Reply::StoresAndLeaves => asks.send(Ask::Leave).ok()?,
        _ => {}
    }
    let message = if is_batch {
        batch_response(reply, events, &refused).encode_to_vec()
    } else {
        let success = refused.is_empty();
        EventResponse { success }.encode_to_vec()
    };
    say(&mut respond, &framed(&message), Code::Ok)
}

/// Reads a request to its end.
async fn read(mut body: RecvStream, is_batch: bool) -> Option<Vec<EventEntry>> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.ok()?;
        body.flow_control().release_capacity(chunk.len()).ok()?;
        bytes.extend_from_slice(&chunk);
    }
    let message = bytes.freeze().slice(PREFIX_BYTES..);
    Some(if is_batch {
        EventBatch::decode(message).unwrap().entries
    } else {
        vec![EventEntry::decode(message).unwrap()]
    })
}

fn batch_response(reply: Reply, events: usize, refused: &[usize]) -> BatchResponse {
    let events = u32::try_from(events).unwrap();
    let refused: Vec<_> = refused
        .iter()
        .map(|index| u32::try_from(*index).unwrap())
        .collect();
    let (accepted, rejected) = match reply {
        Reply::Lies(Lie::AcceptsOneMore) => (events + 1, vec![]),
        Reply::Lies(Lie::AcceptsOneLess) => (events - 1, vec![]),
        Reply::Lies(Lie::RejectsOneBeyond) => (events - 1, vec![events]),
        Reply::Lies(Lie::RejectsOneTwice) if events == 1 => (1, vec![0, 0]),
        Reply::Lies(Lie::RejectsOneTwice) => (events - 2, vec![0, 0]),
        _ => (events - u32::try_from(refused.len()).unwrap(), refused),
    };
    let rejection = |index| Rejection {
        index,
        reason: "by script".to_owned(),
    };
    BatchResponse {
        accepted,
        rejected: rejected.into_iter().map(rejection).collect(),
    }
}

/// How many bytes stand before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

fn framed(message: &[u8]) -> BytesMut {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed
}

fn head() -> response::Builder {
    Response::builder().header("content-type", "application/grpc")
}

fn fail(respond: &mut SendResponse<Bytes>, code: Code) -> Option<()> {
    let head = head()
        .header("grpc-status", code as i32)
        .header("grpc-message", "by script")
        .body(())
        .unwrap();
    respond.send_response(head, true).ok().map(drop)
}

/// Says these bytes, and then the code.
fn say(respond: &mut SendResponse<Bytes>, bytes: &[u8], code: Code) -> Option<()> {
    let mut body = respond
        .send_response(head().body(()).unwrap(), false)
        .ok()?;
    body.send_data(Bytes::copy_from_slice(bytes), false).ok()?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", (code as i32).into());
    body.send_trailers(trailers).ok()
}

async fn make(
    noise: Noise,
    respond: &mut SendResponse<Bytes>,
    asks: &mpsc::UnboundedSender<Ask>,
) -> Option<()> {
    let ask = match noise {
        Noise::Silence => return pending().await,
        Noise::NoProtobuf => return say(respond, &framed(b"\xff\xff\xff"), Code::Ok),
        Noise::HalfMessage => {
            return say(respond, &framed(b"\x08\x01")[..=PREFIX_BYTES], Code::Ok);
        }
        Noise::GiantMessage => return say(respond, b"\0\xff\xff\xff\xff\x08\x01", Code::Ok),
        Noise::StrangeEncoding => {
            let head = head().header("grpc-encoding", "strange").body(()).unwrap();
            return respond.send_response(head, true).ok().map(drop);
        }
        Noise::StreamReset => {
            respond.send_reset(Reason::INTERNAL_ERROR);
            return None;
        }
        Noise::GoAway => Ask::GoAway,
        Noise::NoFrame => Ask::Write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        // A HEADERS frame of 256 bytes, of which there are four.
        Noise::HalfFrame => {
            Ask::WriteAndEnd(b"\x00\x01\x00\x01\x04\x00\x00\x00\x01\x88\x00\x00\x00")
        }
        Noise::End => Ask::WriteAndEnd(b""),
        Noise::Reset => Ask::Reset,
    };
    asks.send(ask).ok()?;
    // Whoever lets go of a call resets it, which would be another noise.
    pending().await
}
