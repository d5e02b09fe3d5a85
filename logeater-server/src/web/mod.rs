//! What the collector shows over HTTP: whether it works, and its metrics.

mod metrics;
mod server;
mod sinks;

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;

pub(crate) use server::Web;
pub(crate) use sinks::Sinks;

use crate::readiness::Readiness;
use crate::service::EventService;
use metrics::Metrics;

/// What the pages are made of.
#[derive(Debug)]
pub(crate) struct Pages {
    readiness: Readiness,
    metrics: Metrics,
}

impl Pages {
    pub(crate) fn new(service: &EventService, sinks: Sinks) -> Self {
        Self {
            readiness: service.readiness.clone(),
            metrics: Metrics::new(&service.stats, service.queue.clone(), sinks),
        }
    }

    fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(Arc::new(self))
    }
}

/// Whether events are to be sent here, with the reason if not.
async fn ready(State(pages): State<Arc<Pages>>) -> Response {
    match pages.readiness.problem() {
        None => "ok\n".into_response(),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")).into_response(),
    }
}

async fn metrics(State(pages): State<Arc<Pages>>) -> Response {
    let text = tokio::task::spawn_blocking(move || pages.metrics.text());
    match text.await {
        Ok(Ok(text)) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}
