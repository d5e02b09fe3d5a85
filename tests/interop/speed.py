"""How many rows a second the sink `bigquery` brings into the emulator, in each way to write. No test: it prints figures.

usage: speed.py [EVENTS], with LOGEATER_PROGRAM and the Python that `run` has set up. The events are in the store before the sink
begins. Each has two rows. Of the time most is the emulator's, which is Python on DuckDB.
"""

import sys
import tempfile
import time
from pathlib import Path

from collector import Collector
from conftest import Emulator, cart
from sink import WAYS, collector, entry, push, until_delivered


def main(events=10_000):
    for write in WAYS:
        with tempfile.TemporaryDirectory() as folder, Emulator(Path(folder) / "emulator") as emulator:
            folder = Path(folder)
            schemas = cart(folder / "schemas", {"name": "sku", "type": "STRING"})
            with Collector(folder / "data", catalog=schemas) as filling:
                push(filling, [entry("cart.add", {"sku": f"s{n}"}, f"u{n}") for n in range(events)], folder)
                filling.stop()
            began = time.monotonic()
            with collector(emulator, write, folder, schemas, "batch_rows = 5000\nworkers = 2") as running:
                until_delivered(running)
                seconds = time.monotonic() - began
                running.stop()
            [found] = emulator.query("SELECT (SELECT count(*) FROM logeater.events) + (SELECT count(*) FROM logeater.cart) AS rows_")
            assert found["rows_"] == 2 * events, found
            print(f"{write:14}{2 * events / seconds:10,.0f} rows/s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
