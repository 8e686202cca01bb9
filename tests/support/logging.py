"""What a process has set up about logs, put back after a test; and the lines that the product wrote."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from secondme.observe import logs


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Logging and the hooks are the process's own: put them back."""
    root, hooks = logging.getLogger(), (sys.excepthook, sys.unraisablehook, threading.excepthook)
    raising, level, config = logging.raiseExceptions, root.level, structlog.get_config()
    quiet = {name: logging.getLogger(name).level for name in ("redis", "asyncio", "uvicorn.access")}
    yield
    for handler in logs._installed:
        root.removeHandler(handler)
        handler.close()
    logs._installed.clear()
    logging.captureWarnings(False)
    logging.raiseExceptions = raising
    root.setLevel(level)
    for name, was in quiet.items():
        logging.getLogger(name).setLevel(was)
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    structlog.configure(**config)


def logged(folder: Path, service: str, trace: object) -> list[dict[str, Any]]:
    """The lines of that service about one message, in order."""
    lines = [json.loads(line) for line in (folder / "logs" / f"{service}.jsonl").read_text().splitlines()]
    return [line for line in lines if line.get("trace") == str(trace)]
