"""A client in Python, which knows contract.proto and nothing else of ours.

usage: push_client.py URL FILE. It pushes the event of each line of FILE, many at a time, and prints for each, in their
order, `true` or `false` as the server says, or the name of the code of an error and its message.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

messages, services = grpc.protos_and_services("contract.proto")


def push(stub, line):
    try:
        return json.dumps(stub.Push(messages.EventEntry(**json.loads(line)), timeout=60).success)
    except grpc.RpcError as error:
        return f"{error.code().name} {error.details()}"


def main(url, file):
    with open(file) as lines, grpc.insecure_channel(url.removeprefix("http://")) as channel, ThreadPoolExecutor(32) as pool:
        stub = services.EventStub(channel)
        for answer in pool.map(lambda line: push(stub, line), lines):
            print(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
