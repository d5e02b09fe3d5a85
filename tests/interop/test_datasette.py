"""Datasette reads the store while the collector writes it."""

import json
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest
from collector import Collector
from push_suite import HERE

EVENT = {"timestamp": 1_769_860_800_000, "service": "shop", "type": "commit.made", "details": '{"hash":"a","files":1}'}


class Datasette:
    """A web server on a store, which tells the port that the system gave it."""

    def __init__(self, store):
        command = [sys.executable, "-m", "datasette", "serve", store, "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "Uvicorn running on" in line:
                self.url = line.split("running on ")[1].split(" ")[0]
                return
        raise AssertionError("datasette did not start")

    def query(self, sql):
        query = urllib.parse.urlencode({"sql": sql, "_shape": "arrays"})
        with urllib.request.urlopen(f"{self.url}/logeater.json?{query}", timeout=60) as answer:
            return json.load(answer)["rows"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


@pytest.fixture
def collector(tmp_path):
    with Collector(tmp_path / "data") as collector:
        yield collector


def test_the_store_is_read_while_it_is_written(collector, tmp_path):
    file = tmp_path / "events.ndjson"
    file.write_text(f"{json.dumps(EVENT)}\n" * 3_000)
    with Datasette(collector.store()) as datasette:
        pushing = subprocess.Popen([sys.executable, HERE / "push_client.py", collector.url, file], stdout=subprocess.PIPE, text=True)
        counts = []
        while pushing.poll() is None:
            # Events and extended rows of one transaction are there together.
            [counted] = datasette.query("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM \"commit\")")
            assert counted[0] == counted[1]
            counts.append(counted[0])
        answers = pushing.communicate()[0].split()
        assert answers == ["true"] * 3_000
        assert counts == sorted(counts)
        # It was read in the middle, more than once.
        assert len({count for count in counts if 0 < count < 3_000}) > 5
        assert datasette.query("SELECT count(*), count(DISTINCT event_id) FROM events") == [[3_000, 3_000]]
    collector.stop()
