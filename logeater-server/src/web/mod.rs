//! What the collector shows over HTTP: whether it works, and its metrics.

mod metrics;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;

pub(crate) use server::Web;

use crate::Config;
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
    pub(crate) fn new(service: &EventService, config: &Config) -> Self {
        let store = config.store();
        Self {
            readiness: service.readiness.clone(),
            metrics: Metrics::new(&service.stats, service.queue.clone(), store),
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
    match pages.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
