//! The files of a catalog by the names of tables and event types. No I/O.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Those in a folder of schemas' inner `folder`, by what their names have before `ending`.
pub(super) fn files_of(
    files: BTreeMap<PathBuf, String>,
    folder: &str,
    ending: &str,
) -> BTreeMap<String, String> {
    let named = files
        .into_iter()
        .filter(|(file, _)| file.parent() == Some(Path::new(folder)))
        .filter_map(|(file, text)| {
            let name = file.file_name()?.to_str()?.strip_suffix(ending)?;
            Some((name.to_owned(), text))
        });
    named.collect()
}

/// One object of all. Each text is JSON, so its line breaks are between values and it can be indented as it is.
pub(super) fn by_name(texts: &BTreeMap<String, String>) -> String {
    let members: Vec<_> = texts
        .iter()
        .map(|(name, text)| format!("  \"{name}\": {}", text.trim_end().replace('\n', "\n  ")))
        .collect();
    if members.is_empty() {
        return "{}\n".to_owned();
    }
    format!("{{\n{}\n}}\n", members.join(",\n"))
}
