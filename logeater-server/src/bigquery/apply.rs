//! Makes and grows the tables of a dataset: one at a time, whoever asks, and no faster than BigQuery takes it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use logeater_schema::Catalog;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::client::Client;
use super::plan::{Action, Item, Live, Options, Step, Wanted};
use super::problem::{Class, Problem};
use super::table::{Table, labels};

/// How often a table may be updated in [`UPDATES_IN`]: <https://cloud.google.com/bigquery/quotas#table_limits>.
const UPDATES_MAX: usize = 5;

/// See [`UPDATES_MAX`].
const UPDATES_IN: Duration = Duration::from_secs(10);

/// How often a table is looked at again because somebody else has made or changed it meanwhile.
const LOOKS_MAX: usize = 5;

/// The tables of one dataset. Clones share the turns that they take.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    client: Client,
    /// Where a dataset is made; BigQuery's own choice unless given.
    location: Option<String>,
    turns: Arc<Mutex<HashMap<String, Updates>>>,
}

/// When a table was updated.
#[derive(Debug, Default)]
struct Updates(VecDeque<Instant>);

/// <https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets>
#[derive(Serialize)]
struct NewDataset<'a> {
    #[serde(rename = "datasetReference")]
    reference: DatasetReference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    labels: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct DatasetReference<'a> {
    #[serde(rename = "projectId")]
    project: &'a str,
    #[serde(rename = "datasetId")]
    dataset: &'a str,
}

impl Tables {
    pub(crate) fn new(client: Client, location: Option<String>) -> Self {
        Self {
            client,
            location,
            turns: Arc::default(),
        }
    }

    /// What a catalog wants of this dataset.
    pub(crate) fn wanted<'a>(&'a self, catalog: &'a Catalog, options: Options) -> Wanted<'a> {
        Wanted::new(self.client.target(), catalog, options)
    }

    /// Grows one table, or all, to what a catalog wants, and gives the steps that were taken or refused.
    pub(crate) async fn grow(
        &self,
        catalog: &Catalog,
        table: Option<&str>,
    ) -> Result<Vec<Step>, Problem> {
        let wanted = self.wanted(catalog, Options::default());
        let mut steps = Vec::new();
        for item in wanted.items() {
            if table.is_none_or(|table| table == item.name()) {
                steps.extend(self.apply(&wanted, &item).await?);
            }
        }
        Ok(steps)
    }

    /// Looks at all that a plan is made of.
    pub(crate) async fn live(&self, wanted: &Wanted<'_>) -> Result<Live, Problem> {
        let mut live = Live {
            is_there: self.dataset_is_there().await?,
            ..Live::default()
        };
        if !live.is_there {
            return Ok(live);
        }
        for item in wanted.items() {
            if let Some(table) = self.table(item.name()).await? {
                live.tables.insert(item.name().to_owned(), table);
            }
        }
        Ok(live)
    }

    /// Does what is to be done with one thing, as it is now, and gives what was done or refused.
    pub(crate) async fn apply(
        &self,
        wanted: &Wanted<'_>,
        item: &Item<'_>,
    ) -> Result<Option<Step>, Problem> {
        let mut turns = self.turns.lock().await;
        let updates = turns.entry(item.name().to_owned()).or_default();
        let mut looks = 1;
        loop {
            let live = self.table(item.name()).await?;
            let Some(step) = wanted.step(item, live.as_ref()) else {
                return Ok(None);
            };
            match self.take(&step, updates).await {
                Err(problem) if problem.class == Class::Conflict && looks < LOOKS_MAX => looks += 1,
                taken => return taken.map(|()| Some(step)),
            }
        }
    }

    async fn take(&self, step: &Step, updates: &mut Updates) -> Result<(), Problem> {
        let path = self.path(&["tables", &step.name]);
        match &step.action {
            Action::Add(table) => self.make(table).await,
            Action::Change { etag, change, .. } => {
                sleep(updates.pause(Instant::now())).await;
                updates.add(Instant::now());
                let changed: Result<Value, _> = self.client.patch(&path, etag, change).await;
                changed.map(drop)
            }
            Action::Refuse(_) => Ok(()),
        }
    }

    /// Makes a table, and its dataset where that is missing.
    async fn make(&self, table: &Table) -> Result<(), Problem> {
        let path = self.path(&["tables"]);
        match self.client.post::<Value>(&path, table).await {
            Err(problem) if problem.class == Class::Missing => {
                self.make_dataset().await?;
                self.client.post::<Value>(&path, table).await.map(drop)
            }
            made => made.map(drop),
        }
    }

    /// Makes the dataset, unless somebody else has.
    pub(crate) async fn make_dataset(&self) -> Result<(), Problem> {
        let target = self.client.target();
        let dataset = NewDataset {
            reference: DatasetReference {
                project: &target.project,
                dataset: &target.dataset,
            },
            location: self.location.as_deref(),
            labels: labels(),
        };
        let made = self.client.post::<Value>(&["datasets"], &dataset);
        some_unless(made.await, Class::Conflict).map(drop)
    }

    async fn dataset_is_there(&self) -> Result<bool, Problem> {
        let dataset = self.client.get::<Value>(&self.path(&[])).await;
        Ok(some_unless(dataset, Class::Missing)?.is_some())
    }

    async fn table(&self, name: &str) -> Result<Option<Table>, Problem> {
        some_unless(
            self.client.get(&self.path(&["tables", name])).await,
            Class::Missing,
        )
    }

    fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        [&["datasets", self.client.target().dataset.as_str()], rest].concat()
    }
}

impl Updates {
    /// How long the next one has to wait.
    fn pause(&mut self, now: Instant) -> Duration {
        while self.0.front().is_some_and(|at| *at + UPDATES_IN <= now) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(first) if self.0.len() >= UPDATES_MAX => *first + UPDATES_IN - now,
            _ => Duration::ZERO,
        }
    }

    fn add(&mut self, now: Instant) {
        self.0.push_back(now);
    }
}

/// Nothing where the problem is of a class that is as good as an answer.
fn some_unless<T>(answer: Result<T, Problem>, class: Class) -> Result<Option<T>, Problem> {
    match answer {
        Err(problem) if problem.class == class => Ok(None),
        answer => answer.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_updated_five_times_in_ten_seconds() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut updates = Updates::default();
        for second in 0..5 {
            assert_eq!(updates.pause(at(second)), Duration::ZERO);
            updates.add(at(second));
        }
        assert_eq!(updates.pause(at(5)), Duration::from_secs(5));
        assert_eq!(updates.pause(at(10)), Duration::ZERO);
        updates.add(at(10));
        assert_eq!(updates.pause(at(10)), Duration::from_secs(1));
    }
}
