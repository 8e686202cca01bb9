"""From what was learned to the rows that the graph takes in: ids, chains, and places in time."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from secondme.domain.fact import (
    CATEGORIES,
    LONGEST_NAME,
    OWNER,
    SINGLE,
    Entity,
    EntityType,
    Learned,
    Predicate,
    Source,
    Statement,
    is_group,
)
from secondme.stores.graph.phrases import speaker

type Digest = Callable[..., str]  # the vault's: a purpose and parts, to a keyed digest
type Item = dict[str, Any]

_LONGEST_VALUE = 500  # characters of a statement's own words


def shape(digest: Digest, batch: Sequence[Learned]) -> list[Item]:
    """A row for each source: what it names, and what it says. One that comes twice counts once; what has no usable
    name is left out."""
    return [_row(digest, one) for one in {one.source.id: one for one in reversed(batch)}.values()]


def entity_id(digest: Digest, teller: str, entity: Entity) -> str:
    """One entity for each name and type in one teller's world."""
    return f"{entity.type.lower()}_{digest('entity', teller, entity.type, normal(entity.name))}"


def self_id(digest: Digest, teller: str) -> str:
    """The person that a teller is in their own world."""
    return f"person_{digest('entity', teller, 'self')}"


def normal(name: str) -> str:
    """Names that differ only in case, width or spaces are one."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(folded.encode(errors="replace").decode().split())  # a digest takes no lone surrogate


def words(text: str) -> str:
    """The words of a text with one space before, between and after them, so that a name can be looked for in it.

    Empty where it has none. Marks belong to words: Hindi writes its vowels with them.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    found = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in folded).split()
    return f" {' '.join(found)} " if found else ""


def _row(digest: Digest, learned: Learned) -> Item:
    source = learned.source
    statements = [one for one in _statements(learned) if _usable(one)]
    named = [*learned.gist.entities, *(e for s in statements for e in (s.subject, s.object) if e)]
    entities = {entity_id(digest, source.teller, e): e for e in reversed(named) if _named(e)}
    names = [_name(source.teller, id, entity) for id, entity in entities.items()]
    if any(statement.subject is None for statement in statements):
        names.append(_self(source.teller, self_id(digest, source.teller)))
    return {
        "id": source.id,
        "teller": source.teller,
        "audience": source.audience,
        "at": source.at,
        "names": names,
        "facts": list({one["id"]: one for one in _facts(digest, source, statements)}.values()),
        "contact": [] if is_group(source.audience) else [source.audience],
    }


def _name(teller: str, id: str, entity: Entity) -> Item:
    name = _clean(entity.name, LONGEST_NAME)
    return {
        "id": id,
        "type": entity.type.lower(),
        "name": name,
        "called": name,
        "words": words(entity.name).strip(),  # the index keeps no spaces at the ends
        "category": entity.category if entity.category != CATEGORIES[-1] else None,
        "otherwise": CATEGORIES[-1] if entity.type is EntityType.TOPIC else None,
        "mentioned": [teller] if teller != OWNER else [],
        "self": None,
        "pending": True,
    }


def _self(teller: str, id: str) -> Item:
    """Nobody has mentioned them by a name, so no search by name finds them but by the contact's."""
    person = _name(teller, id, Entity(EntityType.PERSON, speaker(teller, None)))
    return person | {"called": None, "words": "", "mentioned": [], "self": True, "pending": None}


def _statements(learned: Learned) -> Iterator[Statement]:
    """Those of the gist, and the dates of its events: whatever has no fact is never recalled."""
    yield from learned.gist.statements
    dated = {s.subject for s in learned.gist.statements if s.predicate is Predicate.HAPPENS_ON}
    for entity in learned.gist.entities:
        if entity.on and entity.type is EntityType.EVENT and entity not in dated:
            yield Statement(Predicate.HAPPENS_ON, entity, value=entity.on.isoformat())


def _facts(digest: Digest, source: Source, statements: Sequence[Statement]) -> Iterator[Item]:
    """`key` names the chain in which a newer statement may end an older one, `what` what is stated in it, `same` both:
    two facts of one `same` say the same. `place` orders all facts by when they were said."""
    for number, one in enumerate(statements):
        subject = _id(digest, source, one.subject) if one.subject else self_id(digest, source.teller)
        object = _id(digest, source, one.object) if one.object else None
        what = object or (digest("value", normal(one.value)) if one.value else "")
        chain = (source.teller, one.predicate, subject)
        same = (*chain, what, "holds" if one.holds else "ended")
        entities = [e for e in (one.subject, one.object) if e]
        yield {
            "id": f"fact_{digest('fact', source.id, *same)}",
            "predicate": one.predicate,
            "subject": subject,
            "object": object,
            "value": _clean(one.value, _LONGEST_VALUE) if one.value else None,
            "holds": one.holds,
            "self": one.subject is None,
            "validFrom": _since(one.since) if one.since else source.at,
            "confidence": one.confidence,
            "key": digest("chain", *chain, "" if one.predicate in SINGLE else what),
            "what": what,
            "same": digest("same", *same),
            "place": f"{_micros(source.at):017d}:{source.id}:{number:04d}",
            "about": [_id(digest, source, e) for e in entities],
            "words": [w for w in (words(e.name) for e in entities) if w],
        }


def _usable(one: Statement) -> bool:
    """Whether it says something: all names are names, and what holds has something that holds."""
    stated = one.object is not None or bool(one.value and one.value.strip())
    return (stated or not one.holds) and all(_named(e) for e in (one.subject, one.object) if e)


def _named(entity: Entity) -> bool:
    return bool(entity.name.strip())


def _id(digest: Digest, source: Source, entity: Entity) -> str:
    return entity_id(digest, source.teller, entity)


def _clean(text: str, longest: int) -> str:
    return " ".join(text.split())[:longest]


def _since(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _micros(at: datetime) -> int:
    """Microseconds since 1970: the graph's own moments are to the second, and two messages can share one."""
    return max(0, round(at.timestamp() * 1_000_000))
