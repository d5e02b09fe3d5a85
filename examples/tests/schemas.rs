//! The checked-in tables are those that the examples' types declare.

use logeater_examples as _;

#[test]
fn schemas_are_current() {
    logeater_client::assert_catalog_current!("schemas");
}
