"""Events: feasts, rites of a life, and occasions by their names."""

from secondme.domain.fact import EntityType
from secondme.memory.extract.firms import no_name
from secondme.memory.extract.lexicon import FEASTS, LANGUAGES, Phrases, language
from secondme.memory.extract.page import Page

_EVENTS = {name: Phrases((word, "") for word in language(name).sets["events"]) for name in LANGUAGES}
# Feasts whose names are words without their capital.
_WORDS = frozenset(("ted", "ces", "ifa", "flip", "pride", "lent", "wiesn", "fallas", "mundial", "olympia"))


def find_events(page: Page) -> None:
    """Take feasts, rites of a life, and occasions by their names."""
    for at in page.hot:
        if not page.taken[at]:
            _feast(page, at) or _rite(page, at) or _tailed(page, at) or _headed(page, at)


def _feast(page: Page, at: int) -> bool:
    found = FEASTS.longest(page.lows, at)
    if found is None or any(page.taken[at : at + found[0]]):
        return False
    last = at + found[0] - 1
    if page.lows[at] in _WORDS and found[0] == 1 and not page.capital(at):
        return False
    if found[1].endswith("?") and page.before("strong_place_before", at):
        return False
    page.take(EntityType.EVENT, at, last, feast=found[1])
    return True


def _rite(page: Page, at: int) -> bool:
    for lang in page.languages:
        found = _EVENTS[lang.name].longest(page.lows, at)
        if found is not None and not any(page.taken[at : at + found[0]]):
            page.take(EntityType.EVENT, at, at + found[0] - 1)
            return True
    return False


def _tailed(page: Page, at: int) -> bool:
    """`Frankfurter Buchmesse`, `Boston Marathon`."""
    if not page.any_has("event_tails", page.lows[at]) or not page.capital(at) or not page.joined(at):
        return False
    first = at
    while first > 0 and at - first < 3 and page.joined(first) and not page.taken[first - 1]:
        word, low = page.words[first - 1], page.lows[first - 1]
        if (
            not page.capital(first - 1)
            or no_name(page, first - 1)
            or (page.begins(first - 1) and not word[0].isupper())
        ):
            break
        if "\u0900" <= low[0] <= "\u097f" and first != at:
            break
        first -= 1
    if first == at:
        return False
    page.take(EntityType.EVENT, first, at)
    return True


def _headed(page: Page, at: int) -> bool:
    """`Feria de Abril`, `Festival de Cannes`."""
    for words in (2, 1):
        if not page.any_has("event_heads", " ".join(page.lows[at : at + words])):
            continue
        first = at + words
        if (
            first < len(page.words)
            and page.joined(first)
            and page.words[first][0].isupper()
            and not page.taken[first]
        ):
            page.take(EntityType.EVENT, at, page.run(first, 3))
            return True
    return False
