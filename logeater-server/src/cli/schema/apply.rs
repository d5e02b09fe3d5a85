//! `logeater schema apply`: the tables of a dataset in BigQuery become those of a catalog.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use logeater_schema::{Catalog, Change, Rule};
use serde::Serialize;
use tokio::time::sleep;

use super::diff::{Reported, reported};
use crate::bigquery::{
    Action, Class, Client, Credentials, Options, Problem, Refusal, Step, Tables, Target, Wanted,
};
use crate::cli::output::print;

/// Make and grow the tables of a dataset in BigQuery, as a catalog has them
///
/// Makes the dataset if it is missing, the events table and the extended tables, and adds to those that are there what
/// they lack: columns, descriptions, policy tags; a REQUIRED column that is NULLABLE now becomes so. Columns that the
/// catalog does not have stay. The plan is printed first. A table that could not become what the catalog has without a
/// loss, or without a new meaning of old rows, is refused: nothing of it is changed, the statements that a person could
/// run are printed, and the other tables are changed all the same. A second run has nothing to do.
///
/// The exit code is 0 when all is done, or with --dry-run could be; 1 if something is refused; 2 for an error.
#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    /// The project in Google Cloud
    #[arg(long, value_name = "ID")]
    project: String,

    /// The dataset, made if it is missing
    #[arg(long, value_name = "ID")]
    dataset: String,

    /// The folder of schemas, its `catalog` folder, or one of the files in that
    #[arg(long, value_name = "PATH", default_value = "schemas")]
    catalog: PathBuf,

    /// Also make views: each table without duplicates, active users by day and month, events by type, most active users
    #[arg(long)]
    views: bool,

    /// Only print the plan
    #[arg(long)]
    dry_run: bool,

    /// Also take away policy tags that the catalog does not have: more people may read those columns then
    #[arg(long)]
    remove_policy_tags: bool,

    /// Where a missing dataset is made, such as EU [default: where BigQuery makes it, the US]
    #[arg(long, value_name = "NAME")]
    location: Option<String>,

    /// Who asks: `default` for the application default credentials, `none` for an emulator, or the path of a key file of
    /// a service account or a workload identity
    #[arg(long, value_name = "WHO", default_value = "default", value_parser = credentials)]
    credentials: Credentials,

    /// Where BigQuery is [default: Google's]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,

    /// How to print the plan
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// How often something is asked for that BigQuery does not answer for now.
const TRIES_MAX: u32 = 5;

/// The first pause between tries, unless BigQuery names one; each next one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);

impl Apply {
    pub(super) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let catalog = Catalog::read(&self.catalog)?;
        let target = Target {
            project: self.project.clone(),
            dataset: self.dataset.clone(),
            endpoint: self.endpoint.clone(),
            credentials: self.credentials.clone(),
        };
        let tables = Tables::new(Client::new(target)?, self.location.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.apply(&tables, &catalog))
    }

    async fn apply(&self, tables: &Tables, catalog: &Catalog) -> Result<ExitCode, Box<dyn Error>> {
        let options = Options {
            views: self.views,
            untag: self.remove_policy_tags,
        };
        let wanted = tables.wanted(catalog, options);
        let live = retried(async || tables.live(&wanted).await).await?;
        let plan = wanted.plan(&live);
        print(&match self.format {
            Format::Text => text(&plan),
            Format::Json => json(&plan)?,
        })?;
        let mut refused = count(&plan, is_refused);
        if !self.dry_run {
            refused = carry_out(tables, &wanted, &plan).await?;
            if self.format == Format::Text && plan.len() > refused {
                print(if refused == 0 {
                    "\nDone.\n"
                } else {
                    "\nDone, but for what is refused.\n"
                })?;
            }
        }
        Ok(if refused > 0 {
            ExitCode::from(1)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// Does what is planned, and gives how much of it is refused now.
async fn carry_out(
    tables: &Tables,
    wanted: &Wanted<'_>,
    plan: &[Step],
) -> Result<usize, Box<dyn Error>> {
    let mut refused = 0;
    for planned in plan {
        let failed = |problem: Problem| {
            let (kind, name) = (planned.kind.name(), &planned.name);
            format!("the {kind} {name} is not as planned: {problem}")
        };
        let Some(item) = wanted.item(planned) else {
            let made = retried(async || tables.make_dataset().await).await;
            made.map_err(failed)?;
            continue;
        };
        let step = retried(async || tables.apply(wanted, &item).await).await;
        let step = step.map_err(failed)?;
        if step.as_ref().is_some_and(is_refused) {
            refused += 1;
        }
    }
    Ok(refused)
}

/// Asks again where BigQuery has no answer for now.
async fn retried<T>(ask: impl AsyncFn() -> Result<T, Problem>) -> Result<T, Problem> {
    let mut pause = PAUSE;
    for _ in 1..TRIES_MAX {
        match ask().await {
            Err(problem) if problem.class == Class::Again => {
                sleep(problem.retry_after.unwrap_or(pause)).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    ask().await
}

#[expect(clippy::unnecessary_wraps, reason = "what clap wants of a parser")]
fn credentials(who: &str) -> Result<Credentials, String> {
    Ok(match who {
        "default" => Credentials::application_default(),
        "none" => Credentials::none(),
        path => Credentials::file(path),
    })
}

fn is_refused(step: &Step) -> bool {
    matches!(step.action, Action::Refuse(_))
}

fn count(plan: &[Step], is: impl Fn(&Step) -> bool) -> usize {
    plan.iter().filter(|step| is(step)).count()
}

fn sums(plan: &[Step]) -> (usize, usize, usize) {
    (
        count(plan, |step| matches!(step.action, Action::Add(_))),
        count(plan, |step| matches!(step.action, Action::Change { .. })),
        count(plan, is_refused),
    )
}

fn text(plan: &[Step]) -> String {
    if plan.is_empty() {
        return "No changes: everything is as the catalog has it.\n".to_owned();
    }
    let mut text = String::new();
    for step in plan {
        let _ = write_step(&mut text, step);
    }
    let (add, change, refused) = sums(plan);
    let _ = writeln!(
        text,
        "\nPlan: {add} to add, {change} to change, {refused} refused."
    );
    text
}

fn write_step(text: &mut String, step: &Step) -> std::fmt::Result {
    let subject = format!("{} {}", step.kind.name(), step.name);
    match &step.action {
        Action::Add(_) => writeln!(text, "+ {subject}"),
        Action::Change { changes, .. } => {
            writeln!(text, "~ {subject}")?;
            changes
                .iter()
                .try_for_each(|change| writeln!(text, "    {}", line(change)))
        }
        Action::Refuse(refusals) => {
            writeln!(text, "! {subject}")?;
            refusals
                .iter()
                .try_for_each(|refusal| write_refusal(text, refusal))
        }
    }
}

fn write_refusal(text: &mut String, refusal: &Refusal) -> std::fmt::Result {
    writeln!(text, "    refused: {}", refusal.reason)?;
    for statement in &refusal.statements {
        writeln!(text, "        {}", statement.replace('\n', "\n        "))?;
    }
    Ok(())
}

/// A change in one line, after the table's.
fn line(change: &Change) -> String {
    let Change { old, new, .. } = change;
    let subject = match change.column() {
        Some(column) => format!("column {column}"),
        None => "table".to_owned(),
    };
    match change.rule {
        Rule::NewColumn => {
            let is = new.strip_prefix("NULLABLE ").unwrap_or(new);
            format!("+ {subject} {is}")
        }
        Rule::Description => format!("~ {subject} description = {new:?}"),
        Rule::Default => format!("~ {subject} default = {new}"),
        Rule::PolicyTagAdded => format!("+ {subject} policy tag = {new}"),
        Rule::PolicyTagChanged => format!("~ {subject} policy tag = {old} -> {new}"),
        Rule::PolicyTagRemoved => format!("- {subject} policy tag = {old}"),
        _ => format!("~ {subject} {old} -> {new}"),
    }
}

/// The JSON that is printed.
#[derive(Serialize)]
struct Report<'a> {
    add: usize,
    change: usize,
    refused: usize,
    steps: Vec<ReportedStep<'a>>,
}

#[derive(Serialize)]
struct ReportedStep<'a> {
    action: &'a str,
    kind: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Reported<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    refusals: &'a [Refusal],
}

fn json(plan: &[Step]) -> serde_json::Result<String> {
    let (add, change, refused) = sums(plan);
    let report = Report {
        add,
        change,
        refused,
        steps: plan.iter().map(reported_step).collect(),
    };
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}

fn reported_step(step: &Step) -> ReportedStep<'_> {
    let (action, changes, refusals) = match &step.action {
        Action::Add(_) => ("add", &[][..], &[][..]),
        Action::Change { changes, .. } => ("change", &changes[..], &[][..]),
        Action::Refuse(refusals) => ("refuse", &[][..], &refusals[..]),
    };
    ReportedStep {
        action,
        kind: step.kind.name(),
        name: &step.name,
        changes: changes.iter().map(reported).collect(),
        refusals,
    }
}
