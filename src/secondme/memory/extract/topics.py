"""Topics: hashtags, and what a message says it is about."""

import re
from collections.abc import Iterator

from secondme.domain.fact import EntityType
from secondme.memory.extract.lexicon import LANGUAGES, Language, language, listed
from secondme.memory.extract.page import Page, Span

_HASHTAG = re.compile(r"#([^\W_][\w\u0900-\u097f]*)")
_MOST = 2
_NO_TOPICS = listed("no_topics.txt")
_NOUNS_IN_ING = listed("nouns_in_ing.txt")
_NO_NOUN = ("stop", "function", "articles", "topic_soft")
_NO_COMPOUND = ("function", "stop", "articles", "kin", "friends", "after_name", "topic_soft")
_ASKING = frozenset(("how", "what", "qué", "was", "o", "just"))  # "how about dinner" is about nothing


def find_hashtags(page: Page) -> None:
    """Take every hashtag, and let no other rule see it."""
    for found in _HASHTAG.finditer(page.text):
        page.spans.append(Span(EntityType.TOPIC, found.group(1), found.start(), found.end()))
        for at, start in enumerate(page.starts):
            if found.start() <= start < found.end():
                page.taken[at] = True


def find_topics(page: Page) -> None:
    """Take what the message says it is about, at most two, unless it is something that was found already."""
    found: list[str] = []
    for lang in page.languages:
        for at, name in _named(page, lang):
            if len(found) < _MOST and name not in found:
                found.append(name)
                page.spans.append(Span(EntityType.TOPIC, name, page.starts[at], page.ends[at]))
        if found:
            return  # another language would name the same in its own way


def _named(page: Page, lang: Language) -> Iterator[tuple[int, str]]:
    """Each word at which a topic stands, and the topic."""
    for at in range(len(page.words)):
        if at and _marked(page, lang, at) and (name := _behind(page, lang, at)):
            yield at, name
        if lang.sets["topic_after"] and (name := _in_front(page, lang, at)):
            yield at, name


def _marked(page: Page, lang: Language, at: int) -> bool:
    """Whether a marker such as `about` ends before the word `at`."""
    last = page.lows[at - 1]
    if last not in lang.sets["topic_before"] and last not in lang.ending["topic_before"]:
        return False
    if at > 1 and page.lows[at - 2] in _ASKING:
        return False
    near = page.lower[: page.starts[at]].rstrip(" ")
    markers = (
        *lang.ending["topic_before"].get(last, ()),
        *((last,) if last in lang.sets["topic_before"] else ()),
    )
    return any(near.endswith(mark) and not near[-len(mark) - 1 : -len(mark)].isalnum() for mark in markers)


def _behind(page: Page, lang: Language, at: int) -> str:
    """The topic that begins at `at`, its articles left out."""
    while at < len(page.words) and lang.has("articles", page.lows[at]):
        at += 1
    if at >= len(page.words) or page.taken[at] or not _may_be(lang, page.lows[at]):
        return ""
    return _noun(page, lang, at)


def _may_be(lang: Language, low: str) -> bool:
    if low in _NO_TOPICS or low[0].isdigit() or low in lang.calendar or low in lang.days:
        return False
    return not any(lang.has(key, low) for key in _NO_NOUN)


def _noun(page: Page, lang: Language, at: int) -> str:
    """The noun that begins at `at`, in the singular: two words where the language puts compounds so."""
    if lang.name == "de":
        adjective = ("e", "en", "er", "es", "em")
        while (
            at + 1 < len(page.words) and not page.words[at][0].isupper() and page.lows[at].endswith(adjective)
        ):
            at += 1
        return page.lows[at] if page.words[at][0].isupper() and not page.taken[at] else ""
    low = page.lows[at]
    if lang.name != "en":
        return singular(low, lang.name)
    if low.endswith("ing") and low not in _NOUNS_IN_ING:
        return ""
    follow = at + 1
    if follow < len(page.words) and page.joined(follow) and not page.taken[follow]:
        second = page.lows[follow]
        if _may_be(lang, second) and not second.endswith("ing"):
            return f"{low} {singular(second, lang.name)}"
    return singular(low, lang.name)


def _in_front(page: Page, lang: Language, at: int) -> str:
    """The topic that ends at `at`, in front of `ke baare mein` and its like."""
    if at + 1 >= len(page.words) or page.taken[at] or not page.joined(at + 1):
        return ""
    rest = page.lower[page.starts[at + 1] :]
    if not any(
        rest.startswith(marker) for marker in lang.beginning["topic_after"].get(page.lows[at + 1], ())
    ):
        return ""
    low = page.lows[at]
    if not _may_be(lang, low) or lang.has("kin", low):
        return ""
    if at and page.joined(at) and not page.taken[at - 1] and _may_be(lang, page.lows[at - 1]):
        before = page.lows[at - 1]
        if not any(lang.has(key, before) for key in _NO_COMPOUND):
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
        for label, theirs in lang.categories.items():
            if words & theirs:
                return label
    return "Other"
