"""A BigQuery emulator that no one here wrote takes the generated details as rows, and gives them back equal.

The tables are made from the schema files, the rows go in through insertAll, and both ends are Google's own client.
"""

import json
import math
import urllib.request

import pytest
from conftest import Folder, data, rows
from google.cloud import bigquery
from gaps import as_given_back, has_beyond, with_texts
from wire import expected_row, insert_row

if data() is None:
    pytest.skip("nothing was generated", allow_module_level=True)

FOLDER = Folder(data() / "schemas")


@pytest.fixture(scope="module")
def client(emulator):
    """Google's client, with a dataset `logeater` that has each table of the folder."""
    emulator.client.create_dataset("logeater")
    for name, columns in FOLDER.tables().items():
        create(emulator.client, name, columns)
    return emulator.client


def create(client, name, columns):
    fields = [bigquery.SchemaField.from_api_repr(column) for column in columns]
    table = bigquery.Table(f"local.logeater.{name}", schema=fields)
    table.clustering_fields = ["cluster_key"]
    client.create_table(table)


def insert(emulator, table, records):
    """insertAll by hand: the library's own conversion of Python values would be another witness's."""
    body = {"rows": [{"insertId": record["event_id"], "json": record} for record in records]}
    request = urllib.request.Request(
        f"{emulator.url}/bigquery/v2/projects/local/datasets/logeater/tables/{table}/insertAll",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        errors = json.load(answer).get("insertErrors", [])
    # Most are neighbours of the row that is meant.
    wrong = [error for error in errors if error["errors"][0]["reason"] != "stopped"]
    assert not errors, [(error["errors"], body["rows"][error["index"]]) for error in wrong]


def extended():
    """The rows of each extended table, as the wire has them."""
    tables = {}
    for row in rows():
        if row["details"] is not None:
            keys = {"event_id": row["event_id"], "cluster_key": row["cluster_key"]}
            tables.setdefault(row["type"].split(".")[0], []).append(keys | row["details"])
    return tables


@pytest.mark.parametrize("table", sorted(extended()))
def test_rows_are_accepted_and_read_back_equal(client, emulator, table):
    columns = FOLDER.tables()[table]
    records = extended()[table]
    beyond = [record for record in records if has_beyond(columns, record)]
    check_rows(client, emulator, table, columns, [record for record in records if record not in beyond])
    if beyond:
        columns = with_texts(columns)
        create(client, f"{table}_with_texts", columns)
        check_rows(client, emulator, f"{table}_with_texts", columns, beyond)


def check_rows(client, emulator, table, columns, records):
    if not records:
        return
    insert(emulator, table, [insert_row(columns, record) for record in records])
    found = {row["event_id"]: dict(row.items()) for row in client.query(f"SELECT * FROM logeater.`{table}`").result()}
    assert len(found) == len(records)
    for record in records:
        expected = as_given_back(columns, expected_row(columns, record))
        assert same(found[record["event_id"]], expected), difference(found[record["event_id"]], expected)


def test_the_join_gives_what_was_inserted(client, emulator):
    events = [row for row in rows() if row["type"].startswith("cart.")]
    columns = FOLDER.tables()["events"]
    insert(
        emulator,
        "events",
        [
            insert_row(
                columns,
                {
                    "event_id": row["event_id"],
                    "cluster_key": row["cluster_key"],
                    "timestamp": "2026-01-31T12:00:00.000000Z",
                    "service": "shop",
                    "type": row["type"],
                }
                | ({"details": row["details"]} if row["details"] is not None else {}),
            )
            for row in events
        ],
    )
    added = {row["event_id"]: row["details"] for row in events if row["type"] == "cart.add"}
    # The emulator's dialect takes a text in double quotes for a name.
    join = (
        "SELECT event.*, cart.* FROM logeater.events AS event LEFT JOIN logeater.cart AS cart "
        "ON event.event_id = cart.event_id WHERE event.type = 'cart.add' LIMIT 10"
    )
    found = list(client.query(join).result())
    assert len(found) == min(10, len(added))
    names = [column["name"] for table in ("events", "cart") for column in FOLDER.tables()[table]]
    for row in found:
        values = row.values()
        assert len(values) == len(names)
        by_name = dict(zip(names, values, strict=True))
        details = added[by_name["event_id"]]
        expected = expected_row(FOLDER.tables()["cart"], details)
        for name in details:
            assert same(by_name[name], expected[name]), name


def same(found, expected):
    """Equality where NaN is itself, and a value has its type: 1 is not True."""
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and found.keys() == expected.keys()
            and all(same(found[name], value) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(same(one, other) for one, other in zip(found, expected, strict=True))
        )
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    return type(found) is type(expected) and found == expected


def difference(found, expected):
    """The columns that are not the same, for a person."""
    return {
        name: (found.get(name), value) for name, value in expected.items() if not same(found.get(name), value)
    }


def test_a_difference_would_be_seen():
    assert same({"a": [float("nan")]}, {"a": [float("nan")]})
    for found, expected in [(1, True), (None, 0), ("1", 1), ([1], [1, 2]), ({"a": 1}, {"a": 1, "b": None}), (1.5, 1)]:
        assert not same(found, expected)
