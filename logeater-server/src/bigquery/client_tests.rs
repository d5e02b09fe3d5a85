use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::testing::credentials;
use super::*;

/// What stands for Google: it answers as it is told.
#[derive(Debug, Default)]
struct Google {
    answers: Mutex<VecDeque<(u16, Value)>>,
    /// The path of each request, and who it says it comes from.
    asked: Mutex<Vec<(String, Option<String>)>>,
}

async fn answer(
    State(google): State<Arc<Google>>,
    uri: Uri,
    headers: HeaderMap,
) -> impl IntoResponse {
    let from = headers.get("authorization");
    let from = from.map(|from| from.to_str().unwrap().to_owned());
    let path = uri.path().to_owned();
    google.asked.lock().unwrap().push((path, from));
    let (status, body) = google.answers.lock().unwrap().pop_front().unwrap();
    (StatusCode::from_u16(status).unwrap(), axum::Json(body))
}

/// A server that answers so, and its address.
async fn google(answers: impl IntoIterator<Item = (u16, Value)>) -> (Arc<Google>, String) {
    let google = Arc::new(Google {
        answers: Mutex::new(answers.into_iter().collect()),
        ..Google::default()
    });
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&google));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (google, address)
}

fn target(endpoint: &str, credentials: Credentials) -> Target {
    Target {
        project: "shop".to_owned(),
        dataset: "logeater".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        credentials,
    }
}

/// Who asks with these credentials. It is not asked over TLS, which only a test may do.
fn client(address: &str, credentials: Credentials) -> Client {
    let mut client = Client::new(target("https://localhost", credentials)).unwrap();
    client.base = base(address, &target(address, Credentials::none())).unwrap();
    client
}

#[tokio::test]
async fn a_request_has_the_path_and_the_token() {
    let (google, address) = google([(200, json!({"id": "cart"}))]).await;
    let (credentials, _folder) = credentials().await;
    let path = ["datasets", "logeater", "tables", "a/b"];
    let table: Value = client(&address, credentials).get(&path).await.unwrap();
    assert_eq!(table, json!({"id": "cart"}));
    let expected = (
        "/bigquery/v2/projects/shop/datasets/logeater/tables/a%2Fb".to_owned(),
        Some("Bearer token-1".to_owned()),
    );
    assert_eq!(*google.asked.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let (google, address) = google([
        (401, json!({})),
        (200, json!({})),
        (401, json!({})),
        (401, json!({})),
    ])
    .await;
    let (credentials, _folder) = credentials().await;
    let client = client(&address, credentials);
    client.get::<Value>(&["datasets"]).await.unwrap();
    let refused = client.get::<Value>(&["datasets"]).await.unwrap_err();
    assert_eq!(refused.class, Class::Denied);
    let asked = google.asked.lock().unwrap();
    let tokens: Vec<_> = asked.iter().map(|(_, from)| from.as_deref()).collect();
    let expected =
        ["token-1", "token-2", "token-2", "token-3"].map(|token| format!("Bearer {token}"));
    assert_eq!(tokens, expected.each_ref().map(|token| Some(&**token)));
}

#[tokio::test]
async fn without_credentials_there_is_no_token_and_no_second_try() {
    let (google, address) = google([(401, json!({}))]).await;
    let client = Client::new(target(&address, Credentials::none())).unwrap();
    let refused = client.get::<Value>(&["datasets"]).await.unwrap_err();
    assert_eq!(refused.class, Class::Denied);
    let asked = google.asked.lock().unwrap();
    assert_eq!(
        *asked,
        [("/bigquery/v2/projects/shop/datasets".to_owned(), None)]
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(target(&address, Credentials::none())).unwrap();
    let problem = client.get::<Value>(&["datasets"]).await.unwrap_err();
    assert_eq!(problem.class, Class::Again);
    let words = problem.to_string();
    assert!(words.starts_with("BigQuery does not answer: "), "{words}");
    assert!(words.contains("onnection refused"), "{words}");
}

#[tokio::test]
async fn what_a_file_of_credentials_lacks_is_said_without_what_it_has() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("me.json");
    let name = format!("the credentials of {}", path.display());
    let ask = || async {
        let problem = Credentials::file(&path).headers().await.unwrap_err();
        assert_eq!(problem.class, Class::Denied);
        problem.to_string()
    };
    assert_eq!(
        ask().await,
        format!("{name}: No such file or directory (os error 2)")
    );
    std::fs::write(&path, "secret").unwrap();
    assert_eq!(ask().await, format!("{name}: it is no JSON"));
    std::fs::write(&path, r#"{"type":"secret"}"#).unwrap();
    let words = ask().await;
    assert!(
        words.starts_with(&format!("{name}: its `type` is none of ")),
        "{words}"
    );
    assert!(!words.contains("secret"), "{words}");
    std::fs::write(
        &path,
        r#"{"type":"service_account","private_key":"secret"}"#,
    )
    .unwrap();
    assert!(!ask().await.contains("secret"));
}

#[test]
fn a_token_is_only_sent_over_tls() {
    let words = |endpoint: &str, credentials| {
        Client::new(target(endpoint, credentials))
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let file = || Credentials::file("me.json");
    assert_eq!(
        words("http://localhost:9050", file()),
        "`http://localhost:9050` would get the credentials of me.json without encryption: write https://, or \"none\" \
         for the credentials of an emulator"
    );
    assert_eq!(
        words("ftp://localhost", file()),
        "`ftp://localhost` has the scheme `ftp`: write one like https://bigquery.googleapis.com"
    );
    let words = words("localhost", Credentials::none());
    assert!(words.starts_with("`localhost` is no URL: "), "{words}");
}

#[test]
fn a_name_that_no_project_or_dataset_has_is_not_asked_about() {
    let setting = |project: &str, dataset: &str| {
        let target = Target {
            project: project.to_owned(),
            dataset: dataset.to_owned(),
            ..target("https://localhost", Credentials::none())
        };
        Client::new(target)
            .map(drop)
            .map_err(|error| error.setting())
    };
    assert_eq!(setting("example.com:shop-1", "logeater_1"), Ok(()));
    for project in ["", "a/b", "my project"] {
        assert_eq!(setting(project, "logeater"), Err("project"), "{project}");
    }
    for dataset in ["", "my-dataset", "a.b", &"a".repeat(1_025)] {
        assert_eq!(setting("shop", dataset), Err("dataset"), "{dataset}");
    }
}
