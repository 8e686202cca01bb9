"""Reply pairs: what the others said since the owner's last word, and what the owner then said.

Plain replies may be shown to anyone; `plain` says what that means and why. Others may be shown again only to the one
they were written to. What the others said leaves this package only as keyed hashes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from secondme.memory.exports.authors import same_name
from secondme.memory.voice.plain import Names, is_discreet, is_harmless

MOST_PAIRS = 20_000
_MOST_BETWEEN = 5_000  # pairs that are not plain
_ANSWERED_WITHIN = timedelta(hours=6)
SAME_BREATH = timedelta(minutes=10)  # the owner's own messages, one after the other
_HEARD = 8  # messages of the others, the last ones
_HEARD_LETTERS = 400  # of each


class ChatMessage(Protocol):
    """One line of an imported chat."""

    @property
    def at(self) -> datetime: ...
    @property
    def author(self) -> str | None: ...
    @property
    def kind(self) -> str: ...  # text, media, deleted or system
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """One exchange: when the owner answered, what the others had said, and the owner's messages."""

    at: datetime
    said: tuple[str, ...]
    reply: tuple[str, ...]


class Exchanges:
    """Cuts a chat into exchanges while it is read. `read` and `finish` return one when it has ended."""

    def __init__(self, me: str) -> None:
        self._me = same_name(me)
        self._heard: deque[str] = deque(maxlen=_HEARD)
        self._heard_at: datetime | None = None
        self._reply: list[str] = []
        self._answered_at: datetime | None = None  # the first message of the reply
        self._last_own: datetime | None = None
        self._whole = True  # the owner's burst holds text alone: a picture's words mean nothing without it

    def read(self, message: ChatMessage) -> Pair | None:
        if message.kind == "system" or message.author is None:
            return None
        if same_name(message.author) != self._me:
            return self._hear(message)
        return self._answer(message)

    def finish(self) -> Pair | None:
        """The exchange so far, if it is one; afterwards nothing has been said."""
        pair = None
        if self._reply and self._heard and self._whole and self._answered_at:
            pair = Pair(self._answered_at, tuple(self._heard), tuple(self._reply))
        self._heard.clear()
        self._reply, self._answered_at, self._whole = [], None, True
        return pair

    def _hear(self, message: ChatMessage) -> Pair | None:
        pair = self.finish() if self._last_own is not None else None
        self._last_own = None
        if self._heard_at and message.at - self._heard_at > _ANSWERED_WITHIN:
            self._heard.clear()
        self._heard_at = message.at
        if message.kind == "text" and message.text.strip():
            self._heard.append(message.text[-_HEARD_LETTERS:])
        return pair

    def _answer(self, message: ChatMessage) -> Pair | None:
        pair = None
        since = message.at - (self._last_own or self._heard_at or message.at)
        if since > (SAME_BREATH if self._last_own else _ANSWERED_WITHIN):
            pair = self.finish()
        self._last_own = message.at
        self._answered_at = self._answered_at or message.at
        if message.kind == "text" and message.text.strip():
            self._reply.append(message.text.strip())
        else:
            self._whole = False
        return pair


class PlainPairs:
    """The newest plain pairs of a chat, gathered in one pass and bounded memory.

    `between`: after `finish`, the newest of the others that its other side may hear again, in order.
    """

    def __init__(self, me: str, limit: int = MOST_PAIRS) -> None:
        self.names = Names()
        self.exchanges = 0
        self.between: list[Pair] = []
        self._limit = limit
        self._cut = Exchanges(me)
        self._people: set[str] = set()
        self._kept: deque[Pair] = deque(maxlen=2 * limit)  # twice: a name may turn up after it was kept
        self._between: deque[Pair] = deque(maxlen=_MOST_BETWEEN)

    def read(self, message: ChatMessage) -> None:
        if message.author is not None and message.author not in self._people and len(self._people) < 10_000:
            self._people.add(message.author)
            self.names.person(message.author)
        if message.kind == "text":
            self.names.read(message.text)
        self._keep(self._cut.read(message))

    def _keep(self, pair: Pair | None) -> None:
        if pair is None:
            return
        self.exchanges += 1
        if is_harmless(pair.reply, pair.said):
            self._kept.append(pair)
        elif is_discreet(pair.reply):
            self._between.append(pair)

    def finish(self) -> list[Pair]:
        """The pairs in the order of the chat, without those whose reply may name somebody."""
        self._keep(self._cut.finish())
        plain: list[Pair] = []
        for pair in self._kept:
            named = any(map(self.names.suspects, pair.reply))
            (self._between if named and is_discreet(pair.reply) else plain if not named else []).append(pair)
        self.between = sorted(self._between, key=lambda pair: pair.at)
        return plain[-self._limit :]


def reply_pairs(messages: Iterable[ChatMessage], me: str, limit: int = MOST_PAIRS) -> Iterator[Pair]:
    """The plain pairs of a chat, oldest first, at most the newest `limit`; `me` is the owner's name in it."""
    found = PlainPairs(me, limit)
    for message in messages:
        found.read(message)
    yield from found.finish()
