//! What stands between a client and a server, and can fall silent as a firewall does, or keep the answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A proxy on a free port, until the test's process ends.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    connections: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
    /// All connections before this one are silent.
    silent_before: Arc<AtomicU64>,
    swallows_answers: Arc<AtomicBool>,
    clients: Arc<Mutex<Vec<TcpStream>>>,
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
            swallows_answers: Arc::default(),
            clients: Arc::default(),
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

    /// Passes on what the client says, and keeps what the server says.
    pub(crate) fn swallow_answers(&self) {
        self.swallows_answers.store(true, Ordering::SeqCst);
    }

    /// Passes on everything again. The connections have holes now, so they are closed.
    pub(crate) fn pass_answers_on(&self) {
        self.swallows_answers.store(false, Ordering::SeqCst);
        self.cut();
    }

    /// Closes the connections there are.
    pub(crate) fn cut(&self) {
        for client in self.clients.lock().unwrap().drain(..) {
            // It may be closed already.
            let _ = client.shutdown(Shutdown::Both);
        }
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
        self.clients
            .lock()
            .unwrap()
            .push(client.try_clone().unwrap());
        let (open, silent_before) = (Arc::clone(&self.open), Arc::clone(&self.silent_before));
        let is_silent = move || number < silent_before.load(Ordering::SeqCst);
        let swallows = Arc::clone(&self.swallows_answers);
        // What a connection has swallowed is missing for ever.
        let (mut has_hole, was_silent) = (false, is_silent.clone());
        let is_swallowed = move || {
            has_hole |= swallows.load(Ordering::SeqCst);
            has_hole || was_silent()
        };
        Self::pass_on(server, client, is_swallowed, || {});
        Self::pass_on(client, server, is_silent, move || {
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    fn pass_on(
        from: &TcpStream,
        to: &TcpStream,
        mut is_kept: impl FnMut() -> bool + Send + 'static,
        closed: impl FnOnce() + Send + 'static,
    ) {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut bytes) {
                if !is_kept() && to.write_all(&bytes[..length]).is_err() {
                    break;
                }
            }
            // Whichever side is closed, the other has no use for it.
            let _ = to.shutdown(Shutdown::Both);
            closed();
        });
    }
}
