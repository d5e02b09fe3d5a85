//! Holds a folder of schemas current in a test: it is what the code declares, or it says how not.

use std::error::Error;
use std::path::Path;

use crate::{Catalog, Update};

/// The environment variable that allows [`assert_current`] to write.
const UPDATE: &str = "LOGEATER_UPDATE";

/// Fails when a folder of schemas is not what the program's code declares.
///
/// The folder is named from the root of the crate. Every derived, non-generic event of the program counts;
/// those of another crate only if the test names it: `use my_events as _;`. Generic ones are added by hand, in a
/// catalog that comes second. With `LOGEATER_UPDATE=1` in the environment the folder is written instead: it grows, and
/// a change that would break a table still fails.
///
/// # Panics
///
/// When the folder is stale, with the difference; when the program declares no event; when two declarations
/// exclude each other; when a change would break a table.
///
/// ```no_run
/// use logeater_schema::{Catalog, Event, assert_catalog_current};
///
/// #[derive(Event)]
/// #[event("cart.put", crate = logeater_schema)]
/// struct Put<T> {
///     thing: T,
/// }
///
/// // In a test:
/// assert_catalog_current!("schemas");
/// assert_catalog_current!("schemas", Catalog::registered().with::<Put<String>>());
/// ```
#[macro_export]
macro_rules! assert_catalog_current {
    ($folder:expr $(,)?) => {
        $crate::assert_catalog_current!($folder, $crate::Catalog::registered())
    };
    ($folder:expr, $catalog:expr $(,)?) => {
        $crate::__private::assert_current(
            $crate::__private::std::path::Path::new($crate::__private::std::env!(
                "CARGO_MANIFEST_DIR"
            ))
            .join($folder),
            &$catalog,
        )
    };
}

/// [`assert_catalog_current!`](crate::assert_catalog_current) with the folder's whole path.
///
/// # Panics
///
/// As the macro.
#[track_caller]
pub fn assert_current(folder: impl AsRef<Path>, code: &Catalog) {
    let update = std::env::var_os(UPDATE).is_some_and(|value| value == "1");
    if let Err(problem) = hold_current(folder.as_ref(), code, update) {
        panic!("{problem}");
    }
}

/// Compares the folder with the code, and writes it where that is wanted.
fn hold_current(folder: &Path, code: &Catalog, update: bool) -> Result<(), String> {
    let planned = Update::of(folder, code).map_err(describe)?;
    if planned.is_empty() {
        return Ok(());
    }
    if update {
        return planned.write().map_err(describe);
    }
    Err(format!(
        "{} is not what the code declares:\n\n{planned}\nTo write it: {UPDATE}=1 cargo test, then review and commit \
         the folder.",
        folder.display()
    ))
}

fn describe(error: impl Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Event, EventType, FieldSchema, JsonWriter, Source};

    struct Added;
    struct Removed;

    impl Event for Added {
        const TYPES: &'static [EventType] = &[EventType::new(
            "cart.add",
            &[FieldSchema::of::<String>("sku")],
            Source::new("Added", "a.rs", 1),
        )];

        fn write_details(&self, _: &mut JsonWriter<'_>) {}
    }

    impl Event for Removed {
        const TYPES: &'static [EventType] = &[EventType::new(
            "cart.remove",
            &[FieldSchema::of::<u32>("sku")],
            Source::new("Removed", "a.rs", 2),
        )];

        fn write_details(&self, _: &mut JsonWriter<'_>) {}
    }

    fn problem(folder: &Path, code: &Catalog, update: bool) -> String {
        hold_current(folder, code, update).unwrap_err()
    }

    #[test]
    fn no_event_at_all_is_a_problem_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let problem = problem(folder.path(), &Catalog::new(), true);
        assert!(
            problem.contains("declares no event") && problem.contains("as _;"),
            "{problem}"
        );
    }

    #[test]
    fn a_stale_folder_is_shown_and_left_alone_until_it_is_to_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let code = Catalog::new().with::<Added>();
        let problem = problem(folder.path(), &code, false);
        assert!(problem.contains("+      \"name\": \"sku\","), "{problem}");
        assert!(
            problem.contains("LOGEATER_UPDATE=1 cargo test"),
            "{problem}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        assert_eq!(hold_current(folder.path(), &code, true), Ok(()));
        assert_eq!(hold_current(folder.path(), &code, false), Ok(()));
    }

    #[test]
    fn files_that_are_stale_are_shown_and_put_right_and_those_of_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let code = Catalog::new().with::<Added>();
        hold_current(folder.path(), &code, true).unwrap();
        fs::write(file("bigquery/cart.sql"), "DROP TABLE cart;\n").unwrap();
        let strays = [
            ("bigquery/old.json", "bigquery/cart.json"),
            ("bigquery/old.sql", "bigquery/events.sql"),
            ("jsonschema/old.add.json", "jsonschema/cart.add.json"),
            ("terraform/old.tf.json", "terraform/cart.tf.json"),
        ];
        for (stray, of) in strays {
            let text = fs::read_to_string(file(of)).unwrap();
            let text = text.replace("`events`", "`old`").replace(":cart.", ":old.");
            fs::write(file(stray), text.replace('\n', "\r\n")).unwrap();
        }
        let of_others = [
            ("bigquery/report.sql", "SELECT 1;\n"),
            ("bigquery/notes.json", "[]\n"),
            ("elasticsearch/policy.json", "{}\n"),
            ("jsonschema/cart.json", "{}\n"),
            ("terraform/main.tf", "variable \"x\" {}\n"),
            ("terraform/main.tf.json", "{}\n"),
            (
                "old.md",
                "<!-- Generated by logeater: edits are lost. -->\n",
            ),
        ];
        for (name, text) in of_others {
            fs::write(file(name), text).unwrap();
        }
        let problem = problem(folder.path(), &code, false);
        assert!(problem.contains("-DROP TABLE cart;"), "{problem}");
        for (stray, _) in strays {
            assert!(problem.contains(&format!("--- {stray}")), "{problem}");
        }
        for (name, _) in of_others {
            assert!(!problem.contains(name), "{name}: {problem}");
        }

        hold_current(folder.path(), &code, true).unwrap();
        assert_eq!(hold_current(folder.path(), &code, false), Ok(()));
        assert!(strays.iter().all(|(stray, _)| !file(stray).exists()));
        for (name, text) in of_others {
            assert_eq!(fs::read_to_string(file(name)).unwrap(), text);
        }
    }

    #[test]
    fn a_readme_is_ours_by_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let readme = folder.path().join("README.md");
        let code = Catalog::new().with::<Added>();
        fs::write(&readme, "# Our schemas\n").unwrap();
        hold_current(folder.path(), &code, true).unwrap();
        assert_eq!(fs::read_to_string(&readme).unwrap(), "# Our schemas\n");
        assert_eq!(hold_current(folder.path(), &code, false), Ok(()));

        fs::remove_file(&readme).unwrap();
        hold_current(folder.path(), &code, true).unwrap();
        let text = fs::read_to_string(&readme).unwrap();
        assert!(text.contains("`cart.add`"), "{text}");
        fs::write(&readme, text.replace("cart", "trolley")).unwrap();
        let problem = problem(folder.path(), &code, false);
        assert!(problem.contains("-## `trolley`"), "{problem}");
        hold_current(folder.path(), &code, true).unwrap();
        assert_eq!(fs::read_to_string(&readme).unwrap(), text);
    }

    #[test]
    fn a_checkout_with_other_line_ends_is_current() {
        let folder = tempfile::tempdir().unwrap();
        let code = Catalog::new().with::<Added>();
        hold_current(folder.path(), &code, true).unwrap();
        let file = folder.path().join("bigquery/cart.sql");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace('\n', "\r\n")).unwrap();
        assert_eq!(hold_current(folder.path(), &code, false), Ok(()));

        let stale = text.replace("`sku`", "`ska`");
        fs::write(&file, stale.replace('\n', "\r\n")).unwrap();
        let problem = problem(folder.path(), &code, false);
        let changed: Vec<_> = problem
            .lines()
            .filter(|line| line.starts_with(['-', '+']))
            .collect();
        assert_eq!(
            changed,
            [
                "--- bigquery/cart.sql",
                "+++ bigquery/cart.sql",
                "-  `ska` STRING",
                "+  `sku` STRING",
            ]
        );
    }

    #[test]
    fn a_file_that_is_no_text_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let code = Catalog::new().with::<Added>();
        hold_current(folder.path(), &code, true).unwrap();
        let file = folder.path().join("bigquery/cart.sql");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, b"\xff\x00").unwrap();
        let problem = problem(folder.path(), &code, false);
        assert!(problem.contains("+CREATE TABLE"), "{problem}");
        hold_current(folder.path(), &code, true).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_named_and_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let problem = problem(file.path(), &Catalog::new().with::<Added>(), true);
        let expected = format!(
            "cannot read or write {}: it is a file: name a folder, which may be missing",
            file.path().display()
        );
        assert_eq!(problem, expected);
        assert_eq!(fs::read(file.path()).unwrap(), b"");
    }

    #[test]
    fn a_folder_in_the_middle_of_a_merge_says_how_to_end_it() {
        let folder = tempfile::tempdir().unwrap();
        let code = Catalog::new().with::<Added>();
        hold_current(folder.path(), &code, true).unwrap();
        let file = folder.path().join("catalog/cart.json");
        let text = fs::read_to_string(&file).unwrap();
        let (ours, theirs) = ("<<<<<<< HEAD\n", "=======\n>>>>>>> other\n");
        let merging = text.replacen("  \"events\"", &format!("{ours}{theirs}  \"events\""), 1);
        let line = text
            .lines()
            .position(|line| line == "  \"events\": [")
            .unwrap()
            + 1;
        fs::write(&file, merging).unwrap();
        let expected = format!(
            "cart.json is not a catalog file: line {line} is the mark of a merge: keep the lines of the \
             main branch, and LOGEATER_UPDATE=1 cargo test adds yours"
        );
        let problem = problem(folder.path(), &code, true);
        assert!(problem.ends_with(&expected), "{problem}");
    }

    #[test]
    fn what_breaks_a_table_is_a_problem_even_when_the_folder_is_to_be_written() {
        let folder = tempfile::tempdir().unwrap();
        hold_current(folder.path(), &Catalog::new().with::<Added>(), true).unwrap();
        let breaking = problem(folder.path(), &Catalog::new().with::<Removed>(), true);
        assert!(
            breaking.contains("would break tables") && breaking.contains("`cart.sku`"),
            "{breaking}"
        );
        let conflict = problem(
            folder.path(),
            &Catalog::new().with::<Added>().with::<Removed>(),
            true,
        );
        assert!(
            conflict.contains("exclude each other") && conflict.contains("(a.rs:2)"),
            "{conflict}"
        );
    }
}
