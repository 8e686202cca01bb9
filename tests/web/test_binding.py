"""Where services listen."""

from contextlib import closing

import pytest

from secondme.domain.errors import ConfigError
from secondme.web.sockets import bind
from tests.web.conftest import free_port


def test_a_port_that_is_taken_is_said_with_the_setting_to_change() -> None:
    port = free_port()
    with closing(bind("graph-worker", port)) as bound:
        assert bound.getsockname() == ("127.0.0.1", port), "loopback alone"
        with pytest.raises(ConfigError, match=f"Port {port} for the graph-worker .* GRAPH_WORKER_PORT"):
            bind("graph-worker", port)
