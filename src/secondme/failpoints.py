"""Named places where a fault test may kill this process. Nothing happens unless SECONDME_FAILPOINT names one.

`SECONDME_FAILPOINT=outbox.intent:3` kills at the third passage, after noting it in the file that
SECONDME_FAILPOINT_LOG names, so that a test can assert that the failpoint fired.
"""

import os
import signal
from collections import Counter

_NAME, _, _COUNT = os.environ.get("SECONDME_FAILPOINT", "").partition(":")
_passed: Counter[str] = Counter()


def armed(name: str) -> bool:
    """Whether this process is to die at `name`; for places that must prepare their death (half a request)."""
    return bool(_NAME) and name == _NAME


def failpoint(name: str) -> None:
    """Die here, at once and without cleaning up, if a fault test asked for it."""
    if not armed(name):
        return
    _passed[name] += 1
    if _passed[name] < int(_COUNT or 1):
        return
    if log := os.environ.get("SECONDME_FAILPOINT_LOG"):
        with open(log, "a") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
    os.kill(os.getpid(), signal.SIGKILL)
