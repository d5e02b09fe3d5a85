//! Asks BigQuery by its REST interface.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_MATCH, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::credentials::Credentials;
use super::problem::{Class, Problem};

/// Google's own. <https://cloud.google.com/bigquery/docs/reference/rest>
const ENDPOINT: &str = "https://bigquery.googleapis.com";

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Where the tables are, and who asks.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) project: String,
    pub(crate) dataset: String,
    /// Google's unless given.
    pub(crate) endpoint: Option<String>,
    pub(crate) credentials: Credentials,
}

/// A target that cannot be asked: what is wrong with it, and what to write instead.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct TargetError {
    setting: &'static str,
    problem: String,
}

impl TargetError {
    /// What is wrong: `project`, `dataset`, `endpoint` or `storage_endpoint`.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        self.setting
    }

    pub(crate) fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self {
            setting,
            problem: problem.into(),
        }
    }
}

/// Asks about one dataset. Clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    target: Arc<Target>,
}

impl Client {
    pub(crate) fn new(target: Target) -> Result<Self, TargetError> {
        let endpoint = target.endpoint.as_deref().unwrap_or(ENDPOINT);
        check_names(&target)?;
        let base = base(endpoint, &target)?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("logeater/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| TargetError::new("endpoint", error.to_string()))?;
        Ok(Self {
            http,
            base,
            target: Arc::new(target),
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Asks for what is at a path below the project, such as `["datasets", "logeater"]`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Problem> {
        let answer = self.send(Method::GET, path, HeaderMap::new(), None);
        parse(&answer.await?)
    }

    /// Sends JSON.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Problem> {
        self.post_bytes(path, written(body)?).await
    }

    /// Sends JSON that is written already.
    pub(crate) async fn post_bytes<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: Bytes,
    ) -> Result<T, Problem> {
        let answer = self.send(Method::POST, path, HeaderMap::new(), Some(body));
        parse(&answer.await?)
    }

    /// Changes what is at a path, if it still is what has this `etag`.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        etag: &str,
        body: &impl Serialize,
    ) -> Result<T, Problem> {
        let etag = HeaderValue::from_str(etag)
            .map_err(|_| Problem::new(Class::Invalid, format!("the etag {etag:?} is none")))?;
        let headers = HeaderMap::from_iter([(IF_MATCH, etag)]);
        let answer = self.send(Method::PATCH, path, headers, Some(written(body)?));
        parse(&answer.await?)
    }

    /// A token that is refused may have ended early: then there is one more try, with a new one.
    async fn send(
        &self,
        method: Method,
        path: &[&str],
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Bytes, Problem> {
        let url = self.url(path);
        let (status, answer) = self
            .send_once(&method, &url, &headers, body.as_ref())
            .await?;
        if status != StatusCode::UNAUTHORIZED || self.target.credentials.is_none() {
            return answer;
        }
        self.target.credentials.refresh().await;
        self.send_once(&method, &url, &headers, body.as_ref())
            .await?
            .1
    }

    async fn send_once(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&Bytes>,
    ) -> Result<(StatusCode, Result<Bytes, Problem>), Problem> {
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .headers(self.target.credentials.headers().await?)
            .headers(headers.clone());
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        let no_answer = |error: reqwest::Error| Problem::of_connection(&error.without_url());
        let response = request.send().await.map_err(no_answer)?;
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let body = response.bytes().await.map_err(no_answer)?;
        let answer = if status.is_success() {
            Ok(body)
        } else {
            Err(Problem::of_answer(status, retry_after, &body))
        };
        Ok((status, answer))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // What is no base has no segments, and is no target.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        url
    }
}

/// A wrong name would be found wrong with every row, as if the rows were.
///
/// <https://cloud.google.com/bigquery/docs/datasets#dataset-naming>
fn check_names(target: &Target) -> Result<(), TargetError> {
    let Target {
        project, dataset, ..
    } = target;
    let is_project = |c: char| c.is_ascii_alphanumeric() || "-.:_".contains(c);
    if project.is_empty() || !project.chars().all(is_project) {
        let problem = format!("`{project}` is no id of a project: write one like my-project");
        return Err(TargetError::new("project", problem));
    }
    let is_dataset = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if dataset.is_empty() || dataset.len() > 1_024 || !dataset.chars().all(is_dataset) {
        let problem = format!(
            "`{dataset}` is no name of a dataset: it has letters, digits and underscores, at most 1,024"
        );
        return Err(TargetError::new("dataset", problem));
    }
    Ok(())
}

fn base(endpoint: &str, target: &Target) -> Result<Url, TargetError> {
    let mut url = checked_endpoint("endpoint", endpoint, ENDPOINT, &target.credentials)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments
            .pop_if_empty()
            .extend(["bigquery", "v2", "projects", &target.project]);
    }
    Ok(url)
}

/// The endpoint of a setting as a URL, to which no token goes without encryption. `example` is what to write instead.
pub(crate) fn checked_endpoint(
    setting: &'static str,
    endpoint: &str,
    example: &str,
    credentials: &Credentials,
) -> Result<Url, TargetError> {
    install_provider();
    let wrong = |problem: String| TargetError::new(setting, format!("`{endpoint}` {problem}"));
    let url = Url::parse(endpoint)
        .map_err(|error| wrong(format!("is no URL: {error}; write one like {example}")))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if credentials.is_none() => Ok(url),
        "http" => Err(wrong(format!(
            "would get {credentials:?} without encryption: write https://, or \"none\" for the credentials of an emulator"
        ))),
        scheme => Err(wrong(format!(
            "has the scheme `{scheme}`: write one like {example}"
        ))),
    }
}

/// Requests and tokens need a provider of cryptography, which a program may have chosen already.
pub(super) fn install_provider() {
    // The one that is there is kept.
    _ = rustls::crypto::ring::default_provider().install_default();
}

/// In seconds; a date is not what Google sends.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn written(body: &impl Serialize) -> Result<Bytes, Problem> {
    let body = serde_json::to_vec(body);
    body.map(Bytes::from)
        .map_err(|error| Problem::new(Class::Invalid, format!("the request is no JSON: {error}")))
}

fn parse<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(answer).map_err(|error| {
        Problem::new(
            Class::Again,
            format!("the answer is not what BigQuery documents: {error}"),
        )
    })
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
