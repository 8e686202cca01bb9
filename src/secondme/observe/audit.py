"""The audit log: who did what when, never what was said. JSON lines, one file a day (UTC), append only."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from secondme.domain.errors import Invalid
from secondme.observe.logs import get_logger

KEPT = timedelta(days=30)
_DIGEST = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@+-]*( [a-z]+)?", re.ASCII)
_LONGEST = 120  # characters of a word
_NUMBER = re.compile(r"\+?[0-9]{7,}")
_FILE = re.compile(r"audit-(\d{4}-\d{2}-\d{2})\.jsonl", re.ASCII)
_log = get_logger("audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line; what is None stays out of it. Raises Invalid for what could be a name or a number."""

    event: str  # a past participle such as delivery.sent
    timestamp: datetime
    message_id: UUID | None = None
    contact_id: str | None = None  # a keyed digest, 16 to 64 characters
    direction: str | None = None  # incoming or outgoing
    bot_sent: bool | None = None
    model: str | None = None
    tokens_used: int | None = None
    typing_delay_ms: int | None = None
    word_count: int | None = None
    rule: str | None = None  # what decided
    actor: str | None = None  # who did it: owner, bot, contact, provider, cli

    def __post_init__(self) -> None:
        wrong = []
        if self.contact_id is not None and not _DIGEST.fullmatch(self.contact_id):
            wrong.append("contact_id is a keyed digest of 16 to 64 characters")
        for field in ("event", "direction", "model", "rule", "actor"):
            value: str | None = getattr(self, field)
            if value is not None and not _is_ours(value):
                wrong.append(f"{field} is a name of ours of at most {_LONGEST} characters")
        if wrong:
            raise Invalid(f"An audit entry was refused: {'; '.join(wrong)}.")

    def fields(self) -> dict[str, Any]:
        """What the line says, by the documented names; `timestamp` is Unix time in milliseconds."""
        fields = {
            "messageId": str(self.message_id) if self.message_id else None,
            "contactId": self.contact_id,
            "timestamp": int(self.timestamp.timestamp() * 1000),
            "direction": self.direction,
            "botSent": self.bot_sent,
            "model": self.model,
            "tokensUsed": self.tokens_used,
            "typingDelayMs": self.typing_delay_ms,
            "wordCount": self.word_count,
            "event": self.event,
            "rule": self.rule,
            "actor": self.actor,
        }
        return {key: value for key, value in fields.items() if value is not None}

    def line(self) -> bytes:
        """The JSON line."""
        return orjson.dumps(self.fields(), option=orjson.OPT_APPEND_NEWLINE)


def _now() -> datetime:
    return datetime.now(UTC)


@lru_cache(maxsize=1024)
def _is_ours(value: str) -> bool:
    """Whether it looks like what we name things, `switch.pressed` or `fixed line`, and like no number."""
    return len(value) <= _LONGEST and _WORD.fullmatch(value) is not None and not _NUMBER.fullmatch(value)


class AuditLog:
    """Appends to `audit-YYYY-MM-DD.jsonl` in one folder; several processes may share it."""

    def __init__(self, path: Path, now: Callable[[], datetime] = _now) -> None:
        """`path` is the folder, made on first use. `now` dates the files."""
        self._folder = path
        self._now = now
        self._day: date | None = None
        self._file = -1

    def note(self, **fields: Any) -> bool:
        """Write an AuditEntry of these fields. Never raises: what it tells of has happened.

        The name of a model that could be a person's or a number stays out of it. Returns whether it was written.
        """
        try:
            return self.write(AuditEntry(**fields))
        except Invalid as error:
            _log.error("audit.refused", error=str(error))
        return "model" in fields and self.note(**{k: v for k, v in fields.items() if k != "model"})

    def write(self, *entries: AuditEntry) -> bool:
        """Append a line each in one system call, which other processes' lines cannot cut.

        Never raises: a full disk must not stop a conversation. Returns whether it was
        written; if not, that is logged.
        """
        return self._append(b"".join([entry.line() for entry in entries]))

    def write_each(self, first: AuditEntry, others: Sequence[tuple[str, str, str]]) -> bool:
        """`first`, and a line like it for each (message id, contact's digest, direction): what comes by the hundred.

        Raises Invalid for what is no digest; for the rest like `write`.
        """
        like, lines = first.fields(), [first.line()]
        for message, contact, direction in others:
            if not _DIGEST.fullmatch(contact):
                raise Invalid(
                    "An audit entry was refused: contact_id is a keyed digest of 16 to 64 characters."
                )
            like["messageId"], like["contactId"], like["direction"] = message, contact, direction
            lines.append(orjson.dumps(like, option=orjson.OPT_APPEND_NEWLINE))
        return self._append(b"".join(lines))

    def _append(self, lines: bytes) -> bool:
        try:
            self._open_today()
            written = os.write(self._file, lines) == len(lines)
        except OSError as error:
            self.close()
            _log.error("audit.failed", errno=error.errno, error=type(error).__name__)
            return False
        if not written:
            _log.error("audit.failed", error="short write")
        return written

    def purge(self, older_than: timedelta = KEPT) -> int:
        """Delete the files of days that ended longer ago than that; returns how many."""
        oldest = (self._now() - older_than).astimezone(UTC).date()
        purged = 0
        for file in self._folder.glob("audit-*.jsonl"):
            named = _FILE.fullmatch(file.name)
            if named and date.fromisoformat(named.group(1)) < oldest:
                file.unlink(missing_ok=True)
                purged += 1
        return purged

    def close(self) -> None:
        """Close the file of the day; a later write opens it again."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._day = -1, None

    def _open_today(self) -> None:
        today = self._now().astimezone(UTC).date()
        if today == self._day:
            return
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / f"audit-{today.isoformat()}.jsonl"
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._day = today
