"""What happened, as others may hear of it: ids and states, never a word of content."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """`message.received`, `message.settled`, `delivery.planned`, `delivery.sent`, … on `events:messages`."""

    name: str
    message_id: UUID
    contact_id: UUID
    bot_sent: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class ImportEvent:
    """`import.progressed`, `.done`, `.failed` on `events:imports`: counts of messages, and of what they taught."""

    name: str
    import_id: UUID
    total: int
    done: int
    entities: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PauseEvent:
    """`pause.started` and `pause.lifted` on `events:pause`. `contact_id` None is everybody."""

    name: str
    contact_id: UUID | None
    expires_at: datetime | None
    reason: str


type Event = MessageEvent | PauseEvent | ImportEvent
