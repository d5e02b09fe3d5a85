//! What stands between a client and a server, and can fall silent as a firewall does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A proxy on a free port, until the test's process ends.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    connections: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
    /// All connections before this one are silent.
    silent_before: Arc<AtomicU64>,
}

impl Proxy {
    /// Starts a proxy of the server at `url`.
    pub(crate) fn of(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            connections: Arc::default(),
            open: Arc::default(),
            silent_before: Arc::default(),
        };
        let (handle, server) = (
            proxy.clone(),
            url.strip_prefix("http://").unwrap().to_owned(),
        );
        thread::spawn(move || {
            for client in listener.incoming() {
                handle.connect(&client.unwrap(), &TcpStream::connect(&server).unwrap());
            }
        });
        proxy
    }

    /// Keeps the connections there are, and lets nothing through them any more.
    pub(crate) fn fall_silent(&self) {
        self.silent_before
            .store(self.connections(), Ordering::SeqCst);
    }

    /// How many connections have been made.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many connections the client has not closed.
    pub(crate) fn open(&self) -> u64 {
        self.open.load(Ordering::SeqCst)
    }

    fn connect(&self, client: &TcpStream, server: &TcpStream) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst);
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Arc::clone(&self.open);
        self.pass_on(number, server, client, || {});
        self.pass_on(number, client, server, move || {
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    fn pass_on(
        &self,
        number: u64,
        from: &TcpStream,
        to: &TcpStream,
        closed: impl FnOnce() + Send + 'static,
    ) {
        let silent_before = Arc::clone(&self.silent_before);
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut bytes) {
                let silent = number < silent_before.load(Ordering::SeqCst);
                if !silent && to.write_all(&bytes[..length]).is_err() {
                    break;
                }
            }
            // Whichever side is closed, the other has no use for it.
            let _ = to.shutdown(Shutdown::Both);
            closed();
        });
    }
}
