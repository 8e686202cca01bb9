"""Messages as channels hand them over, and as the ledger remembers them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Kind(StrEnum):
    """What an inbound item is. Everything but TEXT, EDIT, DELETION, REACTION and SYSTEM is media or unknown."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACTS = "contacts"
    REACTION = "reaction"
    EDIT = "edit"  # replaces the text of `target`
    DELETION = "deletion"  # erases `target`
    SYSTEM = "system"  # the network's own word about a contact (a new number): kept, never answered
    UNKNOWN = "unknown"


CAPTIONED = frozenset({Kind.IMAGE, Kind.VIDEO, Kind.DOCUMENT})  # whose text is what was written under them


class Outcome(StrEnum):
    """How an inbound message ended. Together with the rule it is the receipt."""

    REPLIED = "replied"
    DRAFTED = "drafted"
    SILENT = "silent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Inbound:
    """One item as a channel parsed it; untrusted in every field but `account_id`."""

    account_id: str
    address: str  # the channel's own key of the other side: a number in E.164, or an id where there is none
    name: str | None
    provider_id: str
    kind: Kind
    text: str
    sent_at: datetime  # by the provider's clock
    from_me: bool = False  # written by the account's owner, or an echo of what we sent
    quotes: str | None = None  # provider id of the quoted message
    target: str | None = None  # provider id that an edit, deletion or reaction is about
    callback: str | None = None  # our delivery id where the provider returns it
    raw: dict[str, Any] = field(default_factory=dict)
    also: str | None = None  # the provider's own id of the same person, where `address` is their number


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one Inbound: durable when this is returned."""

    message_id: (
        UUID | None
    )  # None for an item that has no row of its own (an echo, a repeated item that was erased)
    new: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One inbound message of the ledger, opened. `text` is empty once erased."""

    id: UUID
    kind: Kind
    text: str
    created_at: datetime  # when we committed it
    sent_at: datetime  # provider's time
    seq: int  # order of arrival
    recent_count: int = 0  # messages of this conversation in the 60 s up to and including this one


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the conversation so far, as a prompt needs it. A reply bears the id of what it answered."""

    from_contact: bool
    text: str
    at: datetime
    id: UUID | None = None  # of the message
