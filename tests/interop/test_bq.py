"""`bq`, the program of Google's SDK, makes each table from its schema file, and shows the same schema again."""

import json
import os
import subprocess

import pytest

HINT = "it is part of the Google Cloud SDK, which no package registry here has"


@pytest.fixture
def bq(program, emulator, tmp_path):
    """Runs `bq` against the emulator, without a network and with a configuration of its own."""
    path = program("bq", HINT)
    token = tmp_path / "token"
    token.write_text("none")
    environment = os.environ | {
        "CLOUDSDK_CONFIG": str(tmp_path / "sdk"),
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    }

    def run(*arguments):
        done = subprocess.run(
            [path, "--api", emulator, "--project_id=local", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


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


def plain(columns):
    """A column without what it need not say: `NULLABLE` is what no mode means."""
    return [
        {key: value for key, value in column.items() if (key, value) != ("mode", "NULLABLE") and key != "fields"}
        | ({"fields": plain(column["fields"])} if "fields" in column else {})
        for column in columns
    ]
