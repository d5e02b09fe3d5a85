//! A table as the REST interface has it, and as the catalog has it. No I/O.
//!
//! A change sends the whole schema, so what others have set in a column is kept, known here or not.
//!
//! <https://cloud.google.com/bigquery/docs/reference/rest/v2/tables>

use std::collections::BTreeMap;

use logeater_schema::{ColumnType, Mode, TableColumn, TableSchema};
use serde::de::value::{Error as NoType, StrDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the key of a label must be like: <https://cloud.google.com/bigquery/docs/labels-intro#requirements>.
const LABEL: (&str, &str) = ("managed-by", "logeater");

/// A table or a view: what is asked for, or what there is. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    #[serde(rename = "tableReference", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<TableReference>,
    #[serde(skip_serializing)]
    pub(crate) etag: Option<String>,
    /// `TABLE`, `VIEW`, or something else.
    #[serde(rename = "type", skip_serializing)]
    pub(crate) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clustering: Option<Clustering>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) view: Option<ViewDefinition>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableReference {
    #[serde(rename = "projectId")]
    pub(crate) project: String,
    #[serde(rename = "datasetId")]
    pub(crate) dataset: String,
    #[serde(rename = "tableId")]
    pub(crate) table: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Schema {
    #[serde(default)]
    pub(crate) fields: Vec<Field>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clustering {
    fields: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ViewDefinition {
    pub(crate) query: String,
    #[serde(default)]
    use_legacy_sql: bool,
}

/// A column of a table or of a RECORD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    // The API's int64 is text: <https://google.aip.dev/141>.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_tags: Option<PolicyTags>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<Field>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Without a name, a change takes the tag away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct PolicyTags {
    #[serde(default)]
    names: Vec<String>,
}

impl Table {
    /// A table that is to be made, with its columns.
    pub(crate) fn new(reference: TableReference, schema: &TableSchema, fields: Vec<Field>) -> Self {
        Self {
            reference: Some(reference),
            description: text(schema.bigquery_description()),
            schema: Some(Schema {
                fields,
                others: Map::new(),
            }),
            clustering: Some(Clustering {
                fields: vec!["cluster_key".to_owned()],
            }),
            labels: labels(),
            ..Self::default()
        }
    }

    /// A view that is to be made, or a change of one.
    pub(crate) fn view(reference: TableReference, description: &str, query: String) -> Self {
        Self {
            reference: Some(reference),
            description: text(description),
            view: Some(ViewDefinition {
                query,
                use_legacy_sql: false,
            }),
            labels: labels(),
            ..Self::default()
        }
    }

    /// Whether logeater has made it.
    pub(crate) fn is_ours(&self) -> bool {
        let (key, value) = LABEL;
        self.labels.get(key).is_some_and(|is| is == value)
    }

    pub(crate) fn fields(&self) -> &[Field] {
        self.schema.as_ref().map_or(&[], |schema| &schema.fields)
    }

    /// Its schema with other columns.
    pub(crate) fn schema_of(&self, fields: Vec<Field>) -> Schema {
        Schema {
            fields,
            others: self
                .schema
                .as_ref()
                .map(|schema| schema.others.clone())
                .unwrap_or_default(),
        }
    }
}

/// What tells a person, and the next run, who has made something.
pub(crate) fn labels() -> BTreeMap<String, String> {
    let (key, value) = LABEL;
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Field {
    /// The columns of a table of the catalog.
    pub(crate) fn of(table: &TableSchema) -> serde_json::Result<Vec<Self>> {
        serde_json::from_str(&table.bigquery_schema())
    }

    pub(crate) fn has_name_of(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Whether it is a column of a type that the catalog may have too.
    pub(crate) fn has_known_type(&self) -> bool {
        column_type(&self.type_name).is_some()
    }

    /// This column of a live table, changed into the one that is wanted as far as that loses nothing that others have
    /// set. A policy tag that the catalog does not have goes only where `untag` says so.
    pub(crate) fn grown_to(&self, wanted: &Self, untag: bool) -> Self {
        let is_untagged = untag && wanted.policy_tags.is_none() && self.tag().is_some();
        let policy_tags = if is_untagged {
            Some(PolicyTags::default())
        } else {
            wanted.policy_tags.clone().or(self.policy_tags.clone())
        };
        Self {
            type_name: if column_type(&self.type_name) == column_type(&wanted.type_name) {
                self.type_name.clone()
            } else {
                wanted.type_name.clone()
            },
            description: wanted.description.clone().or(self.description.clone()),
            default_value_expression: wanted
                .default_value_expression
                .clone()
                .or(self.default_value_expression.clone()),
            policy_tags,
            fields: grown(&self.fields, &wanted.fields, untag),
            others: self.others.clone(),
            ..wanted.clone()
        }
    }

    /// This column of a live table, which no event fills: it cannot be REQUIRED.
    fn unfilled(&self) -> Self {
        let mode = match self.mode {
            Some(Mode::Required) => Some(Mode::Nullable),
            mode => mode,
        };
        Self {
            mode,
            ..self.clone()
        }
    }

    fn tag(&self) -> Option<&String> {
        self.policy_tags.as_ref()?.names.first()
    }

    /// As the catalog has it; `None` for a type that the catalog never has.
    fn column(&self) -> Option<TableColumn> {
        let column_type = column_type(&self.type_name)?;
        let mode = self.mode.unwrap_or_default();
        let mut column = TableColumn::new(&self.name, column_type, mode);
        column.description = self.description.clone().unwrap_or_default();
        column.max_length = number(self.max_length.as_ref());
        column.precision = number(self.precision.as_ref());
        column.scale = number(self.scale.as_ref());
        column.default.clone_from(&self.default_value_expression);
        column.policy_tag = self.tag().cloned();
        column.fields = columns(&self.fields);
        Some(column)
    }
}

/// The columns of a live table with those that are wanted: each keeps its place, and new ones come last.
pub(crate) fn grown(live: &[Field], wanted: &[Field], untag: bool) -> Vec<Field> {
    let find = |fields: &[Field], field: &Field| {
        let mut fields = fields.iter();
        fields.find(|other| other.has_name_of(field)).cloned()
    };
    let kept = live.iter().map(|live| match find(wanted, live) {
        Some(wanted) => live.grown_to(&wanted, untag),
        None => live.unfilled(),
    });
    let added = wanted.iter().filter(|wanted| find(live, wanted).is_none());
    kept.chain(added.cloned()).collect()
}

/// As the catalog has them, but for those of types that it never has.
pub(crate) fn columns(fields: &[Field]) -> Vec<TableColumn> {
    fields.iter().filter_map(Field::column).collect()
}

/// By the name that the API gives, or by one that it takes.
fn column_type(name: &str) -> Option<ColumnType> {
    let name = match name {
        "INT64" => "INTEGER",
        "FLOAT64" => "FLOAT",
        "BOOL" => "BOOLEAN",
        "STRUCT" => "RECORD",
        "DECIMAL" => "NUMERIC",
        "BIGDECIMAL" => "BIGNUMERIC",
        name => name,
    };
    ColumnType::deserialize(StrDeserializer::<NoType>::new(name)).ok()
}

/// The API's zero is what it has for none.
fn number<N: std::str::FromStr + Default + PartialEq>(text: Option<&String>) -> Option<N> {
    let number = text?.parse().ok()?;
    (number != N::default()).then_some(number)
}
