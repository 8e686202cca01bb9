"""A contact as the owner sees it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One contact on one account, opened for the owner's eyes.

    `imported`: known from imported chats alone. Then there is no account (empty) and no conversation (their own id,
    which no conversation has), and the address is what the chat calls them.
    """

    id: UUID
    conversation_id: UUID
    account_id: str
    name: str | None
    address: str
    relationship: str
    persona_id: str | None
    enabled: bool
    last_at: datetime | None
    last_inbound_at: datetime | None  # provider's time of their newest message
    imported: bool = False
    also: str | None = None  # the provider's own id of them, where `address` is their number
