//! The examples without a terminal or a collector print what they promise.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

use std::path::PathBuf;
use std::process::Command;

/// What an example prints. Cargo builds the examples of the package before its tests run.
fn output(example: &str) -> String {
    output_of(example, &[])
}

fn output_of(example: &str, arguments: &[&str]) -> String {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.ancestors().nth(2).unwrap();
    let program: PathBuf = folder.join("examples").join(example);
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_enum_is_a_namespace() {
    let output = output("enum_namespace");
    for expected in [
        "cart.reset            \n",
        "cart.add.from_mobile  sku, quantity, app\n",
        "  quantity      INTEGER\n",
        "  cart.add.from_mobile  {\"sku\":\"A-2\",\"quantity\":2,\"app\":\"ios 17\"}\n",
        "  cart.reset            (no details)\n",
    ] {
        assert!(output.contains(expected), "{expected}: {output}");
    }
}

#[test]
fn any_type_can_be_a_column() {
    let output = output("custom_column");
    assert!(
        output.starts_with(
            "version   STRING\nscreen    RECORD\ncountry   STRING\nprice     NUMERIC\n"
        ),
        "{output}"
    );
    let details = r#"{"version":"1.4","screen":{"width":1920,"height":1080},"country":"Israel","price":"19.99"}"#;
    assert!(output.ends_with(&format!("{details}\n")), "{output}");
}

#[test]
fn a_table_lives() {
    let output = output("catalog");
    for expected in [
        "  bigquery/cart.sql\n",
        "  safe: column `cart.quantity` is no longer sent\n",
        "  safe: column `cart.coupons` is new: REPEATED STRING (catalog::february::Add)\n",
        "this would break tables:\n  - column `cart.sku` changes from NULLABLE STRING to NULLABLE NUMERIC (catalog::march::Add)",
    ] {
        assert!(output.contains(expected), "{expected}: {output}");
    }
}

#[test]
fn a_service_ends_in_time_and_is_told_what_is_lost() {
    assert_eq!(
        output_of("shutdown", &["http://127.0.0.1:1"]),
        "served\n\
         lost 3 of request.answered: the client was shut down\n\
         3 emitted, 0 delivered, 3 lost\n"
    );
}

#[test]
fn both_sides_show_who_they_are_and_an_expired_token_is_replaced() {
    assert_eq!(
        output("tls"),
        "Bearer token-1, 1 certificate\n\
         Bearer token-2, 1 certificate\n\
         1 delivered, after 1 retry\n"
    );
}

#[test]
fn what_was_not_delivered_arrives_in_the_next_run() {
    assert_eq!(
        output("spool"),
        "first run: 3 emitted, 0 delivered, 3 on disk, 0 lost\n\
         second run: 4 emitted, 3 of them taken over, 4 delivered, 0 on disk\n"
    );
}

#[test]
fn a_process_has_one_client() {
    assert_eq!(output("global"), "2 emitted, 0 delivered, 2 lost\n");
}
