"""The shapes of the outside. Adapters live in channels/, llm/ and stores/; the ledger is Postgres and has no twin."""

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel

from secondme.domain.delivery import Outgoing, Sent
from secondme.domain.event import Event
from secondme.domain.fact import Fact
from secondme.domain.persona import Example
from secondme.domain.turn import Draft, Turn
from secondme.observe.gate import Gate

_MOST = 5_000  # bells of a stream, and events, that wait while Redis is slow
Stage = Callable[[Turn], Awaitable[Turn]]


class Clock(Protocol):
    """The time. Tests bring one that jumps."""

    def now(self) -> datetime:
        """The wall clock, with time zone UTC."""
        ...


class Channel(Protocol):
    """How bytes leave for one kind of network. Only the outbox holds one."""

    answer_timeout: float  # seconds that `send` may wait for the provider's answer

    @property
    def gate(self) -> Gate | None:
        """The breaker of its sends, where they go to a service outside."""
        ...

    async def reach(self, count: int) -> None:
        """Get ready for so many sends, such as by opening connections: a send itself has little time. Takes a few
        seconds at the most, and never raises."""
        ...

    async def send(self, outgoing: Outgoing, write_before: float) -> Sent:
        """Send once, never twice. `write_before` is a `time.monotonic()` moment: a request not wholly written by
        then is aborted.

        Raises NotSent (no byte left), Rejected (the provider's final no), SendUncertain (anything else).
        """
        ...

    async def ping(self) -> None:
        """Raises when the network cannot be used; liveness never depends on it."""
        ...

    async def close(self) -> None: ...


class Mind(Protocol):
    """Who drafts a reply."""

    name: str

    async def complete(self, turn: Turn) -> Draft:
        """Draft a reply to `turn.messages`. Raises MindFailed."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What a typed extraction is asked: `instructions` are ours, `material` is what others wrote, kept apart."""

    instructions: str
    material: tuple[str, ...]
    contact_id: UUID | None = None  # on whose budget it goes


@dataclass(frozen=True, slots=True)
class Extraction[T: BaseModel]:
    """A typed answer and what it cost, a repair included."""

    value: T
    mind: str
    tokens: int = 0
    cached_tokens: int = 0


class Extractor(Protocol):
    """A mind that fills in a form."""

    name: str

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        """A `schema` filled in from the material. Raises MindFailed."""
        ...

    async def close(self) -> None: ...


class Embedder(Protocol):
    """Texts become vectors whose cosine says how alike they are."""

    name: str
    dimension: int

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of `dimension` numbers for each text, in order. Raises MindFailed."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Spent:
    """What one mind has used: for a contact, or for nobody in particular."""

    mind: str
    contact_id: UUID | None
    tokens: int
    cached_tokens: int = 0
    failed: bool = False


class Usage(Protocol):
    """What minds have used, by day of the owner's zone."""

    async def record(self, day: date, spent: Sequence[Spent]) -> None:
        """Add it up. Raises StoreUnavailable."""
        ...

    async def used(self, day: date, contact_id: UUID | None) -> tuple[int, int]:
        """Tokens of that day: everybody's, and the contact's. Raises StoreUnavailable."""
        ...

    async def handed_over(self, contact_id: UUID, since: datetime) -> bool:
        """Whether the contact was told since then that a person takes over. Raises StoreUnavailable."""
        ...


class VoiceStore(Protocol):
    """Where kept replies of the owner lie: sealed texts and keyed cues."""

    async def version(self) -> int:
        """Grows with every change, so that an index knows when to load again."""
        ...

    async def audiences(self) -> Collection[UUID]:
        """The contacts to whom alone some were said."""
        ...

    async def cues(self, audience: UUID | None) -> Sequence[tuple[UUID, Sequence[int], datetime]]:
        """The kept replies that this contact alone may hear, or, without one, that anyone may: id, keyed 63-bit
        hashes of what it answered, when it was said."""
        ...

    async def texts(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """The replies themselves, opened; erased ones are absent."""
        ...


class PersonaCache(Protocol):
    """The documented CACHE:persona:{id}; it may vanish at any moment."""

    async def cached_personas(self, ids: Sequence[str]) -> Sequence[str | None]:
        """What is kept of these, None for what is not there. Never raises."""
        ...

    async def cache_personas(self, texts: Mapping[str, str]) -> None:
        """Keep these, a JSON object by id, for 30 minutes. Never raises."""
        ...

    async def drop_personas(self, ids: Sequence[str]) -> None:
        """Forget these, and tell every process that personas have changed. Never raises."""
        ...

    def changes(self) -> AsyncIterator[None]:
        """Once for each such word, and whenever one may have been missed. Never ends and never raises."""
        ...


class Memory(Protocol):
    """What is known, as far as one contact may hear it."""

    async def heard_by(self, contact: UUID, asked: Sequence[str], before: Sequence[str]) -> Sequence[Fact]:
        """Facts that this contact may hear, the closest first: to the messages `asked`, and by name to the lines
        `before` them too. Takes two seconds at the most and never raises: what is not known in time is not said.
        """
        ...


class Voices(Protocol):
    """The owner's own past replies, as far as one contact may hear them."""

    async def nearest(self, contact: UUID, texts: Sequence[str], limit: int) -> tuple[Example, ...]:
        """Kept replies that anyone may hear, or this contact and whom they were merged with, whose cue is nearest to
        `texts` (the messages to be answered), best first."""
        ...


@dataclass(frozen=True, slots=True)
class Bell:
    """One doorbell entry: documented stream fields, `content` being a reference into the ledger, never text."""

    message_id: str
    contact_id: str
    content: str
    timestamp: int  # Unix time in milliseconds
    direction: str  # incoming or outgoing
    from_me: bool


def _newest[T]() -> deque[T]:
    return deque(maxlen=_MOST)


@dataclass(slots=True)
class Tidings:
    """What is told through Redis. Of what waits too long only the newest is kept: all of it can be done without."""

    bells: dict[str, deque[Bell]] = field(default_factory=lambda: defaultdict(_newest))  # by stream, in order
    arrivals: deque[tuple[str, str, datetime]] = field(default_factory=_newest)  # contact, message, when
    events: deque[Event] = field(default_factory=_newest)
    counters: dict[str, int] = field(default_factory=dict)  # messages of the last minute, by contact id


class Signals(PersonaCache, Protocol):
    """Redis: doorbells, mirrors, events. Everything in it may vanish at any moment."""

    async def tell(self, tidings: Tidings) -> None:
        """Tell all of it, bells first. Never raises: lost bells are found by the sweeper, pages resynchronise."""
        ...

    async def wait(
        self,
        stream: str,
        group: str,
        timeout: float,  # noqa: ASYNC109
        done: Sequence[str] = (),
    ) -> Sequence[str]:
        """Wait for bells, at most `timeout` seconds; returns their entry ids, possibly none. Never raises.

        `done` are those behind which the work is claimed.
        """
        ...

    async def stop_pressed_at(self) -> datetime | None:
        """When PAUSE:ALL says everything was stopped. Raises StoreUnavailable: unknown means silent."""
        ...

    async def press(self, at: datetime) -> None:
        """Set PAUSE:ALL to this moment or the later one it has. Never raises: the ledger is the one that must know."""
        ...

    async def release(self, up_to: datetime) -> None:
        """Delete PAUSE:ALL if it is not newer than `up_to`. Never raises."""
        ...

    async def mirror_pauses(
        self, everybody: datetime | None, contacts: Mapping[str, datetime | None]
    ) -> None:
        """Make PAUSE:ALL and PAUSE:{contactId} agree with the ledger. Never raises."""
        ...

    async def forget(self, contact_id: str) -> None:
        """Delete every key of a contact. Never raises."""
        ...

    async def rewrite_files(self) -> None:
        """Have the server write its files anew from what it holds. Raises StoreUnavailable."""
        ...
