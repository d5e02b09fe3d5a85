"""A collector whose only sink is the emulator, and what it is given."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from collector import Collector

HERE = Path(__file__).parent

# How long something may take that comes for certain, in seconds.
PATIENCE = 120

AT_LEAST_ONCE = ["insert_all", "storage_write"]
WAYS = [*AT_LEAST_ONCE, "exactly_once"]


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
