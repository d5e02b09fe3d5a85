"""The messages of the Storage Write API that the sink `bigquery` has are Google's: names, numbers, types, and how often.

The sink's are read from its source; Google's are the descriptors of its own client.
"""

import re
from pathlib import Path

import pytest
from google.cloud.bigquery_storage_v1 import types
from google.protobuf.descriptor import FieldDescriptor

SOURCE = (
    Path(__file__).resolve().parents[2] / "logeater-server/src/sinks/bigquery/storage_write/messages.rs"
).read_text()

GOOGLES = {
    "AppendRowsRequest": types.AppendRowsRequest,
    "ProtoData": types.AppendRowsRequest.ProtoData,
    "ProtoSchema": types.ProtoSchema,
    "ProtoRows": types.ProtoRows,
    "AppendRowsResponse": types.AppendRowsResponse,
    "AppendResult": types.AppendRowsResponse.AppendResult,
    "RowError": types.RowError,
    "TableSchema": types.TableSchema,
    "CreateWriteStreamRequest": types.CreateWriteStreamRequest,
    "WriteStream": types.WriteStream,
    "FinalizeWriteStreamRequest": types.FinalizeWriteStreamRequest,
    "FinalizeWriteStreamResponse": types.FinalizeWriteStreamResponse,
    "StorageError": types.StorageError,
}

ENUMS = {
    "MissingValueInterpretation": types.AppendRowsRequest.MissingValueInterpretation,
    "WriteStreamType": types.WriteStream.Type,
    "StorageErrorCode": types.StorageError.StorageErrorCode,
}

KINDS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_ENUM: "enumeration",
    FieldDescriptor.TYPE_MESSAGE: "message",
}

# What Google puts before the name of a variant, where it does.
PREFIXES = ("", "TYPE_", "MISSING_VALUE_INTERPRETATION_", "STORAGE_ERROR_CODE_")

# What stands in Rust for a message of Google's that is not among these.
WELL_KNOWN = {"i64": "Int64Value", "Status": "Status", "DescriptorProto": "DescriptorProto"}


def structs():
    """The fields of each struct: name, attribute and type."""
    for name, body in re.findall(r"pub\(super\) struct (\w+) \{(.*?)\}", SOURCE, re.S):
        yield name, re.findall(r"#\[prost\(([^\n]*)\)\]\s+pub\(super\) (?:r#)?(\w+): ([^\n]+),\n", body)


def enums():
    for name, body in re.findall(r"pub\(super\) enum (\w+) \{(.*?)\}", SOURCE, re.S):
        yield name, {variant: int(number) for variant, number in re.findall(r"(\w+) = (\d+)", body)}


def test_all_of_them_are_looked_at():
    assert {name for name, _ in structs()} == GOOGLES.keys()
    assert {name for name, _ in enums()} == ENUMS.keys()
    assert SOURCE.count("#[prost(") == sum(len(fields) for _, fields in structs())


@pytest.mark.parametrize("name, fields", list(structs()), ids=lambda value: value if isinstance(value, str) else "")
def test_the_fields_of_a_message_are_googles(name, fields):
    googles = GOOGLES[name].pb(GOOGLES[name]()).DESCRIPTOR.fields_by_name
    for attribute, field, rust_type in fields:
        kind, *rest = [part.strip() for part in attribute.split(",")]
        # Google's client has another name for what Python has already.
        google = googles.get(field) or googles[field + "_"]
        assert f'tag = "{google.number}"' in rest, field
        assert kind.split(" ")[0] == KINDS[google.type], field
        assert ("repeated" in rest) == google.is_repeated, field
        if google.message_type:
            inner = re.search(r"(\w+)>*$", rust_type)[1]
            assert WELL_KNOWN.get(inner, inner) == google.message_type.name, field


@pytest.mark.parametrize("name, variants", list(enums()), ids=lambda value: value if isinstance(value, str) else "")
def test_the_variants_of_an_enum_are_googles(name, variants):
    googles = {google.name: google.value for google in ENUMS[name]}
    for variant, number in variants.items():
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", variant).upper()
        known = (googles.get(prefix + words) for prefix in PREFIXES)
        assert number in known, variant
