"""A Turn: one claimed conversation on its way through the stages. Frozen; each stage returns a new one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from secondme.domain.fact import Fact
from secondme.domain.message import Line, Message
from secondme.domain.pause import Pause, PauseReason
from secondme.domain.persona import Example, Persona
from secondme.domain.profile import Account


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom the Turn would answer. `enabled` None: unknown, and that means no."""

    id: UUID
    name: str | None
    enabled: bool | None
    relationship: str
    persona_id: str | None
    pauses: tuple[
        Pause, ...
    ] = ()  # those that end after the oldest message of the Turn arrived, everybody's too
    key: bytes = field(default=b"", repr=False)  # the contact's key as the ledger keeps it, sealed


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a Draft. `answers` is the inbound message that it speaks to."""

    text: str
    answers: UUID
    quote: bool = False


FIXED_LINE = "fixed line"  # what stands for a mind where none was asked


@dataclass(frozen=True, slots=True)
class Draft:
    """What the mind would say, in one or several parts."""

    parts: tuple[Part, ...]
    mind: str
    tokens: int = 0  # minds that failed before it included
    cached_tokens: int = 0
    rule: str | None = None  # what decided that this mind was asked instead of the usual one


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's word about the messages of a Turn: `rule` names what decided."""

    rule: str
    answer: bool
    hold_until: datetime | None = None  # not now: due again then
    pause: tuple[PauseReason, timedelta] | None = None  # begins a pause of the contact with the commit
    retry: bool = False  # held because the mind failed: counts as an attempt
    failed: bool = False  # the messages end failed


@dataclass(frozen=True, slots=True)
class Turn:
    """What is known so far. `messages` are those that it will answer; `silenced` maps message id to rule."""

    id: UUID
    account: Account
    conversation_id: UUID
    identity_id: UUID
    token: UUID
    attempts: int  # failures before this one
    now: datetime
    contact: Contact
    messages: tuple[Message, ...]
    overtaken: bool = False  # older than something already answered: answered alone, quoting it
    silenced: tuple[tuple[UUID, str], ...] = ()
    verdict: Verdict | None = None
    window: tuple[Line, ...] = ()
    window_cut: bool = False  # more may have been said before it: it begins elsewhere the next time
    persona: Persona | None = None
    facts: tuple[Fact, ...] = ()  # the most useful first
    examples: tuple[Example, ...] = ()
    draft: Draft | None = None
    timings: tuple[tuple[str, float], ...] = field(default=())  # (stage, milliseconds)

    @property
    def answers(self) -> bool:
        return bool(self.messages) and self.verdict is not None and self.verdict.answer
