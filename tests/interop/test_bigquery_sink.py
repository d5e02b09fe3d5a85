"""The collector's sink `bigquery` fills a BigQuery emulator that no one here wrote, by insertAll; Google's own client reads.

The sink makes the dataset and the tables itself. Clients push by the contract alone.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from collector import Collector
from conftest import JOIN, Folder, data, rows
from gaps import as_given_back, has_beyond
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from test_emulator import difference, same
from wire import expected_row

HERE = Path(__file__).parent

# How long something may take that comes for certain, in seconds.
PATIENCE = 120


class Emulator:
    """An emulator of its own, which can be killed, and comes back on the same port with the same files."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.start("0")
        self.client = bigquery.Client(
            project="local", credentials=AnonymousCredentials(), client_options=ClientOptions(api_endpoint=self.url)
        )

    def start(self, port):
        command = [sys.executable, HERE / "emulator.py", self.folder, port]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), "the emulator did not start"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def restart(self):
        self.start(self.url.rsplit(":", 1)[1])

    def query(self, sql):
        return [dict(row.items()) for row in self.client.query(sql).result()]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    emulator = Emulator(tmp_path_factory.mktemp("emulator"))
    yield emulator
    emulator.kill()


def collector(emulator, dataset, folder, *arguments, catalog, more=""):
    """A collector whose only sink is the emulator."""
    config = folder / "logeater.toml"
    config.write_text(
        f"""
        [sinks.warehouse]
        type = "bigquery"
        project = "local"
        dataset = "{dataset}"
        endpoint = "{emulator.url}"
        credentials = "none"
        batch_wait = "50ms"
        {more}
        """
    )
    return Collector(folder / "data", "--config", config, *arguments, catalog=catalog)


def push(collector, entries, folder):
    file = folder / "entries.ndjson"
    file.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    command = [sys.executable, HERE / "push_client.py", collector.url, file]
    pushed = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=PATIENCE)
    assert pushed.stdout.split("\n")[:-1] == ["true"] * len(entries)


def until_delivered(collector):
    """Waits until the sink has all."""
    command = [os.environ["LOGEATER_PROGRAM"], "sink", "list", "--data", collector.data, "--format", "json"]
    deadline = time.monotonic() + PATIENCE
    while True:
        listed = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
        if all(json.loads(line)["pending"] == 0 for line in listed.strip().split("\n")):
            return
        assert time.monotonic() < deadline, listed


def entry(event_type, details, user_id):
    moment = {"timestamp": 1_769_860_800_000, "service": "shop", "type": event_type, "user_id": user_id}
    return moment | ({} if details is None else {"details": json.dumps(details, ensure_ascii=False)})


@pytest.mark.skipif(data() is None, reason="nothing was generated")
def test_every_type_in_every_place_arrives_equal_and_the_seeds_query_finds_it(emulator, tmp_path):
    folder = Folder(data() / "schemas")
    columns = folder.tables()
    # By the user's id, since the collector makes that of the event.
    sent = {
        row["event_id"]: row
        for row in rows()
        if row["details"] is None or not has_beyond(columns[row["type"].split(".")[0]], row["details"])
    }
    with collector(emulator, "logeater", tmp_path, catalog=folder.path) as running:
        push(running, [entry(row["type"], row["details"], user) for user, row in sent.items()], tmp_path)
        until_delivered(running)
        running.stop()
        assert running.rows("SELECT * FROM dead_letters") == []

    found = {row["user_id"]: row for row in emulator.query("SELECT * FROM logeater.events")}
    assert found.keys() == sent.keys()
    for user, row in sent.items():
        assert found[user]["type"] == row["type"]
        assert found[user]["service"] == "shop"
        assert found[user]["timestamp"].isoformat() == "2026-01-31T12:00:00+00:00"
        assert same(found[user]["details"], row["details"])
    checked = 0
    # A table is made when the first row for it comes.
    for table in {row["type"].split(".")[0] for row in sent.values() if row["details"] is not None}:
        join = (
            f"SELECT event.user_id AS user_, own.* FROM logeater.events AS event JOIN logeater.`{table}` AS own "
            "ON event.event_id = own.event_id"
        )
        for row in emulator.query(join):
            details = sent[row.pop("user_")]["details"]
            keys = {name: row[name] for name in ("event_id", "cluster_key")}
            expected = expected_row(columns[table], details) | keys
            expected = as_given_back(columns[table], expected) | keys
            assert same(row, expected), difference(row, expected)
            checked += 1
    assert checked == sum(row["details"] is not None for row in sent.values())

    # The emulator's dialect takes a text in double quotes for a name.
    seed = JOIN.format(table="cart", type="cart.add").replace('"cart.add"', "'cart.add'")
    answer = list(emulator.client.query(seed).result())
    added = {user: row for user, row in sent.items() if row["type"] == "cart.add"}
    assert len(answer) == min(10, len(added))
    names = [column["name"] for table in ("events", "cart") for column in columns[table]]
    for row in answer:
        by_name = dict(zip(names, row.values(), strict=True))
        details = added[by_name["user_id"]]["details"]
        expected = as_given_back(columns["cart"], expected_row(columns["cart"], details))
        for name in details:
            assert same(by_name[name], expected[name]), name


def cart(folder):
    """A folder of schemas with the table `cart`."""
    (folder / "schemas" / "catalog").mkdir(parents=True)
    keys = [
        {"name": "event_id", "type": "STRING", "mode": "REQUIRED"},
        {"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"},
    ]
    columns = [*keys, {"name": "sku", "type": "STRING"}]
    event = {"type": "cart.add", "rust_type": "shop::Add", "columns": ["sku"]}
    file = {"version": 1, "table": "cart", "columns": columns, "events": [event]}
    (folder / "schemas" / "catalog" / "cart.json").write_text(json.dumps(file))
    return folder / "schemas"



def test_an_emulator_that_dies_and_hangs_under_load_lacks_nothing_afterwards(emulator, tmp_path):
    more = 'timeout = "2s"\nworkers = 2\nbatch_rows = 50'
    with collector(emulator, "killed", tmp_path, catalog=cart(tmp_path), more=more) as running:
        count = 0

        def push_some():
            nonlocal count
            push(running, [entry("cart.add", {"sku": f"s{count + n}"}, f"u{count + n}") for n in range(300)], tmp_path)
            count += 300

        push_some()
        for _ in range(2):
            emulator.kill()
            push_some()
            emulator.restart()
            push_some()
        os.kill(emulator.process.pid, signal.SIGSTOP)
        push_some()
        os.kill(emulator.process.pid, signal.SIGCONT)
        until_delivered(running)
        running.stop()
        assert running.rows("SELECT * FROM dead_letters") == []
    [found] = emulator.query(
        "SELECT count(DISTINCT event.event_id) AS n FROM killed.events AS event JOIN killed.cart AS cart ON event.event_id = cart.event_id "
        "WHERE concat('u', substr(cart.sku, 2)) = event.user_id"
    )
    # What was in when its answer was lost may be there twice.
    assert found["n"] == count
