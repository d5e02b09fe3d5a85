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
    /// File systems take names of 255 bytes: where a table or an event type is too long for that, the name of its file
    /// is the beginning of it, a hyphen and a hash of it.
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
            let file =
                |folder: &str, ending: &str| Path::new(folder).join(file_name(&table.name, ending));
            files.insert(file("catalog", ".json"), catalog_file::render(table));
            files.insert(file("bigquery", ".json"), table.bigquery_schema());
            files.insert(file("bigquery", ".sql"), bigquery::create_table(table));
            files.insert(file("terraform", ".tf.json"), terraform::render(table));
        }
        for (table, event) in self.events() {
            if let Some(schema) = json_schema::render(table, event) {
                let file = file_name(&event.name, ".json");
                files.insert(Path::new("jsonschema").join(file), schema);
            }
        }
        let template = elasticsearch::render(self);
        files.insert(PathBuf::from("elasticsearch/events.json"), template);
        files.insert(PathBuf::from(README), readme::render(self));
        files
    }
}

/// The name of the file of a table or of an event type. Neither has a hyphen, so what is cut is nobody else's name.
pub(crate) fn file_name(name: &str, ending: &str) -> String {
    if name.len() + ending.len() <= FILE_NAME_BYTES_MAX {
        return format!("{name}{ending}");
    }
    let hash = format!("-{:016x}", fnv1a(name));
    let (beginning, _) = name.split_at(FILE_NAME_BYTES_MAX - ending.len() - hash.len());
    format!("{beginning}{hash}{ending}")
}

/// What Linux, macOS and Windows take, in bytes or more.
const FILE_NAME_BYTES_MAX: usize = 255;

/// The same on every platform, for ever: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn fnv1a(text: &str) -> u64 {
    let next = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, next)
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
    let file = file.file_name()?.to_str()?;
    let (stem, ending) = match folder {
        "jsonschema" => (file.strip_suffix(".json")?, "json"),
        _ => file.split_once('.')?,
    };
    // Of a name that was cut this is known, and not how it goes on.
    let (name, is_cut) = match stem.split_once('-') {
        Some((beginning, _)) => (beginning, true),
        None => (stem, false),
    };
    let mut text = match (folder, ending) {
        ("jsonschema", _) => json_schema::beginning(name),
        ("catalog", "json") => format!("{{\n  \"version\": 1,\n  \"table\": \"{name}\","),
        ("bigquery", "json") => "[\n  {\n    \"name\": \"event_id\",".to_owned(),
        ("bigquery", "sql") => format!("CREATE TABLE `logeater`.`{name}` ("),
        ("terraform", "tf.json") => terraform::BEGINNING.to_owned(),
        _ => return None,
    };
    if let (true, Some(at)) = (is_cut, text.rfind(name)) {
        text.truncate(at + name.len());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_name_of_its_table_or_event_type_as_far_as_there_is_room() {
        let (fits, long) = ("a".repeat(250), "a".repeat(251));
        assert_eq!(file_name("cart", ".tf.json"), "cart.tf.json");
        assert_eq!(file_name(&fits, ".json"), format!("{fits}.json"));
        let cut = format!("{}-032fd0337586c62a.json", &long[..233]);
        assert_eq!(file_name(&long, ".json"), cut);
        assert_eq!(cut.len(), 255);
        assert_eq!(file_name(&fits, ".tf.json").len(), 255);
        let other = format!("{}b", &long[..250]);
        assert_ne!(file_name(&other, ".json"), cut);
    }

    #[test]
    fn the_hash_is_fnv1a() {
        for (text, hash) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a(text), hash);
        }
    }
}
