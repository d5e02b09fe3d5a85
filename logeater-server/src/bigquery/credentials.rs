//! Who the collector is to Google. What is secret about that is shown nowhere.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use google_cloud_auth::build_errors::Error as BuilderError;
use google_cloud_auth::credentials::{
    self as google, CacheableResource, external_account, impersonated, service_account,
    user_account,
};
use http::{Extensions, HeaderMap};
use serde_json::Value;
use tokio::sync::Mutex;

use super::problem::{Class, Problem};

/// What a token is for. <https://developers.google.com/identity/protocols/oauth2/scopes#bigquery>
const SCOPES: [&str; 1] = ["https://www.googleapis.com/auth/bigquery"];

/// Who the collector is to Google. Clones share one token.
///
/// Nothing is read before the first request.
#[derive(Clone)]
pub struct Credentials {
    source: Source,
    /// What gives tokens, and renews them before they end. Made with the first request, which has a runtime.
    tokens: Arc<Mutex<Option<google::Credentials>>>,
}

#[derive(Clone)]
enum Source {
    Default,
    File(PathBuf),
    None,
}

impl Credentials {
    /// Those that the environment gives: `GOOGLE_APPLICATION_CREDENTIALS`, those of `gcloud`, or those of the machine.
    ///
    /// <https://cloud.google.com/docs/authentication/application-default-credentials>
    #[must_use]
    pub fn application_default() -> Self {
        Self::of(Source::Default)
    }

    /// Those of a file: the key of a service account, a workload identity, or what `gcloud` has written.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::of(Source::File(path.into()))
    }

    /// None, for an emulator.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Source::None)
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            tokens: Arc::default(),
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self.source, Source::None)
    }

    /// What a request says of who it comes from, by HTTP and by gRPC.
    pub(crate) async fn headers(&self) -> Result<HeaderMap, Problem> {
        let Some(tokens) = self.tokens().await? else {
            return Ok(HeaderMap::new());
        };
        match tokens.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            // It is what is answered to those who have the headers already.
            Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
            Err(error) => {
                let class = if error.is_transient() {
                    Class::Again
                } else {
                    Class::Denied
                };
                Err(Problem::new(
                    class,
                    format!("{self:?} give no token: {error}"),
                ))
            }
        }
    }

    /// Forgets the token: the next request asks for a new one.
    pub(crate) async fn refresh(&self) {
        *self.tokens.lock().await = None;
    }

    async fn tokens(&self) -> Result<Option<google::Credentials>, Problem> {
        let mut tokens = self.tokens.lock().await;
        if tokens.is_none() {
            *tokens = self.open()?;
        }
        Ok(tokens.clone())
    }

    fn open(&self) -> Result<Option<google::Credentials>, Problem> {
        super::client::install_provider();
        let denied =
            |error: &dyn fmt::Display| Problem::new(Class::Denied, format!("{self:?}: {error}"));
        match &self.source {
            Source::None => Ok(None),
            Source::Default => {
                let built = google::Builder::default().with_scopes(SCOPES).build();
                built.map(Some).map_err(|error| denied(&error))
            }
            Source::File(path) => {
                let json = read(path).map_err(|error| denied(&error))?;
                let built = of_file(json).map_err(|error| denied(&error))?;
                let built = built.ok_or_else(|| {
                    denied(&"its `type` is none of \"service_account\", \"external_account\", \"authorized_user\" and \"impersonated_service_account\"")
                })?;
                Ok(Some(built))
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Default => f.write_str("the application default credentials"),
            Source::File(path) => write!(f, "the credentials of {}", path.display()),
            Source::None => f.write_str("no credentials"),
        }
    }
}

fn read(path: &Path) -> Result<Value, String> {
    let text = fs::read(path).map_err(|error| error.to_string())?;
    // The words of the parser might show what is in the file.
    serde_json::from_slice(&text).map_err(|_| "it is no JSON".to_owned())
}

/// `None` if the file is of no type that is known.
fn of_file(json: Value) -> Result<Option<google::Credentials>, BuilderError> {
    let built = match json.get("type").and_then(Value::as_str) {
        Some("service_account") => service_account::Builder::new(json)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes(SCOPES))
            .build(),
        Some("external_account") => external_account::Builder::new(json)
            .with_scopes(SCOPES)
            .build(),
        Some("authorized_user") => user_account::Builder::new(json).with_scopes(SCOPES).build(),
        Some("impersonated_service_account") => {
            impersonated::Builder::new(json).with_scopes(SCOPES).build()
        }
        _ => return Ok(None),
    };
    built.map(Some)
}
