"""What the details of an event say: as rows of insertAll, and as the values that BigQuery's client gives back.

Both follow the table's schema file and nothing else of ours.
"""

import base64
import datetime
import decimal
import json


def insert_row(fields, record):
    """The record in the form that insertAll takes, which differs from the wire's for INTEGER and JSON."""
    return {name: _insert_field(_named(fields, name), value) for name, value in record.items()}


def expected_row(fields, record):
    """The record as google-cloud-bigquery gives it: a value for each field, of the Python type that is its own."""
    return {field["name"]: _expected_field(field, record.get(field["name"])) for field in fields}


def _named(fields, name):
    [field] = [field for field in fields if field["name"] == name]
    return field


def _insert_field(field, value):
    if field["mode"] == "REPEATED":
        return [_insert_value(field, element) for element in value]
    return _insert_value(field, value)


def _insert_value(field, value):
    match field["type"]:
        case "RECORD":
            return insert_row(field["fields"], value)
        case "INTEGER":
            return str(value)
        case "JSON":
            return json.dumps(value, ensure_ascii=False)
        case _:
            return value


def _expected_field(field, value):
    if field["mode"] == "REPEATED":
        return [_expected_value(field, element) for element in value or []]
    return None if value is None else _expected_value(field, value)


def _expected_value(field, value):
    match field["type"]:
        case "RECORD":
            return expected_row(field["fields"], value)
        case "FLOAT":
            return float(value)
        case "NUMERIC" | "BIGNUMERIC":
            return decimal.Decimal(value)
        case "BYTES":
            return base64.b64decode(value, validate=True)
        case "DATE":
            return datetime.date.fromisoformat(value)
        case "TIME":
            return datetime.time.fromisoformat(value)
        case "DATETIME" | "TIMESTAMP":
            return datetime.datetime.fromisoformat(value)
        case "INTEGER" | "BOOLEAN" | "STRING" | "JSON":
            return value
        case other:
            raise ValueError(f"no column is a {other}")
