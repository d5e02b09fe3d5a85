"""Tools that know nothing of the contract learn it from the collector itself, and use it: push, health."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from collector import Collector
from grpc_requests import Client

EVENT = {"timestamp": "1769860800000", "service": "shop", "type": "commit.made", "details": '{"hash":"a","files":1}'}

SERVICES = ["event.Event", "grpc.health.v1.Health"]


@pytest.fixture
def collector(tmp_path):
    with Collector(tmp_path / "data") as collector:
        yield collector


class Buf:
    """`buf curl`, which speaks gRPC by what reflection says."""

    def __init__(self, url):
        self.url = url

    def run(self, *arguments):
        buf = Path(os.environ["NODE_PATH"]) / ".bin" / "buf"
        command = [buf, "curl", "--http2-prior-knowledge", "--protocol", "grpc", *arguments]
        return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)

    def call(self, method, message):
        called = self.run("--data", json.dumps(message), f"{self.url}/{method}")
        assert called.returncode == 0, called.stderr
        return json.loads(called.stdout)


@pytest.fixture
def buf(collector, program):
    program("node", "Node 20 and npm")
    return Buf(collector.url)


def test_buf_lists_the_services(buf):
    listed = buf.run("--list-services", buf.url).stdout.split()
    assert set(SERVICES) <= set(listed)


def test_buf_pushes_one_event_and_a_batch(buf, collector):
    assert buf.call("event.Event/Push", EVENT) == {"success": True}
    wrong = EVENT | {"type": "cart"}
    answer = buf.call("event.Event/PushBatch", {"entries": [EVENT, wrong, EVENT]})
    assert answer["accepted"] == 2
    [rejected] = answer["rejected"]
    assert rejected["index"] == 1
    assert rejected["reason"].startswith("type `cart`: ")
    assert collector.rows('SELECT count(*) FROM events JOIN "commit" USING (event_id)') == [(3,)]
    collector.stop()


def test_buf_shows_the_reason_of_an_error(buf):
    refused = buf.run("--data", json.dumps(EVENT | {"details": "[]"}), f"{buf.url}/event.Event/Push")
    assert refused.returncode != 0
    error = json.loads(refused.stderr)
    assert error["code"] == "invalid_argument"
    assert error["message"].startswith("details are not one JSON object: ")


def test_buf_asks_for_the_health_of_each_service(buf):
    for service in ["", "event.Event"]:
        assert buf.call("grpc.health.v1.Health/Check", {"service": service}) == {"status": "SERVING"}


def test_grpc_requests_learns_the_contract_and_pushes(collector):
    client = Client(collector.url.removeprefix("http://"))
    assert set(SERVICES) <= set(client.service_names)
    assert client.request("event.Event", "Push", EVENT) == {"success": True}
    assert client.request("grpc.health.v1.Health", "Check", {"service": "event.Event"}) == {"status": "SERVING"}
    assert collector.rows("SELECT type FROM events") == [("commit.made",)]
    collector.stop()
