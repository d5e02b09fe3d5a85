//! Protobuf rows as a reader of its own takes them: by their descriptor and the table's fields.
//!
//! <https://cloud.google.com/bigquery/docs/supported-data-types#supported_protocol_buffer_data_types>

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use jiff::{Timestamp, ToSpan as _, civil};
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, Value as Found};
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};
use serde_json::{Map, Value, json};
use tonic::Code;
use tonic_types::pb::Status;

use super::super::messages::StorageErrorCode;
use super::super::streaming::is_called;
use super::refusal::refusal;

/// The message of a descriptor that has no other beside it.
pub(crate) fn form(descriptor: DescriptorProto) -> MessageDescriptor {
    let name = descriptor.name().to_owned();
    let file = FileDescriptorProto {
        name: Some("row.proto".to_owned()),
        message_type: vec![descriptor],
        ..FileDescriptorProto::default()
    };
    let pool = DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file: vec![file] });
    pool.unwrap().get_message_by_name(&name).unwrap()
}

/// Whether a table of these fields has a column for each of the message's, and of its kind.
pub(super) fn check_form(fields: &[Value], form: &MessageDescriptor) -> Result<(), Status> {
    for column in form.fields() {
        let place = column.full_name();
        let Some(field) = find(fields, column.name()) else {
            let error = StorageErrorCode::SchemaMismatchExtraFields;
            let words = format!("The input schema has more fields than BigQuery schema: {place}");
            return Err(refusal(Code::InvalidArgument, Some(error), &words));
        };
        let repeats = field["mode"] == "REPEATED";
        if repeats != column.is_list() || !takes(&field["type"], &column.kind()) {
            let words = format!("The proto field mismatched with BigQuery field at {place}");
            return Err(refusal(Code::InvalidArgument, None, &words));
        }
        if let Kind::Message(record) = column.kind() {
            check_form(field["fields"].as_array().unwrap(), &record)?;
        }
    }
    Ok(())
}

/// Of what BigQuery takes, what is exact.
fn takes(column_type: &Value, kind: &Kind) -> bool {
    match (column_type.as_str().unwrap(), kind) {
        ("INTEGER" | "TIMESTAMP", kind) => *kind == Kind::Int64,
        ("FLOAT", kind) => *kind == Kind::Double,
        ("BOOLEAN", kind) => *kind == Kind::Bool,
        ("BYTES", kind) => *kind == Kind::Bytes,
        ("DATE", kind) => *kind == Kind::Int32,
        ("RECORD", kind) => matches!(kind, Kind::Message(_)),
        (_, kind) => *kind == Kind::String,
    }
}

/// A row as insertAll would have had it.
pub(crate) fn read(fields: &[Value], form: &MessageDescriptor, row: &Bytes) -> Value {
    let row = DynamicMessage::decode(form.clone(), row.clone()).unwrap();
    json(fields, &row)
}

/// A row, or a RECORD in it.
fn json(fields: &[Value], row: &DynamicMessage) -> Value {
    let members = row.fields().map(|(column, found)| {
        let field = find(fields, column.name()).unwrap();
        (column.name().to_owned(), value(field, found))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn value(field: &Value, found: &Found) -> Value {
    match (field["type"].as_str().unwrap(), found) {
        (_, Found::List(items)) => items.iter().map(|item| value(field, item)).collect(),
        (_, Found::Message(record)) => json(field["fields"].as_array().unwrap(), record),
        ("TIMESTAMP", Found::I64(micros)) => {
            let moment = Timestamp::from_microsecond(*micros).unwrap();
            json!(format!("{moment:.6}"))
        }
        (_, Found::I32(days)) => json!((civil::date(1970, 1, 1) + days.days()).to_string()),
        (_, Found::I64(number)) => json!(number.to_string()),
        (_, Found::F64(number)) if number.is_nan() => json!("NaN"),
        (_, Found::F64(number)) if number.is_infinite() => {
            json!(if *number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            })
        }
        (_, Found::F64(number)) => json!(number),
        (_, Found::Bool(is_so)) => json!(is_so),
        (_, Found::Bytes(bytes)) => json!(BASE64_STANDARD.encode(bytes)),
        (_, Found::String(text)) => json!(text),
        (_, other) => unreachable!("no form that was checked has {other:?}"),
    }
}

fn find<'f>(fields: &'f [Value], name: &str) -> Option<&'f Value> {
    fields.iter().find(|field| is_called(field, name))
}
