//! The signals of the process: the first that stops it, a second that does not wait, and the one to read anew.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the process.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
}

/// The signal to read the configuration anew.
#[derive(Debug)]
pub(super) struct Reload(#[cfg(unix)] Signal);

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(unix)]
impl Reload {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Whether there was one; `false` if there will be none.
    pub(super) async fn recv(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}

#[cfg(not(unix))]
impl Reload {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self())
    }

    pub(super) async fn recv(&mut self) -> bool {
        false
    }
}

impl Signals {
    /// Completes at the first signal. From then on a second one ends the process at once, with exit code 1.
    pub(super) async fn stopped(mut self) {
        let name = self.next().await;
        tracing::info!("{name}: draining; a second signal ends the process at once");
        tokio::spawn(async move {
            let name = self.next().await;
            tracing::warn!("{name} again: ending at once; what was acknowledged is safe");
            std::process::exit(1);
        });
    }
}
