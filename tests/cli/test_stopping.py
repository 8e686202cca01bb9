"""Starting where one cannot, stopping at any moment, and being killed: nothing stays behind."""

import json
import os
import signal
import socket
import time
import urllib.request

import psutil
import pytest

from tests.cli.conftest import RUNNING, Instance


@pytest.fixture(scope="module")
def start_takes(shared: Instance) -> float:
    """Seconds of one undisturbed first start, of the instance that the tests share which need no fresh one."""
    began = time.monotonic()
    with shared.start("up") as up:
        up.until(RUNNING)
        took = time.monotonic() - began
        assert up.stop() == 0
    assert shared.gone() == []
    return took


@pytest.mark.usefixtures("start_takes")
def test_a_taken_port_is_said_and_nothing_stays(shared: Instance) -> None:
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", shared.port("ORCHESTRATOR_PORT")))
        stranger.listen()
        said = shared.refused("up")
        assert (
            f"{shared.port('ORCHESTRATOR_PORT')} (another program)" in said and "ORCHESTRATOR_PORT=" in said
        )
    assert shared.gone() == []


def test_sigterm_while_the_stores_start(fresh: Instance) -> None:
    with fresh.start("up") as up:
        up.until("Creating the database")
        assert up.stop(signal.SIGTERM) == 0
        assert RUNNING not in up.said()
    assert fresh.gone() == []


def test_services_alone_share_the_stores_and_the_last_stops_them(shared: Instance) -> None:
    with shared.start("gateway") as gateway, shared.start("graph-worker") as worker:
        gateway.until("gateway is ready")
        worker.until("graph-worker is ready")
        assert gateway.stop(signal.SIGTERM) == 0
        assert any(process.name() == "postgres" for process in shared.processes())
        # Twice: it does not wait for what is unfinished, and still ends in order.
        worker.process.send_signal(signal.SIGINT)
        assert worker.stop(signal.SIGINT) == 0
    assert shared.gone() == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "moment" in metafunc.fixturenames:
        moments = range(5, 100, 10) if metafunc.config.getoption("--long") else (25, 55, 85)
        metafunc.parametrize("moment", moments)


def test_a_start_killed_at_any_moment_is_repaired(fresh: Instance, start_takes: float, moment: int) -> None:
    """`moment` is a percentage of an undisturbed first start."""
    with fresh.start("up") as killed:
        time.sleep(start_takes * moment / 100)
        killed.stop(signal.SIGKILL)
    with fresh.start("up") as up:
        up.until(RUNNING)
        assert up.stop(signal.SIGINT) == 0
    assert fresh.gone() == []


def children(pid: int) -> dict[str, psutil.Process]:
    """The supervisor's services by name."""
    return {
        child.cmdline()[-1]: child
        for child in psutil.Process(pid).children()
        if "secondme.cli" in child.cmdline()
    }


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def health(port: int) -> dict[str, str]:
    """What a service says of itself once it answers."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                found: dict[str, str] = json.load(answer)
                return found
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nobody answers on port {port}")


def test_supervised_services(shared: Instance) -> None:
    with shared.start("up", "--processes") as up:
        up.until(RUNNING)
        services = children(up.process.pid)
        assert sorted(services) == ["dashboard", "gateway", "graph-worker", "orchestrator"]
        os.kill(services["gateway"].pid, signal.SIGKILL)
        up.until("The gateway ended unasked (by SIGKILL)")
        assert health(shared.port("GATEWAY_PORT"))["status"] == "ok"
        assert children(up.process.pid)["gateway"].pid != services["gateway"].pid

        # A killed supervisor leaves children that notice; who starts next waits until they have gone.
        up.stop(signal.SIGKILL)
        with shared.start("up", "--processes") as again:
            again.until(RUNNING)
            assert not any(alive(child) for child in services.values())
            assert again.stop(signal.SIGINT) == 0
    assert shared.gone() == []
