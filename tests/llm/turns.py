"""Turns for tests of minds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from secondme.domain.fact import Fact, Predicate
from secondme.domain.message import Kind, Line, Message
from secondme.domain.persona import Example, Persona
from secondme.domain.profile import Account
from secondme.domain.turn import Contact, Turn, Verdict
from secondme.profiles import PROFILES

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SPACE = UUID(int=1)
GUIDE = "Short and warm. Rarely more than one sentence, never formal, and a joke where one fits. " * 2
PERSONA = Persona("casual", "Casual", "casual", GUIDE, ("hey you", "haha sure", "cu later"), ("friend",))


def message(number: int, text: str, kind: Kind = Kind.TEXT) -> Message:
    at = NOW + timedelta(seconds=number)
    return Message(uuid5(SPACE, str(number)), kind, text, at, at, number)


def somebody(number: int) -> Contact:
    """One of many contacts."""
    return Contact(UUID(int=1000 + number), None, True, "friend", None)


def turn(*texts: str, profile: str = "clone", **changes: Any) -> Turn:
    """A Turn that answers these texts."""
    found = Turn(
        id=UUID(int=2),
        account=Account("main", "simulator", PROFILES[profile]),
        conversation_id=UUID(int=3),
        identity_id=UUID(int=4),
        token=UUID(int=5),
        attempts=0,
        now=NOW,
        contact=Contact(UUID(int=6), "Mara CANARY-NAME", True, "friend", None),
        messages=tuple(message(number, text) for number, text in enumerate(texts)),
        verdict=Verdict("auto", answer=True),
        persona=PERSONA,
    )
    return replace(found, **changes)


def lines(*texts: str) -> tuple[Line, ...]:
    """A conversation in which the contact begins and both take turns."""
    return tuple(Line(number % 2 == 0, text, NOW) for number, text in enumerate(texts))


def examples(*texts: str) -> tuple[Example, ...]:
    return tuple(Example(text, 0.9) for text in texts)


def facts(
    *texts: str, by: str = "somebody", at: float = 0, until: datetime | None = None
) -> tuple[Fact, ...]:
    """Said so many days ago."""
    said = NOW - timedelta(days=at)
    return tuple(
        Fact(f"fact_{text}", Predicate.NOTE, text, by, "source", said, said, until, 1.0) for text in texts
    )
