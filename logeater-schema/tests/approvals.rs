//! Breaking changes of a folder of schemas, and the file that approves them.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs;
use std::path::Path;

use logeater_schema::{Approvals, Catalog, Event, Update};
use tempfile::{TempDir, tempdir};

#[derive(Event)]
#[event("cart.pay", crate = logeater_schema)]
struct Pay {
    sku: String,
    amount: f64,
}

/// The same event type after a year.
mod later {
    use logeater_schema::Event;

    #[derive(Event)]
    #[event("cart.pay", crate = logeater_schema)]
    pub(crate) struct Pay {
        sku: String,
        amount: u32,
    }
}

/// A folder of schemas as `Pay` has them, with this `allow.toml`.
fn folder(allow: &str) -> TempDir {
    let folder = tempdir().unwrap();
    write(folder.path(), &Catalog::new().with::<Pay>()).unwrap();
    if !allow.is_empty() {
        fs::write(folder.path().join("allow.toml"), allow).unwrap();
    }
    folder
}

fn write(folder: &Path, code: &Catalog) -> Result<(), String> {
    let update = Update::of(folder, code).map_err(|error| error.to_string())?;
    update.write().map_err(|error| error.to_string())
}

/// What stands in the way of the change from a FLOAT to an INTEGER.
fn problem(allow: &str) -> String {
    write(folder(allow).path(), &Catalog::new().with::<later::Pay>()).unwrap_err()
}

const APPROVED: &str = "[[allow]]\ntable = \"cart\"\ncolumn = \"amount\"\nrule = \"type\"\n\
                        reason = \"never written\"\nuntil = 2999-12-31\n";

#[test]
fn a_break_is_refused_with_its_statements_and_the_entry_that_would_approve_it() {
    let problem = problem("");
    for expected in [
        "this would break tables:\n  - column `cart.amount` changes from NULLABLE FLOAT to NULLABLE INTEGER (",
        "\n      ALTER TABLE `logeater`.`cart` RENAME COLUMN `amount` TO `amount_old`;\n",
        "allow.toml:\n\n[[allow]]\ntable = \"cart\"\ncolumn = \"amount\"\nrule = \"type\"\nreason = \"",
    ] {
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn an_approved_break_is_made_once_and_remembered() {
    let folder = folder(APPROVED);
    let later = Catalog::new().with::<later::Pay>();
    write(folder.path(), &later).unwrap();
    let catalog = Catalog::read(folder.path()).unwrap();
    let cart = catalog.table("cart").unwrap();
    assert_eq!(cart.columns[3].type_name(), "INTEGER");
    let made = &cart.breaks[0];
    assert_eq!(
        (
            made.column.as_deref(),
            &*made.rule,
            &*made.old,
            &*made.new,
            &*made.reason
        ),
        (
            Some("amount"),
            "type",
            "NULLABLE FLOAT",
            "NULLABLE INTEGER",
            "never written"
        )
    );
    // The entry may stand as long as the catalog tells what it was for, and be taken away.
    assert!(Update::of(folder.path(), &later).unwrap().is_empty());
    fs::remove_file(folder.path().join("allow.toml")).unwrap();
    assert!(Update::of(folder.path(), &later).unwrap().is_empty());
    // It is spent: the way back wants an approval of its own.
    fs::write(folder.path().join("allow.toml"), APPROVED).unwrap();
    let back = Catalog::new().with::<Pay>();
    let problem = write(folder.path(), &back).unwrap_err();
    for expected in [
        "from NULLABLE INTEGER to NULLABLE FLOAT",
        "\nthe approval of `type` for `cart.amount` has let a change through already: remove it, or give it another reason",
    ] {
        assert!(problem.contains(expected), "{problem}");
    }
    let both = format!(
        "{APPROVED}\n{}",
        APPROVED.replace("never written", "nobody liked it")
    );
    fs::write(folder.path().join("allow.toml"), both).unwrap();
    write(folder.path(), &back).unwrap();
}

#[test]
fn a_day_may_be_text_and_be_called_date() {
    let text = APPROVED.replace("until = 2999-12-31", "date = \"2999-12-31\"");
    write(folder(&text).path(), &Catalog::new().with::<later::Pay>()).unwrap();
}

#[test]
fn an_approval_ends_with_its_day() {
    let problem = problem(&APPROVED.replace("2999", "2020"));
    assert!(
        problem.contains("\nthe approval of `type` for `cart.amount` has ended on 2020-12-31"),
        "{problem}"
    );
}

#[test]
fn an_entry_that_no_change_needs_is_refused() {
    let unchanged = folder(APPROVED);
    let unused = write(unchanged.path(), &Catalog::new().with::<Pay>()).unwrap_err();
    assert!(
        unused
            .contains("allow.toml approves what no change needs:\n  - `type` for `cart.amount`\n"),
        "{unused}"
    );
    for (old, new) in [
        ("\"amount\"", "\"sku\""),
        ("\"cart\"", "\"trolley\""),
        ("\"type\"", "\"repeated\""),
    ] {
        let both = format!("{APPROVED}\n{}", APPROVED.replace(old, new));
        let problem = problem(&both);
        assert!(problem.contains("what no change needs"), "{problem}");
        assert!(!problem.contains("`type` for `cart.amount`"), "{problem}");
    }
}

#[test]
fn an_entry_with_a_mistake_is_named_beside_the_change_that_it_does_not_approve() {
    for (old, new, entry) in [
        ("\"cart\"", "\"crat\"", "`type` for `crat.amount`"),
        ("\"amount\"", "\"Amount\"", "`type` for `cart.Amount`"),
        ("\"type\"", "\"repeated\"", "`repeated` for `cart.amount`"),
    ] {
        let problem = problem(&APPROVED.replace(old, new));
        let expected = format!(
            "\nthe approval of {entry} is for no change: correct its table, column or rule\n"
        );
        assert!(
            problem.starts_with("this would break tables:") && problem.contains(&expected),
            "{problem}"
        );
    }
}

#[test]
fn a_column_that_is_no_longer_sent_goes_when_that_is_approved() {
    #[derive(Event)]
    #[event("cart.pay", crate = logeater_schema)]
    struct Short {
        sku: String,
    }
    let removal = APPROVED.replace("\"type\"", "\"column_removed\"");
    let short = Catalog::new().with::<Short>();
    // What code sends does not go.
    let still_sent = write(folder(&removal).path(), &Catalog::new().with::<Pay>()).unwrap_err();
    assert!(still_sent.contains("what no change needs"), "{still_sent}");
    let ended = folder(&removal.replace("2999", "2020"));
    let ended = write(ended.path(), &short).unwrap_err();
    for expected in [
        "ALTER TABLE `logeater`.`cart` DROP COLUMN `amount`;",
        "has ended on 2020-12-31",
    ] {
        assert!(ended.contains(expected), "{ended}");
    }

    let folder = folder(&removal);
    let before = Catalog::read(folder.path()).unwrap();
    write(folder.path(), &short).unwrap();
    let after = Catalog::read(folder.path()).unwrap();
    let columns = after.table("cart").unwrap().details_columns();
    assert_eq!(
        columns.map(|column| &column.name).collect::<Vec<_>>(),
        ["sku"]
    );
    assert!(Update::of(folder.path(), &short).unwrap().is_empty());
    let refused = before.changes_to(&after);
    assert!(
        refused
            .iter()
            .any(|change| change.is_breaking() && !change.is_refused())
    );
    // Whoever sends it again, adds it again.
    fs::remove_file(folder.path().join("allow.toml")).unwrap();
    write(folder.path(), &Catalog::new().with::<Pay>()).unwrap();
}

#[test]
fn an_event_type_that_has_gone_does_not_keep_the_column_that_goes_with_it() {
    #[derive(Event)]
    #[event("cart.other", crate = logeater_schema)]
    struct Other {
        sku: String,
    }
    let removal = APPROVED.replace("\"type\"", "\"column_removed\"");
    let folder = folder(&removal);
    let other = Catalog::new().with::<Other>();
    write(folder.path(), &other).unwrap();
    let catalog = Catalog::read(folder.path()).unwrap();
    let pay = &catalog.table("cart").unwrap().events[1];
    assert_eq!(
        (&*pay.name, &pay.columns[..]),
        ("cart.pay", &["sku".to_owned()][..])
    );
}

#[test]
fn a_file_that_is_none_is_refused_with_the_place_and_the_reason() {
    for (old, new, reason) in [
        (
            "\"type\"",
            "\"typ\"",
            "`typ` is no rule that refuses a change; those are table_removed, ",
        ),
        ("\"type\"", "\"new_column\"", "`new_column` is no rule"),
        (
            "never written",
            " ",
            "the entry of `type` for `cart.amount` has no reason",
        ),
        ("2999-12-31", "2999-13-31", "line 6"),
        (
            "2999-12-31",
            "\"soon\"",
            "`soon` is no day, such as 2026-12-31",
        ),
        ("2999-12-31", "2999-12-31T00:00:00Z", "is no day"),
        ("2999-12-31", "3", "`a TOML integer` is no day"),
        ("reason", "raeson", "unknown field `raeson`"),
        ("[[allow]]", "[[permit]]", "unknown field `permit`"),
        ("until = 2999-12-31", "", "missing field `until`"),
    ] {
        let problem = problem(&APPROVED.replace(old, new));
        assert!(
            problem.contains("allow.toml approves nothing: ") && problem.contains(reason),
            "{new}: {problem}"
        );
    }
}

#[test]
fn a_table_is_approved_without_a_column() {
    let old = Catalog::new().with::<Pay>();
    let mut new = Catalog::new();
    let changes = old.changes_to(&new);
    let folder = folder(
        "[[allow]]\ntable = \"cart\"\nrule = \"table_removed\"\nreason = \"x\"\nuntil = 2999-12-31\n",
    );
    let approvals = Approvals::of_folder(folder.path()).unwrap();
    approvals.apply(&changes, &mut new).unwrap();
}

#[test]
fn a_comparison_of_folders_knows_what_was_approved_between_them() {
    let old = Catalog::new().with::<Pay>();
    let folder = folder(APPROVED);
    write(folder.path(), &Catalog::new().with::<later::Pay>()).unwrap();
    let new = Catalog::read(folder.path()).unwrap();
    let changes = old.changes_to(&new);
    let breaking: Vec<_> = changes
        .iter()
        .filter(|change| change.is_breaking())
        .collect();
    assert_eq!(breaking.len(), 1);
    assert_eq!(breaking[0].approved.as_deref(), Some("never written"));
    assert!(!breaking[0].is_refused());
    let back = new.changes_to(&old);
    assert!(
        back.iter().any(logeater_schema::Change::is_refused),
        "{back:?}"
    );
}
