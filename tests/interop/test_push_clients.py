"""Clients in other languages, which know the contract as it was, push to the collector."""

import json
import subprocess
import sys
from collections import Counter
from random import Random

import pytest
from collector import Collector
from push_suite import HERE, SERVICE, TEXTS

# What the collector tells apart by magnitude: a moment in seconds, milliseconds, microseconds and nanoseconds.
MOMENT = "2026-01-31T12:00:00.000000Z"
UNITS = [1_769_860_800 * 1_000**unit for unit in range(4)]

MOMENTS = dict.fromkeys(UNITS, MOMENT) | {
    -1: "1969-12-31T23:59:59.000000Z",
    0: "1970-01-01T00:00:00.000000Z",
    1: "1970-01-01T00:00:01.000000Z",
    1_767_225_600_789: "2026-01-01T00:00:00.789000Z",
}


def commit(number, random):
    """An event of the examples' catalog; each field is absent, empty, strange and plain in some of them."""
    text = lambda: random.choice(TEXTS)
    details = {"hash": f"{number:040x}", "subject": text(), "author": {"name": text(), "email": text()}, "files": number}
    if random.random() < 0.5:
        details["changes"] = [{"path": text(), "added": 1, "removed": 0} for _ in range(random.randrange(3))]
    entry = {"timestamp": random.choice([*MOMENTS]), "service": SERVICE, "type": "commit.made"}
    user_id = random.choice([None, text(), f"u-{number}"])
    return entry | {"details": json.dumps(details)} | ({} if user_id is None else {"user_id": user_id})


def as_stored(entry):
    return (MOMENTS[entry["timestamp"]], entry["service"], entry["type"], entry.get("user_id"), entry.get("details"))


@pytest.fixture
def collector(tmp_path):
    with Collector(tmp_path / "data") as collector:
        yield collector


class PushClientSuite:
    def answers(self, command, collector, entries, folder):
        file = folder / "events.ndjson"
        file.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        pushed = subprocess.run([*command, collector.url, file], check=True, text=True, stdout=subprocess.PIPE, timeout=300)
        return pushed.stdout.split("\n")[:-1]

    def test_every_field_of_ten_thousand_events_is_stored_equal(self, command, collector, tmp_path):
        random = Random(2)
        entries = [commit(number, random) for number in range(10_000)]
        assert Counter(self.answers(command, collector, entries, tmp_path)) == {"true": 10_000}
        columns = "timestamp, service, type, user_id, details"
        stored = Counter(collector.rows(f"SELECT {columns} FROM events"))
        expected = Counter(as_stored(entry) for entry in entries)
        assert (stored - expected, expected - stored) == ({}, {})
        # The collector makes an id where none comes: a UUIDv7.
        assert collector.rows("SELECT count(DISTINCT event_id) FROM events") == [(10_000,)]
        assert collector.rows("SELECT DISTINCT substr(event_id, 15, 1) FROM events") == [("7",)]
        columns = "json_object('hash', hash, 'subject', subject, 'author', json(author), 'files', files, 'changes', json(changes))"
        extended = collector.rows(f'SELECT {columns} FROM "commit" JOIN events USING (event_id, cluster_key)')
        found = sorted((json.loads(row) for (row,) in extended), key=lambda row: row["hash"])
        assert found == [{"changes": None} | json.loads(entry["details"]) for entry in entries]
        assert collector.rows("SELECT * FROM dead_letters") == []
        collector.stop()

    def test_what_is_wrong_is_refused_with_the_reason_and_costs_no_other(self, command, collector, tmp_path):
        right = {"timestamp": UNITS[1], "service": "shop", "type": "cart.add", "details": '{"sku":"a"}'}
        wrong = [{"type": "cart"}, {"type": "Cart.add"}, {"details": "[1]"}, {"details": '{"a":'}]
        entries = [right, *[right | one for one in wrong], right]
        answers = self.answers(command, collector, entries, tmp_path)
        assert answers[0] == answers[-1] == "true"
        details = "details are not one JSON object: "
        for answer, reason in zip(answers[1:-1], ["type `cart`: ", "type `Cart.add`: ", details, details], strict=True):
            assert answer.startswith(f"INVALID_ARGUMENT {reason}"), answer
        assert collector.rows("SELECT count(*) FROM events") == [(2,)]
        collector.stop()

    def test_details_that_do_not_fit_are_kept_with_a_dead_letter(self, command, collector, tmp_path):
        details = '{"hash":"a","files":"many"}'
        entry = {"timestamp": UNITS[1], "service": "shop", "type": "commit.made", "details": details}
        assert self.answers(command, collector, [entry], tmp_path) == ["true"]
        assert collector.rows("SELECT type, details FROM events") == [("commit.made", details)]
        [letter] = collector.rows("SELECT refused_by, reason, details FROM dead_letters")
        assert letter == ("table commit", 'column `files`: expected INTEGER, found "many"', details)
        collector.stop()


class TestPython(PushClientSuite):
    @pytest.fixture
    def command(self):
        return [sys.executable, HERE / "push_client.py"]


class TestNode(PushClientSuite):
    @pytest.fixture
    def command(self, program):
        return [program("node", "Node 20 and npm"), HERE / "push_client.js"]
