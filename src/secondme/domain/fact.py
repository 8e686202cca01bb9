"""What is known: who said it, in which chat, when it holds, and who may hear it. No part of it is a prompt's text."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

OWNER = "owner"  # the teller of what the owner said
EVERYONE = "everyone"  # the audience that every contact belongs to, also later ones
GROUP = "group:"  # the id of any other group begins so; no contact's does
LONGEST_NAME = 100  # characters; the documented rule


class EntityType(StrEnum):
    """What can be named. The values are the graph's labels."""

    PERSON = "Person"
    COMPANY = "Company"
    TOPIC = "Topic"
    EVENT = "Event"
    LOCATION = "Location"


class Predicate(StrEnum):
    """What a statement says. All but the last three are also relationships of the graph."""

    WORKS_AT = "WORKS_AT"
    LIVES_IN = "LIVES_IN"
    KNOWS = "KNOWS"
    ATTENDED = "ATTENDED"
    LOCATED_AT = "LOCATED_AT"
    OCCUPATION = "OCCUPATION"  # `value` is the job
    HAPPENS_ON = "HAPPENS_ON"  # `value` is an ISO date
    NOTE = "NOTE"  # `value` is one sentence that fits nowhere else


# One at a time: a newer statement of the same teller about the same subject ends the older.
SINGLE = frozenset({Predicate.WORKS_AT, Predicate.LIVES_IN, Predicate.OCCUPATION, Predicate.HAPPENS_ON})

CATEGORIES = ("Technology", "Lifestyle", "Work", "Entertainment", "Health", "Finance", "Other")


def is_group(audience: str) -> bool:
    """Whether an audience is a group, and not one contact."""
    return audience == EVERYONE or audience.startswith(GROUP)


@dataclass(frozen=True, slots=True)
class Entity:
    """Something named in a message. `name` as written, 1 to 100 characters; the same name and type is one entity
    within one teller's world."""

    type: EntityType
    name: str
    category: str | None = None  # of a topic: one of CATEGORIES
    on: date | None = None  # of an event


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a message asserts. `subject` None is whoever says it. `holds` False: it has ended."""

    predicate: Predicate
    subject: Entity | None
    object: Entity | None = None
    value: str | None = None
    holds: bool = True
    since: date | None = None  # where the message says so; else it holds from when it was said
    confidence: float = 1.0  # 0 to 1


@dataclass(frozen=True, slots=True)
class Gist:
    """What one message says, as rules or a mind read it. Empty for most messages."""

    entities: tuple[Entity, ...] = ()
    statements: tuple[Statement, ...] = ()
    dates: tuple[date, ...] = ()  # every calendar date that could be resolved


@dataclass(frozen=True, slots=True)
class Source:
    """The message from which something is learned.

    `id` names it for good: the ledger's id of a live message, a keyed digest of an imported one, so that the same
    message twice is one source. `teller` is a contact's id, or OWNER. `audience` is who heard it when it was said:
    the contact of the chat, or a group.
    """

    id: str
    teller: str
    audience: str
    at: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Learned:
    """A source and its gist: what the graph takes in."""

    source: Source
    gist: Gist


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement as it is remembered. `text` is a plain sentence made from untrusted names."""

    id: str
    predicate: Predicate
    text: str
    teller: str
    source: str
    said_at: datetime
    valid_from: datetime
    valid_to: datetime | None
    confidence: float
    audience: tuple[str, ...] = ()  # contacts, groups, EVERYONE
    about: tuple[str, ...] = ()  # names of its entities
    closeness: float = field(default=0.0, compare=False)  # to what was asked, 0 to 1


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What went from the graph, by noun. `rewritten_at`: when its files held nothing of it any more."""

    sources: int
    facts: int
    entities: int
    rewritten_at: datetime | None = None
