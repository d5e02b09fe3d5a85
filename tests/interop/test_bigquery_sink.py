"""The collector's sink `bigquery` fills a BigQuery emulator that no one here wrote, in each way; Google's own client reads.

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
from conftest import JOIN, Emulator, Folder, cart, data, rows
from gaps import as_given_back, has_beyond
from test_emulator import difference, same
from wire import expected_row

HERE = Path(__file__).parent

# How long something may take that comes for certain, in seconds.
PATIENCE = 120


# Of a test's own: each has the dataset `logeater`.
@pytest.fixture
def emulator(tmp_path):
    with Emulator(tmp_path / "emulator") as emulator:
        yield emulator


@pytest.fixture(params=["insert_all", "storage_write"])
def write(request):
    """How the sink writes."""
    return request.param


def collector(emulator, write, folder, catalog, more=""):
    """A collector whose only sink is the emulator."""
    config = folder / "logeater.toml"
    config.write_text(
        f"""
        [sinks.warehouse]
        type = "bigquery"
        project = "local"
        dataset = "logeater"
        write = "{write}"
        endpoint = "{emulator.url}"
        storage_endpoint = "{emulator.storage_url}"
        credentials = "none"
        batch_wait = "50ms"
        {more}
        """
    )
    return Collector(folder / "data", "--config", config, catalog=catalog)


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
def test_every_type_in_every_place_arrives_equal_and_the_seeds_query_finds_it(emulator, write, tmp_path):
    folder = Folder(data() / "schemas")
    columns = folder.tables()
    # By the user's id, since the collector makes that of the event.
    sent = {
        row["event_id"]: row
        for row in rows()
        if row["details"] is None or not has_beyond(columns[row["type"].split(".")[0]], row["details"])
    }
    with collector(emulator, write, tmp_path, folder.path) as running:
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


def test_an_emulator_that_dies_and_hangs_under_load_lacks_nothing_afterwards(emulator, write, apply, tmp_path):
    schemas = cart(tmp_path / "schemas", {"name": "sku", "type": "STRING"})
    more = 'timeout = "2s"\nworkers = 2\nbatch_rows = 50'
    with collector(emulator, write, tmp_path, schemas, more) as running:
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
    apply("logeater", schemas, "--views")

    def number(events, cart):
        join = f"FROM logeater.{events} AS event JOIN logeater.{cart} AS cart ON event.event_id = cart.event_id"
        own = "WHERE concat('u', substr(cart.sku, 2)) = event.user_id"
        [found] = emulator.query(f"SELECT count(*) AS n, count(DISTINCT event.event_id) AS ids {join} {own}")
        return found

    # What was in when its answer was lost may be there twice.
    assert number("events", "cart")["ids"] == count
    assert number("unique_events", "unique_cart") == {"n": count, "ids": count}
