//! The runners of all sinks, from the start of the collector to its end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use logeater_schema::Catalog;
use tokio::task::JoinSet;

use super::config::SinkConfig;
use super::runner::{Context, Runner};
use super::status::Status;
use crate::Error;
use crate::rules::Rules;

/// The tasks of all sinks.
#[derive(Debug)]
pub(crate) struct Runners {
    context: Context,
    tasks: JoinSet<()>,
    #[cfg_attr(
        not(feature = "web"),
        expect(dead_code, reason = "only the metrics ask for it")
    )]
    statuses: Vec<(String, Arc<Status>)>,
}

impl Runners {
    /// Starts a runner for each sink.
    pub(crate) async fn start(
        context: Context,
        sinks: Vec<(String, SinkConfig)>,
    ) -> Result<Self, Error> {
        let mut tasks = JoinSet::new();
        let mut statuses = Vec::new();
        for (name, config) in sinks {
            let status = Arc::new(Status::default());
            let runner = Runner::new(context.clone(), &name, config, Arc::clone(&status)).await?;
            tasks.spawn(runner.run());
            statuses.push((name, status));
        }
        Ok(Self {
            context,
            tasks,
            statuses,
        })
    }

    /// How each sink is doing, by name.
    #[cfg(feature = "web")]
    pub(crate) fn statuses(&self) -> Vec<(String, Arc<Status>)> {
        self.statuses.clone()
    }

    /// Lets another task live and end with them.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Stops all, and waits so long for what is on its way.
    pub(crate) async fn stop(mut self, timeout: Duration) {
        self.context.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(timeout, ended).await.is_err() {
            tracing::warn!(
                "some deliveries to sinks did not end in time: their events are delivered again at the next start"
            );
        }
    }
}

/// Tells all sinks the catalog.
pub(crate) fn set_catalog(sinks: &[(String, SinkConfig)], catalog: &Arc<Catalog>) {
    for (name, config) in sinks {
        config.tell(name, |sink| sink.set_catalog(catalog));
    }
}

/// Checks that each sink has a name of its own, and that rules name no other.
pub(crate) fn check(sinks: &[(String, SinkConfig)], rules: &Rules) -> Result<(), Error> {
    let mut names = HashSet::new();
    for (name, _) in sinks {
        if !names.insert(&**name) {
            return Err(Error::Sink {
                name: name.clone(),
                problem: "is configured twice: a cursor belongs to one sink alone".to_owned(),
            });
        }
    }
    let unknown = rules.sink_names().find(|name| !names.contains(name));
    unknown.map_or(Ok(()), |name| {
        Err(Error::Sink {
            name: name.to_owned(),
            problem: "is named by a rule, but not configured".to_owned(),
        })
    })
}
