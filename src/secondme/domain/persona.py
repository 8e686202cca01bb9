"""A persona: how the owner sounds to some of the people they know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from secondme.domain.errors import Invalid

RELATIONSHIPS = ("friend", "family", "colleague", "client", "manager", "acquaintance")
TONES = ("formal", "casual", "friendly", "concise")


@dataclass(frozen=True, slots=True)
class Style:
    """Figures of a voice, measured on the owner's own messages. Shares are 0 to 1."""

    messages: int = 0
    words: float = 0.0  # mean words a message
    emoji: float = 0.0  # share of messages with at least one
    lower_case: float = 0.0  # share of messages that begin in lower case
    full_stop: float = 0.0  # share of messages that end with a full stop
    exclamation: float = 0.0  # share of messages with an exclamation mark
    question: float = 0.0  # share of messages with a question mark
    burst: float = 1.0  # mean messages in a row
    favourite_emoji: tuple[str, ...] = ()
    greetings: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()  # what is said again and again, at most a few words each

    @classmethod
    def of(cls, figures: Mapping[str, Any]) -> "Style":
        """As JSON has it, which knows no tuples."""
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in figures.items()}
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Persona:
    """A named way of speaking. Limits are the documented validation rules."""

    id: str
    name: str  # 1-100 characters
    tone: str
    style_guide: str  # 100-10,000 characters
    examples: tuple[str, ...]  # 3-20
    applicable_to: tuple[str, ...]
    style: Style = field(default_factory=Style)

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= len(self.name) <= 100:
            problems.append("a name has 1 to 100 characters")
        if not 100 <= len(self.style_guide) <= 10_000:
            problems.append("a style guide has 100 to 10,000 characters")
        if not 3 <= len(self.examples) <= 20:
            problems.append("a persona has 3 to 20 example messages")
        if self.tone not in TONES:
            problems.append(f"a tone is one of {', '.join(TONES)}")
        if unknown := set(self.applicable_to) - set(RELATIONSHIPS):
            problems.append(
                f"unknown relationship {', '.join(sorted(unknown))}; use {', '.join(RELATIONSHIPS)}"
            )
        if problems:
            raise Invalid(f"Persona {self.id}: {'; '.join(problems)}.")


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one imported chat taught of the owner's voice, with somebody of that relationship, if it is known.

    `examples` are messages that anyone may hear, the most typical first.
    """

    relationship: str | None
    style: Style
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A real reply of the owner that may be heard here, with how near its cue is to what is asked now."""

    text: str
    closeness: float  # 0 to 1
    at: datetime | None = None
    id: UUID | None = None
