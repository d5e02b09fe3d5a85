//! What goes before each request: the token and the application's own metadata. It asks for a token off the
//! application's threads, and one question at a time.

use std::fmt;
use std::sync::{Arc, PoisonError};

use tokio::task::JoinHandle;
use tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};
use tonic::{Request, Status};

use crate::builder::{BuildError, ClientBuilder};

/// The header of the token.
const AUTHORIZATION: &str = "authorization";

/// What gRPC and HTTP/2 write themselves; all that begins with `grpc-` as well.
const RESERVED: [&str; 4] = ["content-type", "host", "te", "user-agent"];

type Provider = dyn Fn() -> Result<String, String> + Send + Sync;

#[derive(Clone)]
enum Token {
    Fixed(String),
    From(Arc<Provider>),
}

/// What was set.
#[derive(Clone, Default)]
pub(crate) struct HeadSettings {
    token: Option<Token>,
    metadata: Vec<(String, String)>,
}

impl ClientBuilder {
    /// Sends this bearer token with every request: `authorization: Bearer TOKEN`.
    ///
    /// Over `http://` anybody on the way can read it.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.connect.head.token = Some(Token::Fixed(token.into()));
        self
    }

    /// Sends the bearer token that `provider` gives, and asks for another when the server refuses it.
    ///
    /// It may block: it is called on a thread of the client's, one call at a time, before the first request and
    /// after an answer `UNAUTHENTICATED`, so never more often than the pauses between tries. Its error, its panic, or
    /// a call of more than [`timeout`](Self::timeout) count as a failure that is tried again.
    pub fn token_provider<E: fmt::Display>(
        mut self,
        provider: impl Fn() -> Result<String, E> + Send + Sync + 'static,
    ) -> Self {
        let provider = move || provider().map_err(|error| error.to_string());
        self.connect.head.token = Some(Token::From(Arc::new(provider)));
        self
    }

    /// Sends this with every request. The key is lowercase ASCII, the value visible ASCII; `build` says if they are
    /// not, or if gRPC writes that key itself.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let entry = (key.into(), value.into());
        self.connect.head.metadata.push(entry);
        self
    }
}

impl HeadSettings {
    /// The head, if everything that was set can be sent.
    pub(crate) fn head(&self) -> Result<Head, BuildError> {
        let mut fixed = MetadataMap::new();
        for (key, value) in &self.metadata {
            let (key, value) = entry(key, value).map_err(|reason| BuildError::Setting {
                setting: "metadata",
                reason,
            })?;
            fixed.append(key, value);
        }
        if self.token.is_some() && fixed.contains_key(AUTHORIZATION) {
            return Err(BuildError::Setting {
                setting: "metadata",
                reason: "`authorization` is set, and a token as well; set one of them".to_owned(),
            });
        }
        let provider = match &self.token {
            None => None,
            Some(Token::From(provider)) => Some(Arc::clone(provider)),
            Some(Token::Fixed(token)) => {
                let token = bearer(token).map_err(|reason| BuildError::Setting {
                    setting: "token",
                    reason: reason.to_owned(),
                })?;
                fixed.insert(AUTHORIZATION, token);
                None
            }
        };
        Ok(Head {
            fixed,
            provider,
            known: std::sync::Mutex::default(),
            question: tokio::sync::Mutex::default(),
        })
    }
}

/// It shows that secrets are set, and never what they are.
impl fmt::Debug for HeadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.metadata.iter().map(|(key, _)| key).collect();
        f.debug_struct("Head")
            .field("token", &self.token.is_some())
            .field("metadata", &keys)
            .finish()
    }
}

/// No value is repeated: it may be a secret.
fn entry(key: &str, value: &str) -> Result<(MetadataKey<Ascii>, MetadataValue<Ascii>), String> {
    let parsed: MetadataKey<Ascii> = key
        .parse()
        .ok()
        .filter(|_| key.bytes().all(|byte| !byte.is_ascii_uppercase()))
        .ok_or_else(|| {
            format!("`{key}` is no key; a-z, 0-9, `-`, `_`, `.`, and not -bin at the end")
        })?;
    if key.starts_with("grpc-") || RESERVED.contains(&key) {
        return Err(format!("`{key}` is written by gRPC itself"));
    }
    let value = value
        .parse()
        .map_err(|_| format!("the value of `{key}` is not visible ASCII"))?;
    Ok((parsed, value))
}

fn bearer(token: &str) -> Result<MetadataValue<Ascii>, &'static str> {
    if token.is_empty() {
        return Err("it is empty");
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it has other characters than visible ASCII, or white space");
    }
    let mut value: MetadataValue<Ascii> = format!("Bearer {token}")
        .parse()
        .map_err(|_| "it is no header")?;
    value.set_sensitive(true);
    Ok(value)
}

/// What goes before each request of a client.
pub(crate) struct Head {
    fixed: MetadataMap,
    provider: Option<Arc<Provider>>,
    /// What the provider gave, until the server refuses it.
    known: std::sync::Mutex<Option<MetadataValue<Ascii>>>,
    /// The provider's call, which outlives the request that began it.
    question: tokio::sync::Mutex<Option<JoinHandle<Result<String, String>>>>,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").finish_non_exhaustive()
    }
}

impl Head {
    /// Writes it into a request. Must be called within a runtime.
    pub(crate) async fn write<T>(&self, request: &mut Request<T>) -> Result<(), Status> {
        // What a request has already stands beside it: its time.
        let mut head = self.fixed.clone();
        if let Some(provider) = &self.provider {
            head.insert(AUTHORIZATION, self.token(provider).await?);
        }
        let own = std::mem::replace(request.metadata_mut(), head);
        for entry in own.iter() {
            if let tonic::metadata::KeyAndValueRef::Ascii(key, value) = entry {
                request.metadata_mut().insert(key, value.clone());
            }
        }
        Ok(())
    }

    /// The server refuses a request with this head: another token is asked for before the next.
    pub(crate) fn refused(&self, metadata: &MetadataMap) {
        let mut known = self.known();
        // It may be another one by now.
        if known.as_ref() == metadata.get(AUTHORIZATION) {
            *known = None;
        }
    }

    /// What to do when the server refuses the token.
    pub(crate) fn token_fix(&self) -> &'static str {
        if self.provider.is_some() {
            "`token_provider` is asked for another"
        } else if self.fixed.contains_key(AUTHORIZATION) {
            "give another, or a `token_provider`, which is asked for another by then"
        } else {
            "there is none, so give one: `token` or `token_provider`"
        }
    }

    async fn token(&self, provider: &Arc<Provider>) -> Result<MetadataValue<Ascii>, Status> {
        let mut question = self.question.lock().await;
        if let Some(known) = &*self.known() {
            return Ok(known.clone());
        }
        let asked = question.get_or_insert_with(|| {
            let provider = Arc::clone(provider);
            tokio::task::spawn_blocking(move || provider())
        });
        let answer = asked.await;
        *question = None;
        let token = match answer {
            Ok(Ok(token)) => bearer(&token).map_err(|reason| format!("gave no token: {reason}")),
            Ok(Err(error)) => Err(format!("failed: {error}")),
            Err(_) => Err("panicked".to_owned()),
        };
        let token = token.map_err(|what| Status::unknown(format!("the token provider {what}")))?;
        *self.known() = Some(token.clone());
        Ok(token)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<MetadataValue<Ascii>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
