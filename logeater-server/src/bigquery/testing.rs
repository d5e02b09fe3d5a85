//! What stands for Google where tests need tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::Credentials;

/// Credentials whose tokens are `token-1`, `token-2` and so on, and the folder that they need.
pub(crate) async fn credentials() -> (Credentials, TempDir) {
    let given = Arc::new(AtomicU32::new(0));
    let token = move || async move {
        let number = given.fetch_add(1, Ordering::Relaxed) + 1;
        let token = format!("token-{number}");
        Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/token", post(token));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("me.json");
    let me = json!({
        "type": "authorized_user",
        "client_id": "an id",
        "client_secret": "a secret",
        "refresh_token": "another secret",
        "token_uri": format!("http://{address}/token"),
    });
    std::fs::write(&path, me.to_string()).unwrap();
    (Credentials::file(path), folder)
}
