use logeater_schema::Catalog;

use super::*;

fn columns(columns: &str) -> Vec<TableColumn> {
    let folder = tempfile::tempdir().unwrap();
    let file = format!(r#"{{"version":1,"table":"cart","columns":[{columns}],"events":[]}}"#);
    std::fs::write(folder.path().join("cart.json"), file).unwrap();
    let catalog = Catalog::read(folder.path()).unwrap();
    catalog.table("cart").unwrap().columns.clone()
}

#[test]
fn a_record_is_a_message_within_whose_name_no_column_has() {
    let columns = columns(
        r#"{"name":"Record2","type":"INTEGER"},
        {"name":"shipping","type":"RECORD","mode":"REPEATED","fields":[{"name":"city","type":"STRING"}]}"#,
    );
    let message = descriptor("Row", &columns);
    assert_eq!(message.field[1].type_name(), "Record2_");
    assert_eq!(message.nested_type[0].name(), "Record2_");
    assert_eq!(message.nested_type[0].field[0].name(), "city");
    assert_eq!(message.field[1].label(), Label::Repeated);
    assert_eq!(
        (message.field[0].number(), message.field[1].number()),
        (1, 2)
    );
}
