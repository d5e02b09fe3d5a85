//! A folder of schemas: what it should hold, how it differs, and the writing of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::{
    Catalog, CatalogError, bigquery, catalog_file, elasticsearch, json_schema, readme, terraform,
};

impl Catalog {
    /// Writes the folder of schemas of these tables, and removes the files of others.
    ///
    /// | file | what it is |
    /// | --- | --- |
    /// | `README.md` | the catalog for people; one that does not begin with our marker is left alone |
    /// | `catalog/<table>.json` | what [`read`](Self::read) reads |
    /// | `bigquery/<table>.json` | the schema that `bq mk --schema` takes |
    /// | `bigquery/<table>.sql` | CREATE TABLE |
    /// | `terraform/<table>.tf.json` | a module of `google_bigquery_table`s; `dataset_id` and `project` are its variables |
    /// | `elasticsearch/events.json` | the template of the indices `logeater-events-*`, with the details of a document under the namespace: `details.cart.sku` |
    /// | `jsonschema/<type>.json` | the JSON Schema of an event type's details on the wire, if it has any |
    ///
    /// It does not look at what the folder holds: to keep what older code declared, write what
    /// [`grown_by`](Self::grown_by) gives.
    ///
    /// # Errors
    ///
    /// When a file cannot be written or removed.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<(), CatalogError> {
        let folder = folder.as_ref();
        write(folder, &render(self, folder))
    }

    /// The texts of the folder of schemas by their paths in it, as [`write`](Self::write) writes them.
    #[must_use]
    pub fn files(&self) -> BTreeMap<PathBuf, String> {
        let mut files = BTreeMap::new();
        for table in self.tables() {
            let file = |folder: &str, ending: &str| {
                Path::new(folder).join(format!("{}.{ending}", table.name))
            };
            files.insert(file("catalog", "json"), catalog_file::render(table));
            files.insert(file("bigquery", "json"), bigquery::schema_json(table));
            files.insert(file("bigquery", "sql"), bigquery::create_table(table));
            files.insert(file("terraform", "tf.json"), terraform::render(table));
        }
        for (table, event) in self.events() {
            if let Some(schema) = json_schema::render(table, event) {
                files.insert(format!("jsonschema/{}.json", event.name).into(), schema);
            }
        }
        let template = elasticsearch::render(self);
        files.insert(PathBuf::from("elasticsearch/events.json"), template);
        files.insert(PathBuf::from(README), readme::render(self));
        files
    }
}

/// The files of a folder by their paths in it.
pub(crate) type Files = BTreeMap<PathBuf, String>;

/// The folders that the catalog's files are in.
const FOLDERS: [&str; 5] = [
    "catalog",
    "bigquery",
    "terraform",
    "elasticsearch",
    "jsonschema",
];

const README: &str = "README.md";

/// The files that this folder should hold.
pub(crate) fn render(catalog: &Catalog, folder: &Path) -> Files {
    let mut files = catalog.files();
    if is_of_a_person(&folder.join(README)) {
        files.remove(Path::new(README));
    }
    files
}

pub(crate) fn write(folder: &Path, files: &Files) -> Result<(), CatalogError> {
    for inner in FOLDERS.map(|inner| folder.join(inner)) {
        fs::create_dir_all(&inner).map_err(|source| CatalogError::Io {
            path: inner,
            source,
        })?;
    }
    for (path, text) in files {
        let path = folder.join(path);
        fs::write(&path, text).map_err(|source| CatalogError::Io { path, source })?;
    }
    for stray in strays(folder, files)? {
        let path = folder.join(stray);
        fs::remove_file(&path).map_err(|source| CatalogError::Io { path, source })?;
    }
    Ok(())
}

/// Files that were generated once, and belong to no table now. Whatever else lies there is not ours.
pub(crate) fn strays(folder: &Path, files: &Files) -> Result<Vec<PathBuf>, CatalogError> {
    let mut strays = Vec::new();
    for inner in FOLDERS {
        let path = folder.join(inner);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|source| CatalogError::Io {
                path: path.clone(),
                source,
            })?,
        };
        for entry in entries.filter_map(Result::ok) {
            let file = Path::new(inner).join(entry.file_name());
            if !files.contains_key(&file) && is_generated(folder, &file) {
                strays.push(file);
            }
        }
    }
    strays.sort();
    Ok(strays)
}

/// Whether there is a README that was not generated: it is left alone.
fn is_of_a_person(readme: &Path) -> bool {
    match fs::read(readme) {
        Ok(text) => !text.starts_with(readme::MARKER.as_bytes()),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Whether a file begins as the one of its name would, whatever its line ends.
fn is_generated(folder: &Path, file: &Path) -> bool {
    beginning(file).is_some_and(|beginning| {
        fs::read_to_string(folder.join(file))
            .is_ok_and(|text| text.replace("\r\n", "\n").starts_with(&beginning))
    })
}

/// How a generated file of this name begins; `None` for names that are never generated.
fn beginning(file: &Path) -> Option<String> {
    let folder = file.parent()?.to_str()?;
    let name = file.file_name()?.to_str()?;
    if folder == "jsonschema" {
        return name.strip_suffix(".json").map(json_schema::beginning);
    }
    let (stem, ending) = name.split_once('.')?;
    match (folder, ending) {
        ("catalog", "json") => Some(format!("{{\n  \"version\": 1,\n  \"table\": \"{stem}\",")),
        ("bigquery", "json") => Some("[\n  {\n    \"name\": \"event_id\",".to_owned()),
        ("bigquery", "sql") => Some(format!("CREATE TABLE `logeater`.`{stem}` (")),
        ("terraform", "tf.json") => Some(terraform::BEGINNING.to_owned()),
        _ => None,
    }
}
