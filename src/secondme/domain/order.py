"""Orders: what the owner has sent by a command, instead of a draft: a template of the provider's, or a medium."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secondme.domain.delivery import DeliveryKind
from secondme.domain.message import Kind


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent, checked. `content` is for the account's channel alone; `words` are what the thread shows."""

    kind: DeliveryKind  # TEMPLATE or MEDIA
    content: Mapping[str, Any]
    shown_as: Kind
    words: str = ""
    caption: str = ""  # by which an echo of it may be known
