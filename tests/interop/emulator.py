"""Serves the BigQuery emulator local-bigquery on free ports, or on those that are given, in a way that works without a network.

usage: emulator.py DATA_DIR [PORT STORAGE_PORT]. Once it answers it says two URLs in one line, that of REST and that of the
Storage Write API by gRPC, and serves until it is killed.

local-bigquery 0.4.0 asks for a DuckDB that fetches the extensions `icu`, `ducklake` and `spatial` from its makers'
server. DuckDB 1.5.5 has `icu` inside, and the other two are packages of the registry for it, so that is what the
requirement file pins; each connection gets them from there.
"""

import pathlib
import sys
import threading

import duckdb
import duckdb_extension_ducklake
import duckdb_extension_spatial

EXTENSIONS = [
    next(pathlib.Path(package.__file__).parent.rglob("*.duckdb_extension"))
    for package in (duckdb_extension_ducklake, duckdb_extension_spatial)
]

_connect = duckdb.connect


def offline(extension_dir):
    """duckdb.connect, with the extensions that the emulator asks for."""

    def connect(*arguments, config=None, **options):
        config = dict(config or {}, extension_directory=str(extension_dir))
        # A time zone needs `icu`, which the connection has only afterwards.
        time_zone = config.pop("TimeZone", None)
        connection = _connect(*arguments, config=config, **options)
        for extension in EXTENSIONS:
            connection.execute(f"INSTALL '{extension}'; LOAD '{extension}'")
        connection.execute("LOAD icu")
        if time_zone:
            connection.execute(f"SET TimeZone = '{time_zone}'")
        return connection

    return connect


def one_by_one(*functions):
    """The functions, none of which begins before another has ended."""
    lock = threading.Lock()

    def locked(function):
        def run(*arguments):
            with lock:
                return function(*arguments)

        return run

    return map(locked, functions)


def main(data_dir, port=0, storage_port=0):
    duckdb.connect = offline(data_dir / "extensions")
    # These read the settings and connect as they are imported.
    import uvicorn
    from local_bigquery import app
    from local_bigquery.grpc import write
    from local_bigquery.settings import settings

    settings.data_dir = data_dir / "data"
    # A stream that is finalized has the rows that are being appended, or it never gets them.
    write._append, write.finalize = one_by_one(write._append, write.finalize)
    from local_bigquery.grpc import server as storage

    _storage_server, storage_port = storage.start("127.0.0.1", storage_port)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            sys.exit("the emulator did not start")
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{storage_port}", flush=True)
    thread.join()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:]))
