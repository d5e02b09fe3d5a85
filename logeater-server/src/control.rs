//! Changes a collector while it serves.

use std::path::PathBuf;
use std::sync::Arc;

use logeater_schema::Catalog;
use tokio::sync::watch;

use crate::live::Live;
use crate::plan::Plan;
use crate::rules::{Rule, Rules};
use crate::sinks::{self, SinkConfig};
use crate::store::{self, Queue};
use crate::{Config, Error};

/// A handle of a running collector. Clones are the same.
#[derive(Clone, Debug)]
pub struct Control {
    store: PathBuf,
    queue: Queue,
    plan: Arc<watch::Sender<Arc<Plan>>>,
    sinks: Arc<[(String, SinkConfig)]>,
    rules: Arc<watch::Sender<Arc<Rules>>>,
    live: Arc<watch::Sender<Arc<Live>>>,
}

impl Control {
    pub(crate) fn new(config: &Config, queue: Queue, plan: Plan) -> Self {
        Self {
            store: config.store(),
            queue,
            plan: Arc::new(watch::Sender::new(Arc::new(plan))),
            sinks: config.sinks.clone().into(),
            rules: Arc::new(watch::Sender::new(Arc::clone(&config.rules))),
            live: Arc::new(watch::Sender::new(Arc::new(Live::new(config)))),
        }
    }

    /// What the catalog of the moment knows.
    pub(crate) fn plan(&self) -> watch::Receiver<Arc<Plan>> {
        self.plan.subscribe()
    }

    /// What else counts now.
    pub(crate) fn live(&self) -> watch::Receiver<Arc<Live>> {
        self.live.subscribe()
    }

    /// Takes over what may change while the collector serves: the catalog, the rules, the tokens, the certificates,
    /// the rates, and how many connections, and entries of a request, there may be.
    ///
    /// It counts for the connections and requests that come from then on; rates begin anew. All else counts from the
    /// next start.
    ///
    /// # Errors
    ///
    /// When the store cannot hold a table of the catalog, or fails, or a rule names a sink that there is not now. All
    /// stays as it was then.
    pub async fn reload(&self, config: Config) -> Result<(), Error> {
        sinks::check(&self.sinks, &config.rules).map_err(|error| match error {
            Error::Sink { name, .. } if config.sink_names().contains(&name) => Error::Sink {
                name,
                problem:
                    "is named by a rule, and is new in the file: it counts from the next start"
                        .to_owned(),
            },
            error => error,
        })?;
        let live = Live::new(&config);
        self.set_catalog(config.catalog).await?;
        self.rules.send_replace(config.rules);
        self.live.send_replace(Arc::new(live));
        Ok(())
    }

    /// Grows the store's tables to those of this catalog, and fills them from the next request on.
    ///
    /// Tables and columns that it no longer has stay, and are no longer filled.
    ///
    /// # Errors
    ///
    /// When the store cannot hold a table of it, or fails. The catalog from before stays then.
    pub async fn set_catalog(&self, catalog: Catalog) -> Result<(), Error> {
        let catalog = Arc::new(catalog);
        let plan = store::grow(&self.queue, &self.store, Arc::clone(&catalog)).await?;
        sinks::set_catalog(&self.sinks, &catalog);
        tracing::info!("{} event types of the catalog have a table", plan.len());
        self.plan.send_replace(Arc::new(plan));
        Ok(())
    }

    /// The rules of the moment.
    pub(crate) fn rules(&self) -> watch::Receiver<Arc<Rules>> {
        self.rules.subscribe()
    }

    /// Applies these rules from the next try of each sink on, also to what is tried again.
    ///
    /// # Errors
    ///
    /// When a rule names a sink that there is not. The rules from before stay then.
    pub fn set_rules(&self, rules: Vec<Rule>) -> Result<(), Error> {
        let rules = Rules::new(rules);
        sinks::check(&self.sinks, &rules)?;
        self.rules.send_replace(Arc::new(rules));
        Ok(())
    }
}
