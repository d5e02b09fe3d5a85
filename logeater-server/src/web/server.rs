//! HTTP/1.1 for the pages: connections have limits of their own, and end with the collector.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};

use super::Pages;

/// How many connections there are at once; further ones wait.
const CONNECTIONS_MAX: usize = 64;

/// How long a connection may take for the head of its next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long no connection is accepted after accepting one failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the pages until it is dropped.
#[derive(Debug)]
pub(crate) struct Web(AbortHandle);

impl Web {
    pub(crate) fn open(listener: TcpListener, pages: Pages) -> Self {
        Self(tokio::spawn(serve(listener, pages.router())).abort_handle())
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped with this future, which ends them.
    let mut connections = JoinSet::new();
    loop {
        // It is never closed.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    connection(stream, router).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection for HTTP: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        tracing::debug!("a connection for HTTP has ended: {error}");
    }
}
