"""The form that a mind fills in, and what of it is believed: nothing that does not stand in the message."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from secondme.domain.fact import CATEGORIES, LONGEST_NAME, Entity, EntityType, Gist, Predicate, Statement
from secondme.memory.extract.single import bounded

_MOST = 20  # of each kind in one message
_LONGEST_NOTE = 200  # characters
_YEARS = 20  # how far a day may lie from the message
_BELIEVED = 0.9  # how sure a statement is that a mind has read
_WORD = re.compile(r"[^\W_]+(?:[\u0900-\u0963]+[^\W_]*)*")
SPEAKER = "speaker"

_Text = Annotated[str, Field(max_length=400)]


class NamedEntity(BaseModel):
    """Something named in a message."""

    type: Literal["Person", "Company", "Topic", "Event", "Location"]
    name: _Text
    category: (
        Literal["Technology", "Lifestyle", "Work", "Entertainment", "Health", "Finance", "Other"] | None
    ) = None
    on: _Text | None = None


class Asserted(BaseModel):
    """One thing that a message asserts."""

    predicate: Literal[
        "WORKS_AT", "LIVES_IN", "KNOWS", "ATTENDED", "LOCATED_AT", "OCCUPATION", "HAPPENS_ON", "NOTE"
    ]
    subject: _Text
    object: _Text | None = None
    value: _Text | None = None
    holds: bool = True
    since: _Text | None = None


class MessageRead(BaseModel):
    """What one message says. `message` is its number."""

    message: int
    entities: list[NamedEntity] = Field(default_factory=list, max_length=_MOST)
    statements: list[Asserted] = Field(default_factory=list, max_length=_MOST)
    dates: list[_Text] = Field(default_factory=list, max_length=_MOST)


class MessagesRead(BaseModel):
    """What several messages say."""

    messages: list[MessageRead]


# Who can be the subject and the object of what; None: there is none, the value says it.
_ENDS: dict[Predicate, tuple[EntityType, EntityType | None]] = {
    Predicate.WORKS_AT: (EntityType.PERSON, EntityType.COMPANY),
    Predicate.LIVES_IN: (EntityType.PERSON, EntityType.LOCATION),
    Predicate.KNOWS: (EntityType.PERSON, EntityType.PERSON),
    Predicate.ATTENDED: (EntityType.PERSON, EntityType.EVENT),
    Predicate.LOCATED_AT: (EntityType.EVENT, EntityType.LOCATION),
    Predicate.OCCUPATION: (EntityType.PERSON, None),
    Predicate.HAPPENS_ON: (EntityType.EVENT, None),
    Predicate.NOTE: (EntityType.PERSON, None),
}


def believed(found: MessageRead, text: str, at: date) -> Gist:
    """What of it the message bears out. `at` is the day it was written; the rest is dropped without a word."""
    entities = {entity.name.casefold(): entity for entity in _entities(found.entities, _plain(text), at)}
    by_name: dict[tuple[EntityType, str], Entity] = {
        (one.type, one.name.casefold()): one for one in entities.values()
    }
    statements = bounded(
        filter(None, (_statement(one, by_name, _plain(text), at) for one in found.statements))
    )
    dates = tuple(sorted({day for day in (_day(one, at) for one in found.dates) if day is not None}))
    return Gist(tuple(by_name.values()), statements, dates)


def _entities(found: Sequence[NamedEntity], text: str, at: date) -> Iterator[Entity]:
    for one in found:
        kind, name = EntityType(one.type), " ".join(one.name.split()).lstrip("#")
        if not 1 <= len(name) <= LONGEST_NAME:
            continue
        if kind is EntityType.TOPIC:
            if _in_its_words(name, text):
                yield Entity(kind, name, category=one.category if one.category in CATEGORIES else "Other")
        elif _stands_in(name, text):
            yield Entity(kind, name, on=_day(one.on, at) if kind is EntityType.EVENT and one.on else None)


def _statement(
    found: Asserted, entities: dict[tuple[EntityType, str], Entity], text: str, at: date
) -> Statement | None:
    predicate = Predicate(found.predicate)
    of, to = _ENDS[predicate]
    speaks = found.subject.casefold() == SPEAKER and of is EntityType.PERSON
    subject = None if speaks else entities.get((of, _plain(found.subject)))
    thing = entities.get((to, _plain(found.object))) if to is not None and found.object else None
    value = _value(predicate, found.value, text, at) if to is None else None
    if (subject is None and not speaks) or (thing is None if to is not None else value is None):
        return None
    if thing is not None and thing == subject:
        return None
    since = _day(found.since, at) if found.since else None
    return Statement(predicate, subject, thing, value, found.holds, since, _BELIEVED)


def _value(predicate: Predicate, value: str | None, text: str, at: date) -> str | None:
    value = " ".join((value or "").split())
    if not value:
        return None
    if predicate is Predicate.HAPPENS_ON:
        day = _day(value, at)
        return day.isoformat() if day else None
    longest = _LONGEST_NOTE if predicate is Predicate.NOTE else LONGEST_NAME
    return value if len(value) <= longest and _in_its_words(value, text) else None


def _day(said: str, at: date) -> date | None:
    try:
        day = date.fromisoformat(said.strip())
    except ValueError:
        return None
    return day if abs(day.year - at.year) <= _YEARS else None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _stands_in(name: str, text: str) -> bool:
    """Whether a name is in the text, not as the inside of a word; an ending of case or possession may follow."""
    return re.search(rf"(?<![^\W_]){re.escape(_plain(name))}(?![^\W_]{{3}})", text) is not None


def _in_its_words(said: str, text: str) -> bool:
    """Whether most of its longer words are the message's, as far as their first letters tell."""
    stems = {word[:4] for word in _WORD.findall(text)}
    words = [word for word in _WORD.findall(_plain(said)) if len(word) > 2]
    return bool(words) and sum(word[:4] in stems for word in words) * 4 >= len(words) * 3
