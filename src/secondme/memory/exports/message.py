"""What an export is read into: messages, and how the file was understood."""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from secondme.domain.inert import inert


class Kind(StrEnum):
    TEXT = "text"
    MEDIA = "media"  # attached or left out; `text` is the caption
    DELETED = "deleted"  # `text` is empty: what was said is gone
    SYSTEM = "system"  # written by WhatsApp, not by a person


@dataclass(frozen=True, slots=True, init=False)
class ExportMessage:
    """One message. `at` is naive, the local time of the phone that exported; `author` is None for SYSTEM."""

    at: datetime
    author: str | None
    kind: Kind
    text: str
    attachment: str | None  # file name as written; the file itself may be missing
    edited: bool = False

    def __init__(
        self,
        at: datetime,
        author: str | None,
        kind: Kind,
        text: str,
        attachment: str | None,
        edited: bool = False,
    ) -> None:
        # what dataclass writes for a frozen class takes twice as long, and a chat has a million of these
        _set_at(self, at)
        _set_author(self, author)
        _set_kind(self, kind)
        _set_text(self, text)
        _set_attachment(self, attachment)
        _set_edited(self, edited)


_set_at, _set_author, _set_kind, _set_text, _set_attachment, _set_edited = (
    vars(ExportMessage)[f.name].__set__ for f in fields(ExportMessage)
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file writes its headers.

    `order` is dmy, mdy, ymd or ydm. `certain` says that the file itself proves it (a day above 12, dates
    that run forward, a four-digit year in front); otherwise a convention or the caller decided. `decided`
    is that reason as a sentence for the owner. `hours` is 12 or 24.
    """

    order: str
    certain: bool
    decided: str
    hours: int
    brackets: bool


def json_line(message: ExportMessage) -> str:
    """One JSON object without a line break: at (local ISO time), author, kind, text, attachment."""
    line = json.dumps(
        {
            "at": message.at.isoformat(),
            "author": message.author,
            "kind": message.kind.value,
            "text": message.text,
            "attachment": message.attachment,
        },
        ensure_ascii=False,
    )
    return inert(line)
