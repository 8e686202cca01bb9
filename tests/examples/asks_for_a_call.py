"""A rule: who wants to hear the owner's voice is not answered by a text."""

import re

from secondme.domain.message import Message
from secondme.pipeline.judge import Facts

_ASKS = re.compile(r"\b(call|ring|phone) me\b", re.IGNORECASE)


def asks_for_a_call(facts: Facts, message: Message) -> bool:
    """True ends the message silent. `facts` has the Turn: the contact, the account, the time."""
    return _ASKS.search(message.text) is not None


RULE = ("message.asks_for_call", asks_for_a_call)
