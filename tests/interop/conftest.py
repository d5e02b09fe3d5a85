"""What the suites share: the folders of schemas that they look at, and the rows that were generated for one of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# It has assertions and no tests of its own.
pytest.register_assert_rewrite("push_suite")

ROOT = Path(__file__).resolve().parents[2]

# The seed's query, which every folder with a namespace must answer.
JOIN = (
    "SELECT event.*, {table}.* FROM logeater.events AS event LEFT JOIN logeater.{table} AS {table} "
    'ON event.event_id = {table}.event_id WHERE event.type = "{type}" LIMIT 10'
)


class Folder:
    """A folder of schemas, read without any code of ours."""

    def __init__(self, path):
        self.path = Path(path)

    def __repr__(self):
        return str(self.path)

    def tables(self):
        """The schema file of each table by its name, as `bq` takes it."""
        return {file.stem: json.loads(file.read_text()) for file in sorted((self.path / "bigquery").glob("*.json"))}

    def create_tables(self):
        """The CREATE TABLE statement of each table."""
        return {file.stem: file.read_text() for file in sorted((self.path / "bigquery").glob("*.sql"))}

    def catalog(self, table):
        return json.loads((self.path / "catalog" / f"{table}.json").read_text())

    def joins(self):
        """The seed's join for every event type, with the names that the query has for tables and types."""
        for table in self.tables():
            for event in self.catalog(table).get("events", []):
                yield table, JOIN.format(table=table, type=event["type"])


def data():
    """The folder that the generator wrote: `schemas`, and `rows/<type>.ndjson`; none without it."""
    return Path(os.environ["LOGEATER_INTEROP_DATA"]) if "LOGEATER_INTEROP_DATA" in os.environ else None


def rows():
    """Every generated row: event_id, cluster_key, type and details. Numbers keep their digits."""
    files = sorted((data() / "rows").glob("*.ndjson")) if data() else []
    # Texts may hold what Python's `splitlines` takes for the end of a line.
    lines = [line for file in files for line in file.read_text().split("\n")]
    return [json.loads(line) for line in lines if line]


def folders():
    found = [ROOT / "examples" / "schemas"]
    if data():
        found.append(data() / "schemas")
    return [Folder(path) for path in found]


def plain(columns):
    """A column without what it need not say: `NULLABLE` is what no mode means."""
    return [
        {key: value for key, value in column.items() if (key, value) != ("mode", "NULLABLE") and key != "fields"}
        | ({"fields": plain(column["fields"])} if "fields" in column else {})
        for column in columns
    ]


def pytest_generate_tests(metafunc):
    if "folder" in metafunc.fixturenames:
        metafunc.parametrize("folder", folders(), ids=lambda folder: folder.path.parent.name)


@pytest.fixture
def program():
    """Finds a program that no registry has: skips without it, unless everything is asked for."""

    def find(name, hint):
        path = shutil.which(name)
        if path is None:
            assert os.environ.get("LOGEATER_INTEROP_ALL") != "1", f"{name} is not installed: {hint}"
            pytest.skip(f"{name} is not installed: {hint}")
        return path

    return find


# Of a module's own: each has its datasets, and none those of another.
@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """The emulator's URL."""
    script = Path(__file__).with_name("emulator.py")
    folder = tmp_path_factory.mktemp("emulator")
    with subprocess.Popen([sys.executable, script, folder], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://"), "the emulator did not start"
            yield url
        finally:
            process.kill()


@pytest.fixture
def bq(program, emulator, tmp_path):
    """Runs `bq` against the emulator, without a network and with a configuration of its own."""
    path = program("bq", "it is part of the Google Cloud SDK, which no package registry here has")
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
