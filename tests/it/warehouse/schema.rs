//! A schema file, read by the rules that BigQuery has for one.
//!
//! <https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema>

use serde::Deserialize;

/// A table as its schema file declares it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(super) fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) mode: Mode,
    pub(super) column_type: Type,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Mode {
    Nullable,
    Required,
    Repeated,
}

#[derive(Debug)]
pub(super) enum Type {
    Integer,
    Float,
    Boolean,
    /// So many digits before and behind the point, and the range of the type beside them.
    Numeric {
        whole: usize,
        fraction: usize,
    },
    BigNumeric {
        whole: usize,
        fraction: usize,
    },
    /// So many code points.
    String {
        max: u64,
    },
    /// So many bytes.
    Bytes {
        max: u64,
    },
    Date,
    Time,
    Datetime,
    Timestamp,
    Json,
    Record(Vec<Field>),
}

/// What the file may say of a field, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    mode: Mode,
    #[serde(default)]
    description: String,
    // The API writes integers of 64 bits as text.
    max_length: Option<String>,
    precision: Option<String>,
    scale: Option<String>,
    policy_tags: Option<Tags>,
    #[serde(default)]
    fields: Vec<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tags {
    names: Vec<String>,
}

const COLUMNS_MAX: usize = 10_000;
const DESCRIPTION_CHARS_MAX: usize = 1_024;
const NAME_CHARS_MAX: usize = 300;
const RECORDS_DEEP_MAX: usize = 15;

/// What the name of a column may not begin with, in any case.
const RESERVED: [&str; 9] = [
    "_table_",
    "_file_",
    "_partition",
    "_row_timestamp",
    "__root__",
    "_colidentifier",
    "_change_sequence_number",
    "_change_type",
    "_change_timestamp",
];

impl Table {
    /// Reads the text of a schema file.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let files: Vec<File> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let count = count(&files);
        if count > COLUMNS_MAX {
            return Err(format!("{count} columns"));
        }
        Ok(Self {
            fields: fields(&files, 0)?,
        })
    }
}

fn count(files: &[File]) -> usize {
    files.iter().map(|file| 1 + count(&file.fields)).sum()
}

fn fields(files: &[File], depth: usize) -> Result<Vec<Field>, String> {
    let mut seen = Vec::new();
    let mut fields = Vec::new();
    for file in files {
        let name = file.name.to_lowercase();
        if seen.contains(&name) {
            return Err(format!("{name}: twice"));
        }
        seen.push(name);
        fields.push(field(file, depth).map_err(|problem| format!("{}: {problem}", file.name))?);
    }
    Ok(fields)
}

fn field(file: &File, depth: usize) -> Result<Field, String> {
    if !is_name(&file.name) {
        return Err("not a column's name".to_owned());
    }
    if file.description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err("too long a description".to_owned());
    }
    if file
        .policy_tags
        .as_ref()
        .is_some_and(|tags| tags.names.len() > 1)
    {
        return Err("more than one policy tag".to_owned());
    }
    Ok(Field {
        name: file.name.clone(),
        mode: file.mode,
        column_type: column_type(file, depth)?,
    })
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let lower = name.to_lowercase();
    !name.is_empty()
        && name.len() <= NAME_CHARS_MAX
        && name.bytes().all(plain)
        && !name.as_bytes()[0].is_ascii_digit()
        && !RESERVED.iter().any(|reserved| lower.starts_with(reserved))
}

fn column_type(file: &File, depth: usize) -> Result<Type, String> {
    let max = |text: &Option<String>| match text {
        None => Ok(u64::MAX),
        Some(text) => text.parse().map_err(|_| format!("maxLength {text}")),
    };
    let takes_length = matches!(file.type_name.as_str(), "STRING" | "BYTES");
    let takes_digits = matches!(file.type_name.as_str(), "NUMERIC" | "BIGNUMERIC");
    if file.max_length.is_some() && !takes_length {
        return Err("a maxLength".to_owned());
    }
    if (file.precision.is_some() || file.scale.is_some()) && !takes_digits {
        return Err("a precision".to_owned());
    }
    if file.fields.is_empty() == (file.type_name == "RECORD") {
        return Err("a RECORD has fields, and nothing else has".to_owned());
    }
    Ok(match file.type_name.as_str() {
        "INTEGER" => Type::Integer,
        "FLOAT" => Type::Float,
        "BOOLEAN" => Type::Boolean,
        "NUMERIC" => {
            let (whole, fraction) = digits(file, 29, 9)?;
            Type::Numeric { whole, fraction }
        }
        "BIGNUMERIC" => {
            let (whole, fraction) = digits(file, 38, 38)?;
            // Without parameters there is room for a part of another digit, which the range decides.
            let whole = if file.precision.is_some() { whole } else { 39 };
            Type::BigNumeric { whole, fraction }
        }
        "STRING" => Type::String {
            max: max(&file.max_length)?,
        },
        "BYTES" => Type::Bytes {
            max: max(&file.max_length)?,
        },
        "DATE" => Type::Date,
        "TIME" => Type::Time,
        "DATETIME" => Type::Datetime,
        "TIMESTAMP" => Type::Timestamp,
        "JSON" => Type::Json,
        "RECORD" if depth == RECORDS_DEEP_MAX => return Err("too deep a RECORD".to_owned()),
        "RECORD" => Type::Record(fields(&file.fields, depth + 1)?),
        other => return Err(format!("no type {other}")),
    })
}

/// How many digits a decimal has before the point and behind it.
fn digits(file: &File, whole_max: usize, fraction_max: usize) -> Result<(usize, usize), String> {
    let number = |text: &String| text.parse::<usize>().map_err(|_| format!("digits {text}"));
    let scale = file.scale.as_ref().map(number).transpose()?;
    let Some(precision) = file.precision.as_ref().map(number).transpose()? else {
        return match scale {
            None => Ok((whole_max, fraction_max)),
            Some(_) => Err("a scale without a precision".to_owned()),
        };
    };
    let fraction = scale.unwrap_or(0);
    let whole = precision
        .checked_sub(fraction)
        .ok_or("more scale than precision")?;
    if whole == 0 || whole > whole_max || fraction > fraction_max {
        return Err(format!("({precision}, {fraction})"));
    }
    Ok((whole, fraction))
}
