"""A server in Python that no code of ours is in, by grpcio, gets every event of the client, and tells it what it refuses."""

import sys

import pytest
from push_suite import HERE, PushSuite


class TestPythonServer(PushSuite):
    @pytest.fixture
    def command(self):
        return [sys.executable, HERE / "push_server.py"]
