"""The machine under the figures: what it is, what our processes cost, and how busy others keep it."""

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Noise:
    """`load` is the load average of the minute before; `others` the cores that processes not ours kept busy."""

    load: float
    others: float


class Watch:
    """Counts from now on; `stop` says what others did meanwhile."""

    def __init__(self, used: Callable[[], float] = lambda: 0.0) -> None:
        """`used`: CPU seconds so far of servers that were there before us, and that work for us alone from now on."""
        self._used = used
        self._load = os.getloadavg()[0]
        self._at, self._busy, self._mine = time.monotonic(), _busy(), self._ours()

    def stop(self) -> Noise:
        busy, mine = _busy() - self._busy, self._ours() - self._mine
        passed = max(time.monotonic() - self._at, 0.001)
        return Noise(round(self._load, 2), round(max(busy - mine, 0) / passed, 2))

    def _ours(self) -> float:
        return tree_seconds(psutil.Process()) + self._used()


def _busy() -> float:
    """CPU seconds that this machine has worked, what a hypervisor took from it included."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # also in user and nice
    return float(sum(times) - idle - guests)


def tree_seconds(root: psutil.Process) -> float:
    """CPU seconds of a process and of all below it, those that have ended included."""
    return seconds([root, *root.children(recursive=True)], ended=True)


def seconds(processes: Iterable[psutil.Process], *, ended: bool = False) -> float:
    """CPU seconds of these processes; with `ended` also of their children that are gone."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
        if ended:
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def describe() -> dict[str, object]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memoryMB": psutil.virtual_memory().total >> 20,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
