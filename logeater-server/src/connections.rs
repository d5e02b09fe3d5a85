//! Connections from their first byte on: how many there are, their handshake, and their end at a shutdown.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::arrival::Room;
use crate::live::Live;
use crate::stats::{Connected as Count, Stats};

/// How long no connection is accepted after accepting one failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a client of HTTP/2 sends first (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What connections are made with.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) live: watch::Receiver<Arc<Live>>,
    pub(crate) stats: Arc<Stats>,
    /// How long a handshake may take.
    pub(crate) timeout: Duration,
    /// How many bytes of all connections may be in requests that are not whole yet.
    pub(crate) arriving_bytes: usize,
}

/// Ends all connections of a door when it is dropped.
#[derive(Debug)]
pub(crate) struct Cut {
    _alive: watch::Sender<()>,
}

/// What a connection reads from and writes to.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection whose handshake is done.
pub(crate) struct Connection {
    io: Box<dyn Io>,
    /// How much of the preface has been read from it again.
    replayed: usize,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
    room: Room,
    _count: Count,
}

impl Door {
    /// Accepts until the stream is dropped; handshakes do not wait for each other.
    pub(crate) fn open(
        self,
        listener: TcpListener,
    ) -> (impl Stream<Item = Result<Connection, Infallible>>, Cut) {
        let (alive, cut) = watch::channel(());
        let (ready, connections) = mpsc::channel(1);
        tokio::spawn(async move {
            tokio::select! {
                () = self.accept(listener, &ready, cut) => {}
                () = ready.closed() => {}
            }
        });
        (ReceiverStream::new(connections), Cut { _alive: alive })
    }

    async fn accept(
        self,
        listener: TcpListener,
        ready: &mpsc::Sender<Result<Connection, Infallible>>,
        cut: watch::Receiver<()>,
    ) {
        let door = Arc::new(self);
        // Dropped with this future, which ends the handshakes that are not done.
        let mut handshakes = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = handshakes.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) => {
                    let Some(count) = door.count() else { continue };
                    let (door, ready, cut) = (Arc::clone(&door), ready.clone(), cut.clone());
                    handshakes.spawn(async move {
                        if let Some(connection) = door.connect(stream, count, cut).await {
                            let _ = ready.send(Ok(connection)).await;
                        }
                    });
                }
                // One that fails is no reason to stop.
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn count(&self) -> Option<Count> {
        let max = self.live.borrow().connections;
        let count = self.stats.connect(max);
        if count.is_none() {
            tracing::debug!("a connection is closed: there are {max}, as many as are allowed");
        }
        count
    }

    async fn connect(
        &self,
        stream: TcpStream,
        count: Count,
        mut cut: watch::Receiver<()>,
    ) -> Option<Connection> {
        // Answers are small and awaited: they must not wait to be filled up.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("TCP_NODELAY: {error}");
        }
        let io = tokio::time::timeout(self.timeout, self.shake_hands(stream))
            .await
            .unwrap_or_else(|late| Err(late.into()))
            .inspect_err(|error| tracing::debug!("no handshake: {error}"))
            .ok()?;
        Some(Connection {
            io,
            replayed: 0,
            // Nothing is ever sent: the error says that the sender is gone.
            cut: Box::pin(async move { while cut.changed().await.is_ok() {} }),
            room: Room::of_connection(self.arriving_bytes),
            _count: count,
        })
    }

    /// TLS, if it is asked for, and the first bytes of HTTP/2, which nobody waits for later.
    async fn shake_hands(&self, stream: TcpStream) -> io::Result<Box<dyn Io>> {
        let mut io = self.encrypt(stream).await?;
        let mut preface = [0; PREFACE.len()];
        io.read_exact(&mut preface).await?;
        if preface != *PREFACE {
            let text = "this is no HTTP/2: a client of gRPC is expected, with https:// only if there is TLS";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(io)
    }

    #[cfg(feature = "tls")]
    async fn encrypt(&self, stream: TcpStream) -> io::Result<Box<dyn Io>> {
        let tls = self.live.borrow().tls.clone();
        Ok(match tls {
            Some(tls) => {
                let acceptor = tokio_rustls::TlsAcceptor::from(tls.config());
                Box::new(acceptor.accept(stream).await?)
            }
            None => Box::new(stream),
        })
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "with the feature it is a handshake")]
    async fn encrypt(&self, stream: TcpStream) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(stream))
    }
}

impl Connected for Connection {
    /// Each of its requests has it as an extension.
    type ConnectInfo = Room;

    fn connect_info(&self) -> Room {
        self.room.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let rest = &PREFACE[self.replayed..];
        if rest.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let fits = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..fits]);
        self.replayed += fits;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
