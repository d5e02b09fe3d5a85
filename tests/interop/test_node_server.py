"""The same for a server in Node, by @grpc/grpc-js."""

import pytest
from push_suite import HERE, PushSuite


class TestNodeServer(PushSuite):
    @pytest.fixture
    def command(self, program):
        return [program("node", "Node 20 and npm"), HERE / "push_server.js"]
