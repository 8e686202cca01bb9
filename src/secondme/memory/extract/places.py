"""Locations: countries, cities and rivers that are listed, and streets and venues by the word that makes them one."""

import re

from secondme.domain.fact import EntityType
from secondme.memory.extract.firms import no_name
from secondme.memory.extract.lexicon import GIVEN, GIVEN_TOO, NO_STREETS, PLACES, words_of
from secondme.memory.extract.page import BETWEEN, Page

_STREET = re.compile(r"^[A-ZÄÖÜ][a-zäöüß]{2,}(?:straße|strasse|str|gasse|allee|chaussee|platz|ufer|kirche)$")
_TIES = words_of("de da do das dos del la las los el am zum zur im of the di")
_ARTICLES = words_of("el la the o a")
_PLAYS = re.compile(
    r"\b(?:won|beat|drew|gewonnen|gewinnt|verloren|verliert|unentschieden|jueg[ao]n?|jugó|jugaba|gan[aó]|perdió|empat\w+|gole\w+|ganhou"
    r"|perdeu|jog[ao]u?|derrotou|jeet ga[iy]\w+|haar ga[iy]\w+|jeeta|haara)\b"
)
_EMPLOYERS = words_of(
    "hotel hostal hostel restaurant restaurante bar café cafe cafetería cafeteria bistro pub pizzeria tavern diner "
    "grill gasthaus gasthof pensión pousada krankenhaus klinikum hospital museum museo museu theater theatre teatro "
    "kino cinema cine supermarkt mercado shopping mall"
)
_WORKS = re.compile(
    r"\b(?:work(?:s|ing|ed)?|shifts?|arbeite\w*|jobb\w*|kellner\w*|trabaj[aoé]\w*|curr[oa]\w*|trabalh\w*|trampo|turno|empleo|emprego|stelle"
    r"|ausbildung|praktikum|schicht)(?:\W+\w+){0,4}\W*$"
)
_CUTS = re.compile(r"[.!?…\n;,]")


def find_venues(page: Page) -> None:
    """Take streets and venues: they may hold persons' and cities' names, so they come first."""
    for at in page.hot:
        if not page.taken[at]:
            _headed(page, at) or _tailed(page, at)


def find_places(page: Page) -> None:
    """Take what the gazetteer knows, and what only a place can be."""
    for at in page.hot:
        if page.taken[at]:
            continue
        last = _listed(page, at)
        if last is None:
            last = _unknown(page, at)
        if last is not None:
            page.take(EntityType.LOCATION, at, last)


def _listed(page: Page, at: int) -> int | None:
    found = PLACES.longest(page.lows, at)
    if found is None or any(page.taken[at : at + found[0]]):
        return None
    last = at + found[0] - 1
    if (
        page.text[page.ends[last] : page.ends[last] + 1] in ("-", "/")
        and page.text[page.ends[last] + 1 : page.ends[last] + 2].islower()
    ):
        return None
    placed = _placed(page, at, last)
    if not placed and _PLAYS.search(page.sentence(at)):
        return None  # a club
    low = page.lows[at]
    if not page.capital(at):
        return last if placed and not found[1] and len(low) > 3 else None
    if found[1]:
        name = low in GIVEN or low in GIVEN_TOO
        sure = page.before("strong_place_before", at) or page.after("place_after", last)
        return last if sure or (placed and not name) else None
    return last


def _placed(page: Page, at: int, last: int) -> bool:
    """Whether a word of place stands beside it."""
    near = page.joined(at) and (page.before("place_before", at) or page.before("strong_place_before", at))
    return near or page.after("place_after", last)


def _unknown(page: Page, at: int) -> int | None:
    """A name that no list knows, after `moved to` and the like."""
    if not page.words[at][0].isupper() or page.shouted(at) or not page.joined(at) or no_name(page, at):
        return None
    article = (
        page.lows[at - 1] in _ARTICLES and page.joined(at - 1) and page.before("strong_place_before", at - 1)
    )
    if page.lows[at] in GIVEN or page.any_has("events", page.lows[at]):
        return None
    if not article and not page.before("strong_place_before", at):
        return None
    return page.run(at, 3)


def _headed(page: Page, at: int) -> bool:
    """`Hotel Adler`, `Calle de Alcalá`, `Lake Garda`."""
    if not any(page.any_has("place_heads", low) for low in (page.lows[at], page.lows[at] + ".")):
        return False
    # In English and German a venue has its capital: `the hotel Adler` is rare.
    if not page.words[at][0].isupper() and not page.names & {"es", "pt", "hi"}:
        return False
    first = at + 1
    if first < len(page.words) and page.gap(first).strip(" ") not in ("", "."):
        return False
    while first < len(page.words) and page.lows[first] in _TIES and first - at < 3:
        first += 1
    if first < len(page.words) and _somebodys(page, at, first):
        return False
    if (
        first >= len(page.words)
        or page.taken[first]
        or not page.words[first][0].isupper()
        or (no_name(page, first) and not page.any_has("place_heads", page.lows[first]))
    ):
        return False
    if page.text[page.ends[first - 1] : page.starts[first]].strip(" .") or (
        page.shouted(first) and not page.shouted(at)
    ):
        return False
    last = page.run(first, 3)
    if page.lows[at] == "st" and page.owning(last):
        page.ends[last] += 2  # `St Luke's`
    _take(page, at, last)
    return True


def _somebodys(page: Page, at: int, first: int) -> bool:
    """`el bar de Manolo`, `un hotel de Vigo`: it has no name."""
    if page.words[at][0].isupper() or first == at + 1:
        return False
    return page.lows[first] in GIVEN or (
        page.lows[at] in _EMPLOYERS and bool(PLACES.longest(page.lows, first))
    )


def _take(page: Page, first: int, last: int) -> None:
    """Take a venue: a company to whom works there."""
    cut = max((found.end() for found in _CUTS.finditer(page.lower, 0, page.starts[first])), default=0)
    near = page.lows[max(first - 4, 0) : first]
    works = _WORKS.search(page.lower, cut, page.starts[first]) or any(
        page.any_has("jobs", low) for low in near
    )
    employs = works and not _EMPLOYERS.isdisjoint(page.lows[first : last + 1])
    page.take(EntityType.COMPANY if employs else EntityType.LOCATION, first, last)


def _tailed(page: Page, at: int) -> bool:
    """`Baker Street`, `Lindenstraße`, `Connaught Place`, `लाजपत नगर`."""
    if _STREET.match(page.words[at]) and page.lows[at] not in NO_STREETS:
        page.take(EntityType.LOCATION, at, at)
        return True
    if not page.any_has("place_tails", page.lows[at]) or not page.joined(at) or not page.capital(at):
        return False
    first = at
    while (
        first > 0
        and at - first < 3
        and page.joined(first)
        and not page.taken[first - 1]
        and _proper(page, first - 1)
    ):
        first -= 1
    while first < at and page.lows[first] in BETWEEN:
        first += 1
    if first == at:
        return False
    _take(page, first, at)
    return True


def _proper(page: Page, at: int) -> bool:
    low = page.lows[at]
    if low in ("of", "the") and not page.words[at][0].isupper():
        return False
    if "\u0900" <= low[0] <= "\u097f":
        return low in GIVEN or low in GIVEN_TOO or bool(PLACES.longest(page.lows, at))
    german = "de" in page.names and not any(lang.name == "en" for lang in page.languages)
    return page.words[at][0].isupper() and (not no_name(page, at) or page.owning(at)) and not german
