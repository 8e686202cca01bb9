"""A first look at a message, in a few microseconds: most say nothing that could be learned, and are left at that."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from secondme.memory.extract.lexicon import (
    COMPANIES,
    FEASTS,
    GIVEN,
    GIVEN_TOO,
    LANGUAGES,
    PLACES,
    Language,
    language,
    split,
)
from secondme.memory.voice.words import PLAIN_WORDS

_ROUGH = re.compile(r"[^\s.,!?;:()\"'’…/–—-]+")
_WITHIN = re.compile(r"[^\W_][,;]? [A-ZÀ-Þ][^\W\d_]")  # a capital within a sentence
_DAY = re.compile(
    r"\d[./-]\d|\d(?:st|nd|rd|th)\b|\b(?:el|al|del|d[ií]a|am|zum|bis|vom|der|den|dem|ab) \d|"
    r"\d (?:तारीख|tareekh|tarikh|taarikh|tarik|date|ko|को)"
)
# Too common to tell anything by themselves; with a figure, a month or the like something else tells.
_COMMON = (
    "may mar march mai set out sun day día dia tag jahr ano año year years jahre do the in a abr ago mo das"
)
_NOT_ALONE = frozenset(_COMMON.split())
_BESIDE_NAMES = (
    "जी अंकल आंटी भाई भैया दीदी सर मैडम साहब चाचा चाची sir madam "
    "ji didi uncle aunty auntie aunt bhaiya bhabhi tia tía tio tío tante onkel frau herr mrs mr dr"
)
_HONORIFICS = frozenset(_BESIDE_NAMES.split())
# In lower case a name that is a word, too, is one only beside these.
_DOES = (
    "ne ko aayega aayegi ayega ayegi aaya aayi gaya gayi raha rahi bola boli rehta rehti rahta rahti "
    "dice dijo viene vino quiere trabaja vive diz disse vem veio quer mora trabalha sagt meint kommt kam wohnt arbeitet"
)
_DOING = frozenset(_DOES.split())
_KEYS = ("events", "jobs", "event_tails")


def worth_reading(text: str) -> bool:
    """Whether there may be something in it."""
    words = _ROUGH.findall(text)
    if not _triggers().isdisjoint(words) or "#" in text or _WITHIN.search(text):
        return True
    if not _DOING.isdisjoint(words) and not GIVEN_TOO.isdisjoint(words):
        return True
    if not text.isascii() and _devanagari(text, words):
        return True
    return bool(_DAY.search(text)) or (text.isupper() and len(text) > 3)


def _devanagari(text: str, words: list[str]) -> bool:
    """The same word may be written in two ways there; it is looked up in the one of the lists."""
    return any("\u0900" <= char <= "\u097f" for char in text) and not _triggers().isdisjoint(
        unicodedata.normalize("NFC", word) for word in words
    )


@cache
def _triggers() -> frozenset[str]:
    """Every word without which no rule finds anything, as it may be written."""
    low = set(GIVEN) | _HONORIFICS | set(_telling(PLACES.sure())) | set(_telling(FEASTS.names()))
    low |= {word for word in _telling(COMPANIES.names()) if len(word) > 4 and word not in PLAIN_WORDS}
    high = set(GIVEN_TOO) | set(_telling(PLACES.names())) | set(_telling(COMPANIES.names()))
    for lang in map(language, LANGUAGES):
        low |= set(_own(lang))
        high |= lang.calendar
    low -= _NOT_ALONE
    return frozenset(low | {word.capitalize() for word in low | high} | {word.upper() for word in high})


def _own(lang: Language) -> Iterator[str]:
    """Of one language: rites, jobs, days, and the words before or after a topic."""
    for key in _KEYS:
        yield from _telling(lang.sets[key])
    yield from lang.calendar
    yield from lang.sets["topic_soft"]
    for key in ("days", "units"):
        yield from _telling(entry.rpartition("=")[0].replace("_", " ") for entry in lang.dates[key].split())
    for key in ("week_next", "weekend"):
        yield from re.findall(r"[^\W\d_]{4,}", lang.dates[key])


def _telling(names: Iterable[str]) -> Iterator[str]:
    """Of each name its longest word: the one that is not there by chance."""
    for name in names:
        yield max((part for word in split(name) for part in _ROUGH.findall(word)), key=len, default="")
