//! `logeater schema render`: a catalog in the form that another tool takes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use logeater_schema::Catalog;
use serde_json::Value;

use super::files::{by_name, files_of};
use crate::cli::output::print;

/// Print a catalog in the form that another tool takes
///
/// Of several tables, SQL is one statement after the other, terraform one module, and BigQuery's schemas and JSON
/// Schemas are one object by table or event type; of one, by --only or as a file, it is the bare schema.
#[derive(Debug, clap::Args)]
pub(crate) struct Render {
    /// The form
    #[arg(long, value_enum)]
    format: Format,

    /// The folder of schemas, its `catalog` folder, or one of the files in that
    #[arg(
        long,
        value_name = "PATH",
        default_value = "schemas",
        conflicts_with = "path"
    )]
    catalog: PathBuf,

    /// The same without the option's name
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,

    /// Only this table, or for JSON Schemas this event type
    #[arg(long, value_name = "NAME")]
    only: Option<String>,

    /// Write one file for each into this folder instead, made if it is missing
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The schema that `bq mk --schema` and terraform's `schema` take
    #[value(name = "bigquery")]
    BigQuery,
    /// CREATE TABLE statements
    Sql,
    /// A terraform module in its JSON syntax
    Terraform,
    /// The index template of the events
    Elasticsearch,
    /// The JSON Schema of an event type's details
    #[value(name = "jsonschema")]
    JsonSchema,
    /// The catalog for people
    Markdown,
}

impl Format {
    /// Where its files are in a folder of schemas, and how their names end.
    fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::BigQuery => ("bigquery", ".json"),
            Self::Sql => ("bigquery", ".sql"),
            Self::Terraform => ("terraform", ".tf.json"),
            Self::Elasticsearch => ("elasticsearch", ".json"),
            Self::JsonSchema => ("jsonschema", ".json"),
            Self::Markdown => ("", ".md"),
        }
    }

    fn has_one_file(self) -> bool {
        matches!(self, Self::Elasticsearch | Self::Markdown)
    }

    /// The one table that is meant where a catalog's own file is read.
    fn table_of(self, path: &Path) -> Option<String> {
        if !path.is_file() || !matches!(self, Self::BigQuery | Self::Sql | Self::Terraform) {
            return None;
        }
        Some(path.file_stem()?.to_str()?.to_owned())
    }
}

impl Render {
    pub(super) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let path = self.path.unwrap_or(self.catalog);
        let (folder, ending) = self.format.files();
        let mut files = Catalog::read(&path)?.files();
        if self.format == Format::Terraform {
            embed_schemas(&mut files)?;
        }
        let mut texts = files_of(files, folder, ending);
        if self.only.is_some() && self.format.has_one_file() {
            return Err("--only is for formats with one file for each table or event type".into());
        }
        let only = self.only.or_else(|| self.format.table_of(&path));
        if let Some(only) = &only {
            if !texts.contains_key(only) {
                return Err(unknown(only, &texts, &path).into());
            }
            texts.retain(|name, _| name == only);
        }
        match &self.output {
            Some(output) => write(output, &texts, ending)?,
            None => print(&joined(self.format, &texts, only.is_some())?)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn unknown(only: &str, texts: &BTreeMap<String, String>, path: &Path) -> String {
    let known: Vec<_> = texts.keys().map(String::as_str).collect();
    let path = path.display();
    format!(
        "there is no `{only}` in {path}: it has {}",
        known.join(", ")
    )
}

fn write(
    output: &Path,
    texts: &BTreeMap<String, String>,
    ending: &str,
) -> Result<(), Box<dyn Error>> {
    let cannot = |path: &Path, error| format!("cannot write {}: {error}", path.display());
    fs::create_dir_all(output).map_err(|error| cannot(output, error))?;
    for (name, text) in texts {
        let path = output.join(format!("{name}{ending}"));
        fs::write(&path, text).map_err(|error| cannot(&path, error))?;
    }
    Ok(())
}

/// One text of all.
fn joined(
    format: Format,
    texts: &BTreeMap<String, String>,
    is_one: bool,
) -> Result<String, serde_json::Error> {
    Ok(match format {
        Format::Sql => texts
            .values()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n"),
        Format::Terraform if !is_one => one_module(texts)?,
        Format::BigQuery | Format::JsonSchema if !is_one => by_name(texts),
        _ => texts.values().cloned().collect(),
    })
}

/// In a folder of schemas terraform reads `../bigquery`, which is not there for what is printed.
fn embed_schemas(files: &mut BTreeMap<PathBuf, String>) -> Result<(), serde_json::Error> {
    let schemas = files.clone();
    for (path, text) in files {
        if !path.starts_with("terraform") {
            continue;
        }
        let mut module: Value = serde_json::from_str(text)?;
        let tables = module.pointer_mut("/resource/google_bigquery_table");
        let tables = tables.and_then(Value::as_object_mut).into_iter();
        for table in tables.flat_map(|tables| tables.values_mut()) {
            // `${file("${path.module}/../bigquery/cart.json")}`
            let expression = table["schema"].as_str().unwrap_or_default();
            let (_, file) = expression.rsplit_once('/').unwrap_or_default();
            let path = Path::new("bigquery").join(file.trim_end_matches("\")}"));
            let schema = schemas.get(&path).map_or("[]", String::as_str);
            let schema: Value = serde_json::from_str(schema)?;
            // In terraform's strings these two begin an expression.
            let schema = schema.to_string().replace("${", "$${").replace("%{", "%%{");
            table["schema"] = Value::String(schema);
        }
        *text = serde_json::to_string_pretty(&module)? + "\n";
    }
    Ok(())
}

fn one_module(texts: &BTreeMap<String, String>) -> Result<String, serde_json::Error> {
    let mut module = Value::Null;
    for text in texts.values() {
        merge(&mut module, serde_json::from_str(text)?);
    }
    serde_json::to_string_pretty(&module).map(|text| text + "\n")
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
