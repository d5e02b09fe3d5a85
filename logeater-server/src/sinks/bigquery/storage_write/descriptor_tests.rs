use super::*;

#[test]
fn a_record_is_a_message_within_whose_name_no_column_has() {
    let columns: Vec<TableColumn> = serde_json::from_str(
        r#"[{"name":"Record2","type":"INTEGER"},
        {"name":"shipping","type":"RECORD","mode":"REPEATED","fields":[{"name":"city","type":"STRING"}]}]"#,
    )
    .unwrap();
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
