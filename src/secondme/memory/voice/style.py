"""Figures of a voice: how long, how loud, how often a picture, which words again and again."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from secondme.domain.persona import Style
from secondme.memory.voice.tally import Tally
from secondme.memory.voice.words import emoji, flat, greeting, normal, tokens

_REMEMBERED = 20_000  # different phrases and greetings counted at once
_LONGEST_PHRASE = 5  # words
_USED_AGAIN = 3  # a phrase is one from the third time on
_PHRASES_KEPT = 30


def anything(_: str) -> bool:
    """The filter that lets every phrase pass."""
    return True


class StyleMeter:
    """Measures a voice message by message, in bounded memory."""

    def __init__(self) -> None:
        self._messages = self._bursts = self._words = self._lettered = 0
        self._lower = self._stop = self._exclaims = self._asks = self._pictured = 0
        self._emoji, self._greetings = Tally(2_000), Tally(500)
        self._phrases = Tally(_REMEMBERED)

    def add(self, text: str, continues: bool = False) -> None:
        """Count one message of the owner; `continues` when they also wrote the one before it, just then."""
        text = text.strip()
        if not text:
            return
        self._messages += 1
        self._bursts += not continues
        words = tokens(text)
        self._words += len(words)
        self._stop += text.endswith(".") and not text.endswith("..")
        self._exclaims += "!" in text
        self._asks += "?" in text
        if pictures := emoji(text):
            self._pictured += 1
            for picture in pictures:
                self._emoji.add(picture)
        if words:
            self._lettered += 1
            self._lower += words[0][0].islower()
            self._add_words(text, words)

    def _add_words(self, text: str, words: list[str]) -> None:
        if hello := greeting([normal(word) for word in words[:2]]):
            self._greetings.add(hello)
        if len(words) <= _LONGEST_PHRASE and len(text) <= 60 and "\n" not in text:
            self._phrases.add(text)

    @property
    def messages(self) -> int:
        """Messages counted so far."""
        return self._messages

    def style(self, allow: Callable[[str], bool] = anything) -> Style:
        """The figures so far. `allow` says which phrases may be repeated to others."""
        count, lettered = max(self._messages, 1), max(self._lettered, 1)
        return Style(
            messages=self._messages,
            words=round(self._words / count, 2),
            emoji=round(self._pictured / count, 4),
            lower_case=round(self._lower / lettered, 4),
            full_stop=round(self._stop / count, 4),
            exclamation=round(self._exclaims / count, 4),
            question=round(self._asks / count, 4),
            burst=round(self._messages / max(self._bursts, 1), 3) if self._messages else 1.0,
            favourite_emoji=tuple(key for key, _ in self._emoji.top()[:5]),
            greetings=tuple(key for key, _ in self._greetings.top(2)[:5]),
            phrases=tuple(self._again(allow)),
        )

    def _again(self, allow: Callable[[str], bool]) -> list[str]:
        """Short messages used at least three times, most frequent first, one spelling each."""
        totals: dict[str, int] = {}
        spelling: dict[str, str] = {}
        for text, count in self._phrases.top():
            key = flat(text)
            totals[key] = totals.get(key, 0) + count
            spelling.setdefault(key, text)
        often = sorted(
            (key for key, count in totals.items() if count >= _USED_AGAIN), key=lambda k: -totals[k]
        )
        return [spelling[key] for key in often if allow(spelling[key])][:_PHRASES_KEPT]


def measure(own: Iterable[str], bursts: int | None = None) -> Style:
    """The style of these messages. `bursts` is how many times the owner took the word, if known."""
    meter = StyleMeter()
    for text in own:
        meter.add(text)
    found = meter.style()
    if not bursts or not found.messages:
        return found
    return replace(found, burst=round(found.messages / bursts, 3))


def style_distance(a: Style | str, b: Style | str) -> float:
    """How differently two voices write, 0 (alike) to 1. A text is measured as a voice of one message."""
    left, right = (measure([side]) if isinstance(side, str) else side for side in (a, b))
    length = abs(math.log((left.words + 1) / (right.words + 1))) / math.log(8)
    parts = (
        (3.0, min(1.0, length)),
        (2.0, abs(left.emoji - right.emoji)),
        (1.5, abs(left.lower_case - right.lower_case)),
        (1.0, abs(left.full_stop - right.full_stop)),
        (1.0, abs(left.exclamation - right.exclamation)),
        (1.5, abs(left.question - right.question)),
    )
    return sum(weight * value for weight, value in parts) / sum(weight for weight, _ in parts)
