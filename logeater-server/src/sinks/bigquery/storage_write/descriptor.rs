//! The protobuf message that a table's rows are: a field for each column, numbered in their order. No clock, no I/O.
//!
//! <https://cloud.google.com/bigquery/docs/supported-data-types#supported_protocol_buffer_data_types>

use logeater_schema::{ColumnType, Mode, TableColumn};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};

/// The message of these columns. What nests in it is told in it: BigQuery sees no other message.
pub(super) fn descriptor(name: &str, columns: &[TableColumn]) -> DescriptorProto {
    let mut message = DescriptorProto {
        name: Some(name.to_owned()),
        ..DescriptorProto::default()
    };
    for (place, column) in columns.iter().enumerate() {
        let mut field = field(place, column);
        if column.column_type == ColumnType::Record {
            let name = record_name(place, columns);
            let record = descriptor(&name, &column.fields);
            message.nested_type.push(record);
            field.type_name = Some(name);
        }
        message.field.push(field);
    }
    message
}

/// The number of the field of the column in this place.
pub(super) fn number(place: usize) -> u32 {
    // A table has at most 10,000 columns.
    u32::try_from(place + 1).unwrap_or(u32::MAX)
}

fn field(place: usize, column: &TableColumn) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(column.name.clone()),
        number: i32::try_from(number(place)).ok(),
        label: Some(label(column.mode).into()),
        r#type: Some(field_type(column.column_type).into()),
        ..FieldDescriptorProto::default()
    }
}

fn label(mode: Mode) -> Label {
    match mode {
        Mode::Nullable => Label::Optional,
        Mode::Required => Label::Required,
        Mode::Repeated => Label::Repeated,
    }
}

fn field_type(column_type: ColumnType) -> Type {
    match column_type {
        ColumnType::Integer | ColumnType::Timestamp => Type::Int64,
        ColumnType::Float => Type::Double,
        ColumnType::Boolean => Type::Bool,
        ColumnType::Bytes => Type::Bytes,
        ColumnType::Date => Type::Int32,
        ColumnType::Record => Type::Message,
        // Decimals and civil times are their text, and so is JSON.
        _ => Type::String,
    }
}

/// A name that no column beside it has: within a message, fields and messages share their names.
fn record_name(place: usize, columns: &[TableColumn]) -> String {
    let mut name = format!("Record{}", number(place));
    while columns.iter().any(|column| column.name == name) {
        name.push('_');
    }
    name
}

#[cfg(test)]
#[path = "descriptor_tests.rs"]
mod tests;
