"""The collector as a process of its own, with a store that SQLite of Python looks into."""

import os
import signal
import sqlite3
import subprocess

from conftest import ROOT

SCHEMAS = ROOT / "examples" / "schemas"


class Collector:
    """`logeater serve` on a free port, with the catalog of the examples unless another is given."""

    def __init__(self, data, *arguments, catalog=SCHEMAS):
        self.data = data
        command = [os.environ["LOGEATER_PROGRAM"], "serve", "--listen", "127.0.0.1:0", "--data", data, "--catalog", catalog]
        self.process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("logeater is listening on "), line
        self.url = "http://" + line.removeprefix("logeater is listening on ").split(",")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """Ends it as a person would; afterwards its numbers add up."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0
        subprocess.run([os.environ["LOGEATER_PROGRAM"], "reconcile", "--data", self.data], check=True, stdout=subprocess.DEVNULL)

    def store(self):
        return self.data / "logeater.db"

    def rows(self, query):
        store = sqlite3.connect(f"file:{self.store()}?mode=ro", uri=True)
        try:
            return store.execute(query).fetchall()
        finally:
            store.close()
