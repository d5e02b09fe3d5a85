"""The collector's sink `bigquery` fills a BigQuery emulator that no one here wrote, in each way; Google's own client reads.

The sink makes the dataset and the tables itself. Clients push by the contract alone.
"""

import os
import signal

import pytest
from conftest import JOIN, Emulator, Folder, cart, data, rows
from gaps import as_given_back, has_beyond
from sink import AT_LEAST_ONCE, WAYS, collector, entry, push, until_delivered
from test_emulator import difference, same
from wire import expected_row


# Of a test's own: each has the dataset `logeater`.
@pytest.fixture
def emulator(tmp_path):
    with Emulator(tmp_path / "emulator") as emulator:
        yield emulator


@pytest.mark.skipif(data() is None, reason="nothing was generated")
@pytest.mark.parametrize("write", WAYS)
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


class Load:
    """Events of one type, for a collector whose sink does little at a time."""

    MORE = 'timeout = "2s"\nworkers = 2\nbatch_rows = 50'

    def __init__(self, folder):
        self.folder = folder
        self.schemas = cart(folder / "schemas", {"name": "sku", "type": "STRING"})
        self.count = 0

    def push(self, running):
        numbers = range(self.count, self.count + 300)
        push(running, [entry("cart.add", {"sku": f"s{n}"}, f"u{n}") for n in numbers], self.folder)
        self.count += 300

    def end(self, running):
        until_delivered(running)
        running.stop()
        assert running.rows("SELECT * FROM dead_letters") == []


def found(emulator, events="events", cart="cart"):
    """How many rows the join has that are whole, and of how many events."""
    join = f"FROM logeater.{events} AS event JOIN logeater.{cart} AS cart ON event.event_id = cart.event_id"
    own = "WHERE concat('u', substr(cart.sku, 2)) = event.user_id"
    [row] = emulator.query(f"SELECT count(*) AS n, count(DISTINCT event.event_id) AS ids {join} {own}")
    return row


# The emulator forgets when it is killed how many rows a stream has, which BigQuery does not.
@pytest.mark.parametrize("write", AT_LEAST_ONCE)
def test_an_emulator_that_dies_and_hangs_under_load_lacks_nothing_afterwards(emulator, write, apply, tmp_path):
    load = Load(tmp_path)
    apply("logeater", load.schemas, "--views")
    with collector(emulator, write, tmp_path, load.schemas, Load.MORE) as running:
        for _ in range(2):
            load.push(running)
            emulator.kill()
            load.push(running)
            emulator.restart()
            load.push(running)
            # Until then the sink rests longer with each failure.
            until_delivered(running)
        load.push(running)
        os.kill(emulator.process.pid, signal.SIGSTOP)
        load.push(running)
        os.kill(emulator.process.pid, signal.SIGCONT)
        load.end(running)
    # What was in when its answer was lost may be there twice.
    assert found(emulator)["ids"] == load.count
    assert found(emulator, "unique_events", "unique_cart") == {"n": load.count, "ids": load.count}


def test_a_collector_that_dies_under_load_has_each_row_once_where_it_is_written_once(emulator, apply, tmp_path):
    load = Load(tmp_path)
    apply("logeater", load.schemas)
    for _ in range(3):
        # It is killed at the end.
        with collector(emulator, "exactly_once", tmp_path, load.schemas, Load.MORE) as running:
            load.push(running)
    with collector(emulator, "exactly_once", tmp_path, load.schemas, Load.MORE) as running:
        load.end(running)
    assert found(emulator) == {"n": load.count, "ids": load.count}
