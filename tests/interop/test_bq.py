"""`bq`, the program of Google's SDK, makes each table from its schema file, and shows the same schema again."""

import json

from conftest import plain


def test_each_schema_file_makes_a_table_that_shows_it(bq, folder):
    dataset = f"of_{folder.path.parent.name}".replace("-", "_").replace(".", "_")
    bq("mk", "--dataset", dataset)
    tables = folder.tables()
    # Each call takes seconds: the events table and the two with the most columns.
    widest = sorted(tables, key=lambda name: len(json.dumps(tables[name])), reverse=True)[:2]
    for name in {"events", *widest}:
        file = folder.path / "bigquery" / f"{name}.json"
        bq("mk", "--table", f"--schema={file}", "--clustering_fields=cluster_key", f"{dataset}.{name}")
        shown = json.loads(bq("show", "--schema", "--format=prettyjson", f"{dataset}.{name}"))
        assert plain(shown) == plain(tables[name]), name
