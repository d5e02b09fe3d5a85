"""Where local-bigquery 0.4.0 is not BigQuery, and no more than that.

- Its BIGNUMERIC is DuckDB's DECIMAL(38, 18): 20 digits before the point and 18 behind it, where BigQuery has 38 and 38.
  A row with a longer one goes to a table in which those columns are STRINGs.
- BYTES in a RECORD are given back as the bytes of the base64 text that was sent; BigQuery decodes it there too.
- JSON in a RECORD is given back as a string of the text that was sent; BigQuery parses it there too.

So it is with rows of insertAll and of the Storage Write API alike. Of the latter it also

- has 16 threads, and each open connection keeps one: the next waits. It takes messages of 4 MB, BigQuery more than twice that;
- has its streams in memory: when it is killed it forgets those that were made, and answers `INVALID_ARGUMENT` for them;
- appends rows and counts them in two steps, between which a stream can be finalized: `emulator.py` keeps those apart;
- says of a column that it does not know that the row is wrong, and never that a table has new columns;
- says nothing in the details of a status: neither `StorageError` nor `RetryInfo`.
"""

import base64
import decimal
import json

WHOLE_DIGITS = 20
SCALE = 18


def has_beyond(columns, record):
    """Whether the record has a BIGNUMERIC that the emulator cannot hold."""
    return any(
        _is_beyond(column, value)
        for column in columns
        if column["name"] in record
        for value in _values(column, record[column["name"]])
    )


def with_texts(columns):
    """The columns with a STRING for each BIGNUMERIC."""
    return [_with_text(column) for column in columns]


def as_given_back(columns, expected):
    """The expected record as the emulator gives it back."""
    return {column["name"]: _given_back(column, expected[column["name"]], nested=False) for column in columns}


def _values(column, value):
    return value if column["mode"] == "REPEATED" else [value]


def _is_beyond(column, value):
    if column["type"] == "RECORD":
        return has_beyond(column["fields"], value)
    if column["type"] != "BIGNUMERIC":
        return False
    sign, digits, exponent = decimal.Decimal(value).as_tuple()
    return len(digits) + exponent > WHOLE_DIGITS or -exponent > SCALE


def _with_text(column):
    if column["type"] == "RECORD":
        return column | {"fields": with_texts(column["fields"])}
    if column["type"] != "BIGNUMERIC":
        return column
    return {name: column[name] for name in ("name", "mode")} | {"type": "STRING"}


def _given_back(column, value, nested):
    if value is None:
        return None
    if column["mode"] == "REPEATED":
        one = column | {"mode": "NULLABLE"}
        return [_given_back(one, element, nested) for element in value]
    if column["type"] == "RECORD":
        return {
            field["name"]: _given_back(field, value[field["name"]], nested=True) for field in column["fields"]
        }
    if column["type"] == "BYTES" and nested:
        return base64.b64encode(value)
    if column["type"] == "JSON" and nested:
        return json.dumps(value, ensure_ascii=False)
    return value
