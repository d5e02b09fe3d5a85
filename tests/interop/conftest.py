"""What the suites share: the folders of schemas that they look at, and the rows that were generated for one of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

# It has assertions and no tests of its own.
pytest.register_assert_rewrite("push_suite")

ROOT = Path(__file__).resolve().parents[2]

# The seed's query, which every folder with a namespace must answer.
JOIN = (
    "SELECT event.*, {table}.* FROM logeater.events AS event LEFT JOIN logeater.{table} AS {table} "
    'ON event.event_id = {table}.event_id WHERE event.type = "{type}" LIMIT 10'
)

# The columns that every table has.
KEYS = [
    {"name": "event_id", "type": "STRING", "mode": "REQUIRED"},
    {"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"},
]


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


def cart(folder, *columns):
    """Makes the folder one of schemas with the table `cart`."""
    (folder / "catalog").mkdir(parents=True, exist_ok=True)
    event = {"type": "cart.add", "rust_type": "shop::Add", "columns": [column["name"] for column in columns]}
    file = {"version": 1, "table": "cart", "columns": [*KEYS, *columns], "events": [event]}
    (folder / "catalog" / "cart.json").write_text(json.dumps(file))
    return folder


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


class Emulator:
    """A BigQuery that no one here wrote. It can be killed, and comes back on the same ports with the same files."""

    def __init__(self, folder):
        self.folder = folder
        self.start()
        options = ClientOptions(api_endpoint=self.url)
        # Google's own.
        self.client = bigquery.Client(project="local", credentials=AnonymousCredentials(), client_options=options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self, *ports):
        command = [sys.executable, Path(__file__).with_name("emulator.py"), self.folder, *ports]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        urls = self.process.stdout.readline().split()
        assert len(urls) == 2, "the emulator did not start"
        self.url, self.storage_url = urls

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def restart(self):
        self.start(*(url.rsplit(":", 1)[1] for url in (self.url, self.storage_url)))

    def query(self, sql):
        return [dict(row.items()) for row in self.client.query(sql).result()]


# Of a module's own: each has its datasets, and none those of another.
@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture
def apply(emulator):
    """Runs `logeater schema apply` on a dataset and a folder of schemas, and gives what it prints."""

    def run(dataset, schemas, *more, code=0):
        if "LOGEATER_PROGRAM" not in os.environ:
            pytest.skip("LOGEATER_PROGRAM does not name the program")
        target = ["--project", "local", "--dataset", dataset, "--endpoint", emulator.url, "--credentials", "none"]
        command = [os.environ["LOGEATER_PROGRAM"], "schema", "apply", *target, "--catalog", schemas, *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run


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
            [path, "--api", emulator.url, "--project_id=local", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
