"""A stop of everybody that the ledger could not take: held in a file and in Redis until it can."""

import asyncio
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4, uuid5

from secondme.domain.errors import StoreUnavailable
from secondme.observe.logs import get_logger
from secondme.ports import Signals

log = get_logger(__name__)
WRITE_OUT = 1.3  # seconds after which no request that began before a press can still be writing
_PRESSES = UUID("6f2c1a0e-5b7d-4c7e-9a42-7c1f0a3d9b11")
_MILLISECOND = timedelta(milliseconds=1)


def whole_ms(moment: datetime) -> datetime:
    """The next whole millisecond: what every store can keep of a press."""
    return moment + (-moment.microsecond % 1000) * timedelta(microseconds=1)


def press_id(since: datetime) -> UUID:
    """One press has one id, whichever store tells of it."""
    ms = -((datetime(1970, 1, 1, tzinfo=UTC) - since) // _MILLISECOND)
    return uuid5(_PRESSES, str(ms))


async def hold_press(held_file: Path, signals: Signals | None, now: datetime) -> datetime:
    """Stop everything beside the ledger: in the file and, where given, in Redis. Every mouth looks at both.

    Returns the moment of the stop, when nothing that began before can still be writing. Raises StoreUnavailable
    where neither took it: then nothing is stopped.
    """
    since = whole_ms(now)
    try:
        write_whole(held_file, json.dumps({"since": since.timestamp()}))
        written = True
    except OSError as error:
        log.error("switch.file_not_written", error=type(error).__name__)
        written = False
    if signals is not None:
        await signals.press(since)
    await asyncio.sleep(WRITE_OUT)
    if not written and not await _stands(signals):
        raise StoreUnavailable(
            "NOTHING IS STOPPED: neither the ledger nor Redis nor the disk took it. Stop the processes themselves."
        )
    return since


async def _stands(signals: Signals | None) -> bool:
    try:
        return signals is not None and await signals.stop_pressed_at() is not None
    except StoreUnavailable:
        return False


class HeldFiles:
    """The held press of this machine, under its own name or those that adoptions gave it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def present(self) -> bool:
        return bool(self._all())

    def take(self) -> dict[Path, datetime]:
        """The held presses with their moments, under names of their own: the next one is not dropped in their place."""
        with suppress(FileNotFoundError):
            self.file.replace(f"{self.file}.{uuid4()}")
        moments = {file: _moment(file) for file in self._all() if file != self.file}
        return {file: moment for file, moment in moments.items() if moment is not None}

    def drop(self, files: Iterable[Path]) -> None:
        """They are in the ledger now."""
        for file in files:
            file.unlink(missing_ok=True)

    def _all(self) -> list[Path]:
        return list(self.file.parent.glob(f"{self.file.name}*"))


def _moment(file: Path) -> datetime | None:
    """When it was pressed; one that cannot be read still says stop. None: adopted by somebody else just now."""
    try:
        return whole_ms(datetime.fromtimestamp(round(json.loads(file.read_text())["since"], 3), UTC))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        with suppress(FileNotFoundError):
            return whole_ms(datetime.fromtimestamp(file.stat().st_mtime, UTC))
        return None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
