//! `logeater push`: one event from the shell.

use std::error::Error;
use std::io::Read;

use jiff::Timestamp;
use logeater_proto::event::EventEntry;
use logeater_proto::event::event_client::EventClient;
use tonic::Request;
use tonic::metadata::MetadataValue;
use uuid::Uuid;

use super::endpoint_args::EndpointArgs;
use super::output::print;

/// Send one event to a collector, and print its id when it is stored
#[derive(Debug, clap::Args)]
pub(super) struct Push {
    /// The event's type, such as cart.add
    #[arg(value_name = "TYPE")]
    event_type: String,

    /// Its details, one JSON object; - reads them from stdin
    #[arg(long, value_name = "JSON")]
    details: Option<String>,

    /// Whose event it is
    #[arg(long, value_name = "ID")]
    user: Option<String>,

    /// When it happened [default: now]
    #[arg(long, value_name = "TIME")]
    timestamp: Option<Timestamp>,

    /// Who sends it
    #[arg(long, env = "LOGEATER_SERVICE", default_value = "logeater")]
    service: String,

    #[command(flatten)]
    endpoint: EndpointArgs,

    /// The token that the collector wants
    #[arg(long, env = "LOGEATER_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl Push {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.push())
    }

    async fn push(self) -> Result<(), Box<dyn Error>> {
        let id = Uuid::now_v7();
        let timestamp = self.timestamp.unwrap_or_else(Timestamp::now);
        let mut request = Request::new(EventEntry {
            timestamp: timestamp.as_millisecond(),
            service: self.service,
            r#type: self.event_type,
            user_id: self.user,
            details: self.details.map(read).transpose()?,
            event_id: Some(id.into_bytes().to_vec()),
        });
        if let Some(token) = self.token {
            let bearer = MetadataValue::try_from(format!("Bearer {token}"))
                .map_err(|_| "the token has characters that no header may have")?;
            request.metadata_mut().insert("authorization", bearer);
        }
        let hint = self.endpoint.hint();
        let channel = self.endpoint.connect().await?;
        let answer = EventClient::new(channel).push(request).await;
        let answer = answer.map_err(|status| {
            let (code, message) = (status.code(), status.message());
            match status.source() {
                // No collector has said this.
                Some(_) => format!("the collector did not answer: {message}; {hint}"),
                None => format!("the collector did not take it: {code:?}: {message}"),
            }
        })?;
        if !answer.into_inner().success {
            return Err("the collector did not take it".into());
        }
        Ok(print(&format!("{id}\n"))?)
    }
}

fn read(details: String) -> std::io::Result<String> {
    if details != "-" {
        return Ok(details);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
