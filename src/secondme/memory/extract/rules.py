"""From a text to its gist, by rules alone: no mind, no network, no state."""

import re
from datetime import date, datetime

from secondme.domain.fact import Entity, EntityType, Gist, Predicate, Statement
from secondme.memory.extract.dates import Found, find_dates
from secondme.memory.extract.firms import find_firms, find_institutions, find_workplaces
from secondme.memory.extract.lexicon import MASKS
from secondme.memory.extract.occasions import find_events
from secondme.memory.extract.page import Page, Span
from secondme.memory.extract.people import find_people
from secondme.memory.extract.places import find_places, find_venues
from secondme.memory.extract.scan import worth_reading
from secondme.memory.extract.single import bounded
from secondme.memory.extract.statements import Said, find_statements
from secondme.memory.extract.topics import category, find_hashtags, find_topics

_NOTHING = Gist()
_LONGEST = 4_000  # characters; what stands behind them is not read
_SENTENCE = re.compile(r"[.!?…\n;]+(?=\s|$)|\n")
_WHOSE = re.compile(r"\w(?:['’]s|s['’]| (?:ki|ka|ke|की|का|के)) (?:\w+ )?$")  # before what is somebody's
_OF_WHOM = re.compile(r" (?:of|von|vom|de|del|da|do) (?:\w+ )?")  # between that and a person
_RULED = 0.7  # how sure a statement is that rules have read


def read(text: str, at: datetime, hint: str | None = None) -> Gist:
    """The gist of a message that was written `at` this local time. `hint` is the language (en, es, pt, de, hi) to
    take where the words tell none. Never raises; most messages have an empty gist."""
    text = text[:_LONGEST]  # before anything looks at it
    if not worth_reading(text):
        return _NOTHING
    page = Page(text, hint)
    if not page.words:
        return _NOTHING
    _find(page)
    days = find_dates(page, at.date())
    said = [one for one in find_statements(page) if not _ahead(page, one, days, at.date())]
    return _gist(page, days, said)


def _find(page: Page) -> None:
    """All entities. The order decides who takes a word that could be two things."""
    find_hashtags(page)
    for at in page.hot:
        masked = MASKS.longest(page.lows, at)
        if masked is not None:
            page.hide(at, at + masked[0] - 1)
    find_events(page)
    find_institutions(page)
    find_venues(page)
    find_firms(page)
    find_people(page)
    find_places(page)
    find_workplaces(page)
    find_topics(page)


def _gist(page: Page, days: list[Found], said: list[Said]) -> Gist:
    entities: dict[tuple[EntityType, str], Entity] = {}
    for span in sorted(page.spans, key=lambda span: span.start):
        entities.setdefault(_key(span), _entity(page, span, days))

    def of(span: Span | None) -> Entity | None:
        return entities[_key(span)] if span is not None else None

    statements = [
        Statement(one.predicate, of(one.subject), of(one.object), one.value, one.holds, confidence=_RULED)
        for one in said
    ]
    for entity in entities.values():
        if entity.on is not None:
            statements.append(
                Statement(Predicate.HAPPENS_ON, entity, value=entity.on.isoformat(), confidence=_RULED)
            )
    dates = tuple(sorted({found.on for found in days}))
    if not entities and not statements and not dates:
        return _NOTHING
    return Gist(tuple(entities.values()), bounded(statements), dates)


def _key(span: Span) -> tuple[EntityType, str]:
    return span.type, " ".join(span.name.casefold().split())


def _entity(page: Page, span: Span, days: list[Found]) -> Entity:
    if span.type is EntityType.TOPIC:
        return Entity(span.type, span.name, category=category(span.name.casefold()))
    return Entity(span.type, span.name, on=_day(page, span, days) if span.type is EntityType.EVENT else None)


def _ahead(page: Page, said: Said, days: list[Found], at: date) -> bool:
    """Whether somebody is only going to live or to be there: the sentence names a day to come."""
    if said.predicate not in (Predicate.LIVES_IN, Predicate.ATTENDED):
        return False
    thing = said.object
    return thing is not None and any(day > at for day in _near(page, thing, days))


def _day(page: Page, event: Span, days: list[Found]) -> date | None:
    """The only day in the sentence that names the event. None for what is somebody's: two people's weddings have one
    name here, and the day of one would end that of the other."""
    near = _near(page, event, days)
    return near.pop() if len(near) == 1 and not _is_somebodys(page, event) else None


def _is_somebodys(page: Page, event: Span) -> bool:
    if event.feast:
        return False
    people = [span.start for span in page.spans if span.type is EntityType.PERSON]
    after = any(_OF_WHOM.fullmatch(page.text, event.end, start) for start in people)
    return after or _WHOSE.search(page.text, 0, event.start) is not None


def _near(page: Page, span: Span, days: list[Found]) -> set[date]:
    """The days in the sentence that names a thing."""
    start = max((cut.end() for cut in _SENTENCE.finditer(page.text, 0, span.start)), default=0)
    cut = _SENTENCE.search(page.text, span.end)
    end = cut.end() if cut else len(page.text)
    return {found.on for found in days if start <= found.start < end}
