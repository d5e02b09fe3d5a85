//! A client as the variables of its process's environment say. What is wrong with one is said with its name.

use std::ffi::OsString;
use std::str::FromStr;
use std::time::Duration;

use tonic::codec::CompressionEncoding;

use crate::builder::{BuildError, ClientBuilder};
use crate::client::Client;

const ENDPOINT: &str = "LOGEATER_ENDPOINT";
const SERVICE: &str = "LOGEATER_SERVICE";
const TOKEN: &str = "LOGEATER_TOKEN";
const CA: &str = "LOGEATER_CA";
const CERT: &str = "LOGEATER_CERT";
const KEY: &str = "LOGEATER_KEY";
const COMPRESSION: &str = "LOGEATER_COMPRESSION";
const TIMEOUT: &str = "LOGEATER_TIMEOUT";
const RETRY_FOR: &str = "LOGEATER_RETRY_FOR";
const LINGER: &str = "LOGEATER_LINGER";
const BUFFER_BYTES: &str = "LOGEATER_BUFFER_BYTES";
const SAMPLE: &str = "LOGEATER_SAMPLE";
const SPOOL: &str = "LOGEATER_SPOOL";
const SPOOL_FIRST: &str = "LOGEATER_SPOOL_FIRST";
const SPOOL_BYTES: &str = "LOGEATER_SPOOL_BYTES";
const DISABLED: &str = "LOGEATER_DISABLED";

/// The variables that set what `build` checks, by the method that does.
const CHECKED: [(&str, &str); 10] = [
    ("service", SERVICE),
    ("token", TOKEN),
    ("tls_ca", CA),
    ("tls_identity", CERT),
    ("timeout", TIMEOUT),
    ("buffer_bytes", BUFFER_BYTES),
    ("sample", SAMPLE),
    ("spool", SPOOL),
    ("spool_first", SPOOL_FIRST),
    ("spool_bytes", SPOOL_BYTES),
];

impl Client {
    /// Makes a client of what the environment of the process says; see [`ClientBuilder::from_env`].
    ///
    /// # Errors
    ///
    /// When `LOGEATER_ENDPOINT` or `LOGEATER_SERVICE` is not set, or a variable cannot work; the message names the
    /// variable, its value unless that is secret, and the fix.
    pub fn from_env() -> Result<Self, BuildError> {
        client(|name| std::env::var_os(name))
    }
}

impl ClientBuilder {
    /// Begins a client of what the environment of the process says. What is set on the builder counts instead.
    ///
    /// | variable | what it sets | example |
    /// |---|---|---|
    /// | `LOGEATER_ENDPOINT` | the servers, separated by commas; it must be set | `http://127.0.0.1:50051` |
    /// | `LOGEATER_SERVICE` | [`service`](Self::service) | `checkout` |
    /// | `LOGEATER_TOKEN` | [`token`](Self::token) | |
    /// | `LOGEATER_CA` | a file of authorities to trust instead of the system's, in PEM | `/etc/logeater/ca.pem` |
    /// | `LOGEATER_CERT`, `LOGEATER_KEY` | files of the client's certificate and its key, in PEM | `/etc/logeater/own.pem` |
    /// | `LOGEATER_COMPRESSION` | `gzip`, `zstd` or `none` | `zstd` |
    /// | `LOGEATER_TIMEOUT` | [`timeout`](Self::timeout) | `10s` |
    /// | `LOGEATER_RETRY_FOR` | [`retry_for`](Self::retry_for) | `5m` |
    /// | `LOGEATER_LINGER` | [`linger`](Self::linger) | `100ms` |
    /// | `LOGEATER_BUFFER_BYTES` | [`buffer_bytes`](Self::buffer_bytes) | `8388608` |
    /// | `LOGEATER_SAMPLE` | [`sample`](Self::sample), separated by commas | `page.view=0.1,search.*=0.01` |
    /// | `LOGEATER_SPOOL` | [`spool`](Self::spool) | `/var/lib/logeater` |
    /// | `LOGEATER_SPOOL_FIRST` | [`spool_first`](Self::spool_first), instead | `/var/lib/logeater` |
    /// | `LOGEATER_SPOOL_BYTES` | [`spool_bytes`](Self::spool_bytes) | `1073741824` |
    /// | `LOGEATER_DISABLED` | with `1` the client ignores its events, and no other variable counts | `1` |
    ///
    /// A time is a whole number and `ms`, `s`, `m` or `h`. A variable that is empty is one that is not set.
    ///
    /// # Errors
    ///
    /// When `LOGEATER_ENDPOINT` is not set, a file cannot be read, or a variable cannot work, for example for want of a
    /// feature.
    pub fn from_env() -> Result<Self, BuildError> {
        builder(|name| std::env::var_os(name))
    }
}

fn client(get: impl Fn(&str) -> Option<OsString>) -> Result<Client, BuildError> {
    let builder = builder(&get)?;
    if !builder.has_service() {
        let reason = "it is not set; name the program that sends, such as checkout";
        return Err(unset(SERVICE, reason));
    }
    let built = builder.build();
    built.map_err(|error| Variables(get).name_in(error))
}

fn builder(get: impl Fn(&str) -> Option<OsString>) -> Result<ClientBuilder, BuildError> {
    let variables = Variables(get);
    if variables.parse(DISABLED, switch)? == Some(true) {
        return Ok(ClientBuilder::disabled());
    }
    let urls = variables.text(ENDPOINT)?.ok_or_else(|| {
        let reason = "it is not set; set it to the server's URL, such as http://127.0.0.1:50051, \
             or LOGEATER_DISABLED=1";
        unset(ENDPOINT, reason)
    })?;
    let mut urls = urls.split(',').map(str::trim);
    let mut builder = Client::builder(urls.next().unwrap_or_default());
    for url in urls {
        builder = builder.endpoint(url);
    }
    if let Some(service) = variables.text(SERVICE)? {
        builder = builder.service(service);
    }
    if let Some(token) = variables.text(TOKEN)? {
        builder = builder.token(token);
    }
    if let Some(timeout) = variables.parse(TIMEOUT, time)? {
        builder = builder.timeout(timeout);
    }
    if let Some(retry_for) = variables.parse(RETRY_FOR, time)? {
        builder = builder.retry_for(retry_for);
    }
    if let Some(linger) = variables.parse(LINGER, time)? {
        builder = builder.linger(linger);
    }
    if let Some(bytes) = variables.parse(BUFFER_BYTES, bytes)? {
        builder = builder.buffer_bytes(bytes);
    }
    for (event_type, share) in variables.parse(SAMPLE, shares)?.unwrap_or_default() {
        builder = builder.sample(event_type, share);
    }
    builder = variables.spool(builder)?;
    builder.connect.compression = variables.parse(COMPRESSION, compression)?.flatten();
    builder = variables.tls(builder)?;
    builder
        .check()
        .map_err(|error| variables.name_in(error))
        .map(|()| builder)
}

struct Variables<G>(G);

impl<G: Fn(&str) -> Option<OsString>> Variables<G> {
    fn text(&self, name: &'static str) -> Result<Option<String>, BuildError> {
        let Some(value) = (self.0)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let text = value.into_string();
        text.map(Some)
            .map_err(|_| unset(name, "its value is no UTF-8"))
    }

    fn parse<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, BuildError> {
        let Some(value) = self.text(name)? else {
            return Ok(None);
        };
        parse(&value)
            .map(Some)
            .map_err(|reason| BuildError::Variable {
                name,
                value: Some(value),
                reason,
            })
    }

    fn spool(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, BuildError> {
        if let Some(bytes) = self.parse(SPOOL_BYTES, bytes)? {
            builder = builder.spool_bytes(bytes);
        }
        match (self.text(SPOOL)?, self.text(SPOOL_FIRST)?) {
            (Some(folder), None) => Ok(builder.spool(folder)),
            (None, Some(folder)) => Ok(builder.spool_first(folder)),
            (None, None) => Ok(builder),
            (Some(_), Some(_)) => {
                let reason = "it is set, and LOGEATER_SPOOL is; set one of the two";
                Err(unset(SPOOL_FIRST, reason))
            }
        }
    }

    #[cfg(feature = "tls")]
    fn tls(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, BuildError> {
        if let Some(pem) = self.parse(CA, file)? {
            builder = builder.tls_ca(pem);
        }
        match (self.parse(CERT, file)?, self.parse(KEY, file)?) {
            (Some(certificates), Some(key)) => Ok(builder.tls_identity(certificates, key)),
            (None, None) => Ok(builder),
            (Some(_), None) => Err(unset(KEY, "it is not set, and LOGEATER_CERT is; set both")),
            (None, Some(_)) => Err(unset(CERT, "it is not set, and LOGEATER_KEY is; set both")),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn tls(&self, builder: ClientBuilder) -> Result<ClientBuilder, BuildError> {
        for name in [CA, CERT, KEY] {
            self.parse(name, |_| {
                Err::<(), _>(crate::builder::needs_feature("it", "tls"))
            })?;
        }
        Ok(builder)
    }

    /// The same error, of the variable that it comes from.
    fn name_in(&self, error: BuildError) -> BuildError {
        match error {
            BuildError::Endpoint { url, reason } => BuildError::Variable {
                name: ENDPOINT,
                value: Some(url),
                reason,
            },
            BuildError::Setting { setting, reason } => {
                let Some((_, name)) = CHECKED.iter().find(|(method, _)| *method == setting) else {
                    return BuildError::Setting { setting, reason };
                };
                let value = self.text(name).ok().flatten();
                let value = value.filter(|_| *name != TOKEN);
                BuildError::Variable {
                    name,
                    value,
                    reason,
                }
            }
            other => other,
        }
    }
}

fn unset(name: &'static str, reason: &str) -> BuildError {
    BuildError::Variable {
        name,
        value: None,
        reason: reason.to_owned(),
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err("it is neither 1 nor 0".to_owned()),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let number: Option<u64> = number.parse().ok().filter(|_| millis > 0);
    number
        .and_then(|number| number.checked_mul(millis))
        .map(Duration::from_millis)
        .ok_or_else(|| {
            "it is no time; write a whole number and ms, s, m or h, such as 250ms or 10s".to_owned()
        })
}

fn bytes<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "it is no number of bytes; write it in digits alone".to_owned())
}

fn shares(text: &str) -> Result<Vec<(String, f64)>, String> {
    let share = |pair: &str| {
        let (event_type, share) = pair.split_once('=')?;
        Some((event_type.trim().to_owned(), share.trim().parse().ok()?))
    };
    let shares: Option<_> = text.split(',').map(share).collect();
    shares.ok_or_else(|| {
        "it is no list of shares; write it as page.view=0.1,search.*=0.01".to_owned()
    })
}

fn compression(text: &str) -> Result<Option<CompressionEncoding>, String> {
    match text {
        "none" => Ok(None),
        #[cfg(feature = "gzip")]
        "gzip" => Ok(Some(CompressionEncoding::Gzip)),
        #[cfg(feature = "zstd")]
        "zstd" => Ok(Some(CompressionEncoding::Zstd)),
        #[cfg(not(feature = "gzip"))]
        "gzip" => Err(crate::builder::needs_feature("it", "gzip")),
        #[cfg(not(feature = "zstd"))]
        "zstd" => Err(crate::builder::needs_feature("it", "zstd")),
        _ => Err("it is none of gzip, zstd and none".to_owned()),
    }
}

#[cfg(feature = "tls")]
fn file(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))
}

#[cfg(test)]
#[path = "env_tests.rs"]
mod tests;
