//! `logeater token`: a new token, and what the configuration is to have of it.

use std::error::Error;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Token as Known;

/// Make a token for a client, and the lines that let the collector know it.
///
/// Prints the token, which is kept nowhere, and a table to add to the collector's configuration file, which has only
/// its SHA-256. For a token that you have already: `printf %s "$TOKEN" | sha256sum`.
#[derive(Debug, clap::Args)]
pub(super) struct Token {
    /// Whose token it is; it is shown in the collector's log and metrics
    #[arg(default_value = "client")]
    name: String,
}

impl Token {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        // As many bits as the hash has: none can be guessed.
        let mut bits = [0; 32];
        getrandom::fill(&mut bits).map_err(|error| format!("no randomness: {error}"))?;
        let token = URL_SAFE_NO_PAD.encode(bits);
        let sha256 = Known::new(self.name.as_str(), &token).sha256();
        let name = toml::Value::String(self.name);
        write!(
            std::io::stdout(),
            "# for the client; it is not shown again\n\
             {token}\n\
             # for the collector's configuration file\n\
             [[tokens]]\nname = {name}\nsha256 = \"{sha256}\"\n"
        )?;
        Ok(())
    }
}
