//! Why there is no client, in words that name the value and the fix.

use std::error::Error;
use std::{fmt, io};

/// Why there is no client.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// An endpoint is no URL of a server.
    Endpoint {
        /// What was given.
        url: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
    /// A setting cannot work.
    Setting {
        /// The builder's method.
        setting: &'static str,
        /// What is wrong with the value, and what to set instead.
        reason: String,
    },
    /// A variable of the environment is missing or cannot work.
    Variable {
        /// Its name.
        name: &'static str,
        /// Its value, unless it has none or that is secret.
        value: Option<String>,
        /// What is wrong with it, and what to set instead.
        reason: String,
    },
    /// The system does not give what a client needs.
    System {
        /// What that is: a thread, or random bits.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint { url, reason } => write!(f, "endpoint `{url}`: {reason}"),
            Self::Setting { setting, reason } => write!(f, "`{setting}`: {reason}"),
            Self::Variable {
                name,
                value: Some(value),
                reason,
            } => write!(f, "`{name}={value}`: {reason}"),
            Self::Variable {
                name,
                value: None,
                reason,
            } => write!(f, "`{name}`: {reason}"),
            Self::System { what, .. } => write!(f, "the system gives the client no {what}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What to do when something cannot work as this crate was built.
pub(crate) fn needs_feature(what: &str, feature: &str) -> String {
    format!(
        "{what} needs the feature `{feature}` of logeater-client; \
         write logeater-client = {{ features = [\"{feature}\"], … }} in Cargo.toml"
    )
}
