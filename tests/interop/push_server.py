"""A server in Python, which knows contract.proto and nothing else of ours.

usage: push_server.py FILE PORT DIES_AFTER. It says its URL in a line of its own, stores each event as a line of JSON in
FILE, and answers. Port 0 is a free one.

- An event of the user "refused" is not stored: `success` is false.
- An event of a user with the name of a gRPC code is answered with that code when it comes for the first time.
- When it has stored DIES_AFTER events it dies instead of the answer; 0 is never.
"""

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

messages, services = grpc.protos_and_services("contract.proto")
CODES = {code.name: code for code in grpc.StatusCode}


class Event(services.EventServicer):
    def __init__(self, file, dies_after):
        self.file = file
        self.left = dies_after
        self.failed = set()

    def Push(self, entry, context):  # noqa: N802, the contract's name
        if entry.user_id == "refused":
            return messages.EventResponse(success=False)
        if entry.user_id in CODES and entry.details not in self.failed:
            self.failed.add(entry.details)
            context.abort(CODES[entry.user_id], "not now")
        self.store(entry)
        return messages.EventResponse(success=True)

    def store(self, entry):
        stored = {"timestamp": str(entry.timestamp), "service": entry.service, "type": entry.type}
        stored |= {name: getattr(entry, name) for name in ("user_id", "details") if entry.HasField(name)}
        self.file.write(json.dumps(stored) + "\n")
        self.file.flush()
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(file, port, dies_after):
    with open(file, "w") as stored:
        # One thread: what the calls share needs no lock.
        server = grpc.server(ThreadPoolExecutor(max_workers=1))
        services.add_EventServicer_to_server(Event(stored, int(dies_after)), server)
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        print(f"http://127.0.0.1:{port}", flush=True)
        server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
