"""Logs: JSON lines for machines, coloured ones for a terminal; no content, names or numbers (guard.py)."""

import json
import logging
import logging.handlers
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from uuid import UUID

import orjson
import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from secondme.domain.errors import ConfigError
from secondme.observe.guard import guard, plain, reduce_exception, reduce_foreign

KEPT = timedelta(days=30)
_TALKATIVE = ("aiohttp", "asyncpg", "redis", "neonize", "alembic", "urllib3", "asyncio")
_SILENT = ("uvicorn.access", "aiohttp.access")  # a line of theirs is a client's address and a path
_installed: list[logging.Handler] = []
_chain: list[Processor] = []  # what every line passes, the guard last


def get_logger(area: str) -> FilteringBoundLogger:
    """A logger for one area of the code; `__name__` will do. Events are dotted names, values ids and figures:
    `log.info("message.received", message_id=id, waited_ms=12)`."""
    area = area.removeprefix("secondme.")
    logger: FilteringBoundLogger = structlog.get_logger(f"secondme.{area}", area=area)
    return logger


def log_each(area: str, event: str, rows: Sequence[Mapping[str, object]]) -> None:
    """`log.info(event, **row)` for each row, written at once: for what comes by the hundred. Keys are all the same."""
    logger = logging.getLogger(f"secondme.{area}")
    if not rows or not logger.isEnabledFor(logging.INFO):
        return
    first: EventDict = {"event": event, "area": area, **rows[0]}
    for process in _chain:
        first = cast(EventDict, process(logger, "info", first))
    keys = [key for key in rows[0] if key in first]  # those that the guard let through
    lines = [first, *({**first, **{key: plain(row[key]) for key in keys}} for row in rows[1:])]
    logger.handle(
        logger.makeRecord(logger.name, logging.INFO, "", 0, event, (), None, extra={"lines": lines})
    )


@contextmanager
def tracing(trace: UUID | str) -> Iterator[None]:
    """Within this block every line carries `trace`: our id of the message that caused the work."""
    with bound_contextvars(trace=str(trace)):
        yield


def configure(
    service: str,
    *,
    data_dir: Path | None = None,
    level: str = "INFO",
    stderr: bool = True,
    human: bool | None = None,
    strict: bool = False,
) -> None:
    """Send every line of this process, other libraries' too, through the guard. May be called again.

    Lines go to stderr (coloured if it is a terminal, or as `human` says) and, with `data_dir`, to
    `logs/SERVICE.jsonl` in it, a new file each day in UTC, 30 days kept. `strict` raises for a forbidden key.
    Raises ConfigError when the folder cannot be written.
    """
    handlers: list[logging.Handler] = []
    if stderr:
        terminal = logging.StreamHandler(sys.stderr)
        pretty = sys.stderr.isatty() if human is None else human
        terminal.setFormatter(_formatter(service, strict, pretty))
        handlers.append(terminal)
    if data_dir is not None:
        day_file = _open_day_file(data_dir / "logs", service)
        day_file.setFormatter(_formatter(service, strict, pretty=False))
        handlers.append(day_file)
    _install(handlers, level)
    _configure_structlog(service, strict)
    _catch_the_uncaught()


def purge_logs(folder: Path, older_than: timedelta = KEPT, now: datetime | None = None) -> int:
    """Delete what was last written before then; a service's current file is emptied, for it may be open.

    Returns how many files were deleted or emptied.
    """
    limit = ((now or datetime.now(UTC)) - older_than).timestamp()
    purged = 0
    for file in folder.glob("*.jsonl*"):
        if file.name.startswith("audit-"):  # the audit log purges its own, which may lie here too
            continue
        if file.stat().st_mtime >= limit or (file.suffix == ".jsonl" and not file.stat().st_size):
            continue
        if file.suffix == ".jsonl":
            os.truncate(file, 0)
        else:
            file.unlink(missing_ok=True)
        purged += 1
    return purged


class _DayFile(logging.handlers.TimedRotatingFileHandler):
    """One file a day, readable by its owner alone."""

    def _open(self) -> TextIOWrapper:
        file = open(self.baseFilename, self.mode, encoding="utf-8", opener=_private)  # noqa: SIM115
        assert isinstance(file, TextIOWrapper)
        return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _open_day_file(folder: Path, service: str) -> logging.Handler:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _DayFile(folder / f"{service}.jsonl", when="midnight", utc=True, backupCount=KEPT.days)
    except OSError as error:
        raise ConfigError(
            f"Logs cannot be written to {folder} ({error.strerror}). "
            "Make it writable or set SECONDME_DATA_DIR to another folder."
        ) from None


def _shared(service: str, strict: bool) -> list[Processor]:
    def say_service(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
        event_dict.setdefault("service", service)
        return event_dict

    return [
        merge_contextvars,
        say_service,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        reduce_exception,
        guard(strict),
    ]


def _formatter(service: str, strict: bool, pretty: bool) -> logging.Formatter:
    render: Processor
    if pretty:
        render = structlog.dev.ConsoleRenderer(timestamp_key="at")
    else:
        render = structlog.processors.JSONRenderer(serializer=_to_json)
    # A foreign line cannot be blamed on its caller, hence never strict.
    foreign = [reduce_foreign, _without_record, *_shared(service, strict=False)]
    return _Formatter(render, foreign, pretty)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """A line a record, or a line each of what `log_each` brings."""

    def __init__(self, render: Processor, foreign: list[Processor], pretty: bool) -> None:
        super().__init__(
            processors=[_without_record, render],
            foreign_pre_chain=foreign,
            use_get_message=False,
            pass_foreign_args=True,
        )
        self._render, self._pretty = render, pretty

    def format(self, record: logging.LogRecord) -> str:
        lines: list[EventDict] | None = getattr(record, "lines", None)
        if lines is None:
            return super().format(record)
        if self._pretty:
            return "\n".join(str(self._render(None, "info", dict(line))) for line in lines)
        if "joined" not in record.__dict__:  # what the terminal and the file show is the same
            record.__dict__["joined"] = "\n".join([_to_json(line) for line in lines])
        return str(record.__dict__["joined"])


def _without_record(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
    event_dict.pop("_record", None)
    event_dict.pop("_from_structlog", None)
    return event_dict


def _type_of(thing: object) -> str:
    return f"<{type(thing).__name__}>"


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_type_of).encode
_OPAQUE = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def _to_json(value: Any, **_: Any) -> str:
    try:
        return orjson.dumps(value, _type_of, _OPAQUE).decode()
    except TypeError:  # an integer of more than 64 bits, half a surrogate pair
        return _encode(value)


def _configure_structlog(service: str, strict: bool) -> None:
    _chain[:] = _shared(service, strict)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_chain,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _install(handlers: list[logging.Handler], level: str) -> None:
    root = logging.getLogger()
    for handler in root.handlers[:]:
        # A bare StreamHandler is somebody's basicConfig: it would print what the guard holds back.
        if handler in _installed or type(handler) is logging.StreamHandler:
            root.removeHandler(handler)
            handler.close()
    _installed[:] = handlers
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # its report of a failing handler prints the arguments


def _catch_the_uncaught() -> None:
    """Uncaught exceptions would be printed with their arguments; say their types instead."""
    log = get_logger("process")

    def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("process.crashed", exc_info=error.with_traceback(trace))

    def thread_crashed(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            log.critical("thread.crashed", exc_info=args.exc_value)

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            log.error("exception.ignored", exc_info=args.exc_value)

    sys.excepthook = crashed
    threading.excepthook = thread_crashed
    sys.unraisablehook = unraisable


_configure_structlog("secondme", strict=False)
