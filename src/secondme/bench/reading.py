"""Reading an export, in a process of its own, so that its memory is its own too. Prints JSON."""

import json
import resource
import sys
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from secondme.bench.lab import ours
from secondme.memory.exports import open_export

_PATIENCE = 300.0  # seconds
_KILOBYTE = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts, in bytes


@dataclass(frozen=True, slots=True)
class Read:
    """`seconds` of the quickest round, the layout's finding included; `megabytes` at the most."""

    messages: int
    seconds: float
    megabytes: float


def read(path: Path, rounds: int) -> Read:
    """Read all messages of an export, `rounds` times."""
    messages, best = 0, float("inf")
    for _ in range(rounds):
        begin = perf_counter()
        last = deque(enumerate(open_export(path).messages(), start=1), maxlen=1)
        best = min(best, perf_counter() - begin)
        messages = last[0][0] if last else 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTE
    return Read(messages, best, most / 2**20)


async def alone(path: Path, rounds: int) -> Read:
    """The same in a process of its own. Raises BenchFailed, TimeoutError."""
    found = await ours("reading", {"path": str(path), "rounds": rounds}, path.parent, _PATIENCE)
    return Read(**found)


def main(argument: str) -> None:
    """`python -m secondme.bench.reading PLAN`; PLAN is JSON with path and rounds."""
    plan = json.loads(argument)
    json.dump(asdict(read(Path(plan["path"]), plan["rounds"])), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
