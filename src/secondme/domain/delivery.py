"""Deliveries: what is meant to leave, and what is known of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DeliveryKind(StrEnum):
    """What leaves. Ticks and typing are Deliveries too, so that one fence holds them all."""

    TEXT = "text"
    TYPING = "typing"
    READ = "read"
    TEMPLATE = "template"  # these two by the owner's order; their text is the JSON of what to send
    MEDIA = "media"

    @property
    def ordered(self) -> bool:
        """Whether only the owner can have wanted it: no draft, so nothing that is written meanwhile takes it back."""
        return self in (DeliveryKind.TEMPLATE, DeliveryKind.MEDIA)

    @property
    def speaks(self) -> bool:
        """Whether it is a message to the other side, and not merely presence."""
        return self is DeliveryKind.TEXT or self.ordered


@dataclass(frozen=True, slots=True)
class Planned:
    """One delivery that a Turn wants to commit."""

    id: UUID
    kind: DeliveryKind
    part: int  # 1, 2, … for text; 0 for ticks and typing
    text: str
    not_before: datetime
    typing_ms: int
    quotes: UUID | None  # our id of the message that it quotes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a channel is asked to send, once its intent is committed."""

    delivery_id: UUID
    account_id: str
    address: str
    kind: DeliveryKind
    text: str
    quotes: str | None  # provider id of the quoted, read or typed-at message


@dataclass(frozen=True, slots=True)
class Sent:
    """A channel's word that the provider took it."""

    provider_id: str | None
    progress: str = "sent"  # sent, delivered or read, as far as is known now


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """A provider's later word about one of our messages."""

    account_id: str
    provider_id: str | None
    callback: str | None  # our delivery id, where the provider returns it
    progress: str  # sent, delivered, read or failed
    error: str | None = None
    rule: str | None = None  # what the receipt of what failed says, where the provider says why
