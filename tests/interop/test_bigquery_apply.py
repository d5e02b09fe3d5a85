"""`logeater schema apply` against a BigQuery emulator that no one here wrote: Google's client and `bq` read the tables back.

The emulator takes any new column and any change of a type, and does not grow RECORDs, so what is refused, and growth in
RECORDs, are seen against the stand-in of the server's own tests as well.
"""

import json

import pytest
from conftest import ROOT, Folder, cart, plain
from test_analyzer import Warehouse, create_tables

NOTHING = "No changes: everything is as the catalog has it.\n"


@pytest.fixture
def client(emulator):
    return emulator.client


def dataset_of(folder, what):
    return f"{what}_{folder.path.parent.name}".replace("-", "_").replace(".", "_")


def columns_of(table):
    return plain([field.to_api_repr() for field in table.schema])


def test_tables_are_made_as_the_schema_files_have_them(apply, client, folder):
    dataset = dataset_of(folder, "made")
    schemas = folder.tables()
    planned = apply(dataset, folder.path)
    assert f"Plan: {len(schemas) + 1} to add, 0 to change, 0 refused." in planned
    for name, columns in schemas.items():
        table = client.get_table(f"{dataset}.{name}")
        assert columns_of(table) == plain(columns), name
        assert table.clustering_fields == ["cluster_key"]
        assert (table.description or "") == folder.catalog(name)["description"]
    assert apply(dataset, folder.path) == NOTHING


def test_bq_shows_what_was_made(apply, bq, folder):
    dataset = dataset_of(folder, "shown")
    apply(dataset, folder.path)
    shown = json.loads(bq("show", "--schema", "--format=prettyjson", f"{dataset}.events"))
    assert plain(shown) == plain(folder.tables()["events"])


def test_tables_that_bq_has_made_from_the_schema_files_need_nothing(apply, bq):
    folder = Folder(ROOT / "examples" / "schemas")
    bq("mk", "--dataset", "by_bq")
    for name in folder.tables():
        file = folder.path / "bigquery" / f"{name}.json"
        description = f"--description={folder.catalog(name)['description']}"
        bq("mk", "--table", f"--schema={file}", description, f"by_bq.{name}")
    assert apply("by_bq", folder.path) == NOTHING


def test_a_table_grows_and_its_rows_stay(apply, client, tmp_path):
    sku = {"name": "sku", "type": "STRING", "mode": "REQUIRED"}
    apply("grown", cart(tmp_path, sku))
    row = {"event_id": "1", "cluster_key": "2026-01-31", "sku": "A-1"}
    assert client.insert_rows_json("local.grown.cart", [row]) == []
    more = [
        sku | {"mode": "NULLABLE", "description": "Stock keeping unit."},
        {"name": "n", "type": "INTEGER"},
        {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    ]
    planned = apply("grown", cart(tmp_path, *more))
    assert planned.startswith(
        "~ table cart\n"
        "    ~ column sku REQUIRED STRING -> NULLABLE STRING\n"
        '    ~ column sku description = "Stock keeping unit."\n'
        "    + column n INTEGER\n"
        "    + column tags REPEATED STRING\n"
    )
    assert columns_of(client.get_table("grown.cart"))[2:] == plain(more)
    assert [dict(row.items()) for row in client.query("SELECT sku, n, tags FROM grown.cart").result()] == [
        {"sku": "A-1", "n": None, "tags": []}
    ]
    assert client.insert_rows_json("local.grown.cart", [{"event_id": "2", "cluster_key": "2026-01-31", "n": 1}]) == []
    assert apply("grown", tmp_path) == NOTHING


def test_what_would_lose_data_is_refused(apply, client, tmp_path):
    apply("refused", cart(tmp_path, {"name": "n", "type": "STRING"}))
    before = client.get_table("refused.cart")
    planned = apply("refused", cart(tmp_path, {"name": "n", "type": "INTEGER"}, {"name": "m", "type": "DATE"}), code=1)
    assert "! table cart\n    refused: column `cart.n` changes from NULLABLE STRING to NULLABLE INTEGER" in planned
    assert "ALTER TABLE `local`.`refused`.`cart` RENAME COLUMN `n` TO `n_old`;" in planned
    assert client.get_table("refused.cart").etag == before.etag


def events(*rows):
    keys = ("event_id", "timestamp", "type", "user_id")
    same = {"service": "shop"}
    return [
        same | dict(zip(keys, row, strict=True)) | {"cluster_key": row[1][:10], "timestamp": f"{row[1]}T12:00:00Z"}
        for row in rows
    ]


def test_the_views_answer_the_usual_questions(apply, client, tmp_path):
    apply("logeater", cart(tmp_path, {"name": "sku", "type": "STRING"}), "--views")
    # The second row came twice.
    rows = events(
        ("1", "2026-01-30", "cart.add", "ann"),
        ("2", "2026-01-31", "cart.add", "ann"),
        ("2", "2026-01-31", "cart.add", "ann"),
        ("3", "2026-01-31", "page.view", "bob"),
        ("4", "2026-02-01", "page.view", None),
    )
    # Without ids, so that the emulator keeps both.
    assert client.insert_rows_json("local.logeater.events", rows, row_ids=[None] * len(rows)) == []

    def rows_of(query):
        return sorted(tuple(str(value) for value in row.values()) for row in client.query(query).result())

    assert rows_of("SELECT event_id FROM logeater.unique_events") == [("1",), ("2",), ("3",), ("4",)]
    assert rows_of("SELECT * FROM logeater.active_users_by_day") == [
        ("2026-01-30", "1", "1"),
        ("2026-01-31", "2", "2"),
        ("2026-02-01", "0", "1"),
    ]
    assert rows_of("SELECT * FROM logeater.active_users_by_month") == [("2026-01-01", "2", "3"), ("2026-02-01", "0", "1")]
    assert rows_of("SELECT type, events, users FROM logeater.events_by_type") == [
        ("cart.add", "2", "1"),
        ("page.view", "2", "1"),
    ]
    found = client.query("SELECT user_id, events FROM logeater.most_active_users ORDER BY events DESC").result()
    assert [tuple(row.values()) for row in found] == [("ann", 2), ("bob", 1)]
    assert apply("logeater", tmp_path, "--views") == NOTHING


def test_googles_analyzer_takes_each_view(apply, client, folder):
    dataset = dataset_of(folder, "views")
    apply(dataset, folder.path, "--views")
    warehouse = Warehouse()
    made = create_tables(folder)
    for name, statement in made.items():
        warehouse.create(name, statement.rstrip().rstrip(";"))
    views = [table.table_id for table in client.list_tables(dataset) if table.table_type == "VIEW"]
    ours = [name for name in views if not name.startswith("unique_") or name.removeprefix("unique_") in made]
    assert len(ours) >= 4 + len(made)
    for name in ours:
        query = client.get_table(f"{dataset}.{name}").view_query.replace(f"`{dataset}`", "`logeater`")
        columns = [column.name for column in warehouse.analyze(query).output_column_list]
        if name.startswith("unique_"):
            of_table = folder.tables()[name.removeprefix("unique_")]
            assert columns == [column["name"] for column in of_table]
        else:
            assert {"events", "users"} & set(columns), name
