"""Events and topics: feasts, rites, named occasions; hashtags, and what a message says it is about."""

import re

from secondme.domain.fact import EntityType
from secondme.memory.extract.firms import no_name
from secondme.memory.extract.lexicon import FEASTS, LANGUAGES, Language, Phrases, language
from secondme.memory.extract.page import Page, Span

_HASHTAG = re.compile(r"#([^\W_][\w\u0900-\u097f]*)")
_EVENTS = {name: Phrases((word, "") for word in language(name).sets["events"]) for name in LANGUAGES}
_MOST_TOPICS = 2
_NO_TOPIC = frozenset(
    (
        "it",
        "this",
        "that",
        "everything",
        "something",
        "anything",
        "nothing",
        "todo",
        "nada",
        "algo",
        "tudo",
        "alles",
        "etwas",
        "nichts",
        "half",
        "time",
        "isso",
        "eso",
        "esto",
        "was",
        "wegen",
    )
)
_ING = frozenset(
    (
        "parking",
        "wedding",
        "training",
        "meeting",
        "booking",
        "heating",
        "plumbing",
        "painting",
        "building",
        "housing",
        "pricing",
        "funding",
        "engineering",
        "marketing",
        "cooking",
        "running",
    )
)


def find_hashtags(page: Page) -> None:
    """Take every hashtag, and let no other rule see it."""
    for found in _HASHTAG.finditer(page.text):
        page.spans.append(Span(EntityType.TOPIC, found.group(1), found.start(), found.end()))
        for at, start in enumerate(page.starts):
            if found.start() <= start < found.end():
                page.taken[at] = True


def find_events(page: Page) -> None:
    """Take feasts, rites of a life, and occasions by their names."""
    for at in page.hot:
        if not page.taken[at]:
            _feast(page, at) or _rite(page, at) or _tailed(page, at) or _headed(page, at)


def _feast(page: Page, at: int) -> bool:
    found = FEASTS.longest(page.lows, at)
    if found is None or any(page.taken[at : at + found[0]]):
        return False
    last, low = at + found[0] - 1, page.lows[at]
    if (
        found[0] == 1
        and not page.capital(at)
        and low in ("ted", "ces", "ifa", "flip", "pride", "lent", "wiesn", "fallas", "mundial", "olympia")
    ):
        return False
    if low in ("natal", "carnaval", "mundial") and page.languages[0].name not in ("pt", "es"):
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


def find_topics(page: Page) -> None:
    """Take what the message says it is about, at most two, unless it is something that was found already."""
    taken = 0
    for lang in page.languages:
        for at in range(len(page.words)):
            if taken == _MOST_TOPICS:
                return
            name = _after_marker(page, lang, at) or _before_marker(page, lang, at)
            if name and not any(span.type is EntityType.TOPIC and span.name == name for span in page.spans):
                page.spans.append(Span(EntityType.TOPIC, name, page.starts[at], page.ends[at]))
                taken += 1


def _after_marker(page: Page, lang: Language, at: int) -> str:
    """The topic behind a marker that ends before the word `at`."""
    near = page.lower[: page.starts[at]].rstrip(" ")
    if not any(
        near.endswith(marker) and not near[-len(marker) - 1 : -len(marker)].isalnum()
        for marker in lang.ordered["topic_before"]
    ):
        return ""
    if (
        at > 1
        and page.lows[at - 2] in ("how", "what", "qué", "was", "o", "just")
        and page.lows[at - 1] in ("about", "über")
    ):
        return ""
    while at < len(page.words) and lang.has("articles", page.lows[at]):
        at += 1
    if (
        at >= len(page.words)
        or page.taken[at]
        or page.lows[at] in _NO_TOPIC
        or lang.has("stop", page.lows[at])
        or lang.has("function", page.lows[at])
    ):
        return ""
    if page.lows[at][0].isdigit() or lang.has("topic_soft", page.lows[at]) or _dated(lang, page.lows[at]):
        return ""
    return _noun(page, lang, at)


def _dated(lang: Language, low: str) -> bool:
    return any(
        f" {low}=" in f" {' '.join(lang.dates[key].split())}" for key in ("months", "weekdays", "days")
    )


def _noun(page: Page, lang: Language, at: int) -> str:
    """The noun that begins at `at`, in the singular: two words where the language puts compounds so."""
    if lang.name == "de":
        while (
            at < len(page.words)
            and not page.words[at][0].isupper()
            and page.lows[at].endswith(("e", "en", "er", "es", "em"))
        ):
            at += 1
        return (
            page.lows[at]
            if at < len(page.words) and page.words[at][0].isupper() and not page.taken[at]
            else ""
        )
    words = [page.lows[at]]
    nxt = at + 1
    if lang.name == "en" and nxt < len(page.words) and page.joined(nxt) and not page.taken[nxt]:
        low = page.lows[nxt]
        if not (
            lang.has("stop", low)
            or lang.has("function", low)
            or _dated(lang, low)
            or low.endswith("ing")
            or low[0].isdigit()
        ):
            words.append(low)
    if words[0].endswith("ing") and words[0] not in _ING and lang.name == "en":
        return ""
    return " ".join([*words[:-1], singular(words[-1], lang.name)])


def _before_marker(page: Page, lang: Language, at: int) -> str:
    """The topic in front of `ke baare mein` and its like."""
    if not lang.sets["topic_after"]:
        return ""
    rest = page.lower[page.ends[at] :].lstrip(" ")
    if page.taken[at] or not any(rest.startswith(marker) for marker in lang.ordered["topic_after"]):
        return ""
    low = page.lows[at]
    if (
        lang.has("stop", low)
        or lang.has("articles", low)
        or lang.has("function", low)
        or lang.has("kin", low)
        or low in _NO_TOPIC
    ):
        return ""
    near = at - 1
    if near >= 0 and page.joined(at) and not page.taken[near] and not _dated(lang, page.lows[near]):
        before = page.lows[near]
        if not any(
            lang.has(key, before)
            for key in ("function", "stop", "articles", "kin", "friends", "after_name", "topic_soft")
        ):
            return f"{before} {low}"
    return low


def singular(word: str, name: str) -> str:
    """A noun in the singular, as far as its ending tells."""
    if len(word) < 4 or not word.endswith("s") or name in ("de", "hi"):
        return word
    if name == "en":
        if word.endswith(("ss", "us", "is", "news", "series")):
            return word
        return (
            f"{word[:-3]}y"
            if word.endswith("ies")
            else word[:-2]
            if word.endswith(("sses", "xes", "ches", "shes"))
            else word[:-1]
        )
    if word.endswith(("ciones", "siones")):
        return f"{word[:-4]}ón"
    for plural, one in (
        ("ões", "ão"),
        ("ães", "ão"),
        ("ns", "m"),
        ("ais", "al"),
        ("éis", "el"),
        ("óis", "ol"),
    ):
        if name == "pt" and word.endswith(plural):
            return word[: -len(plural)] + one
    if word.endswith("ces") and name == "es":
        return f"{word[:-3]}z"
    if word.endswith("es") and word[-3] in "lrndj" and (name == "es" or word[-3] in "rz"):
        return word[:-2]
    return word[:-1]


def category(name: str) -> str:
    """One of domain.fact.CATEGORIES, by the words of a topic."""
    words = set(name.split())
    for lang in map(language, LANGUAGES):
        for label, listed in lang.categories.items():
            if words & listed:
                return label
    return "Other"
