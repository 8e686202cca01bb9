"""What an imported chat teaches of the owner's voice: a persona, figures and, if agreed, plain replies."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean

from secondme.domain.errors import Invalid, NotFound
from secondme.domain.persona import Lesson, Persona, Style
from secondme.memory.exports.authors import same_name
from secondme.memory.voice.lessons import MOST_EXAMPLES, in_turns, personas
from secondme.memory.voice.pairs import MOST_PAIRS, SAME_BREATH, ChatMessage, Pair, PlainPairs
from secondme.memory.voice.plain import is_harmless
from secondme.memory.voice.style import StyleMeter, style_distance
from secondme.memory.voice.words import flat

_MOST_AUTHORS = 1_000
_AUTHORS_NAMED = 20


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned from one chat. `pairs` and `between` are in the order of the chat, and none without consent."""

    lesson: Lesson
    persona: Persona  # as this chat alone makes it
    pairs: list[Pair]  # which anyone may hear
    between: list[Pair]  # which the other side may hear again, and nobody else
    messages: int  # all that were read
    own: int  # texts of the owner among them
    exchanges: int  # times the owner answered, kept or not
    authors: dict[str, int] = field(default_factory=dict)  # messages by name; the first thousand names


class _Reader:
    """One pass over the chat."""

    def __init__(self, me: str) -> None:
        self.meter = StyleMeter()
        self.found = PlainPairs(me)
        self.messages = 0
        self.authors: dict[str, int] = {}
        self._me = same_name(me)
        self._mine: set[str] = set()  # the spellings of the owner's name that were met
        self._last_own: datetime | None = None  # when the owner wrote, if nobody has written since

    def read(self, message: ChatMessage) -> None:
        self.messages += 1
        if message.kind == "system" or message.author is None:
            return
        mine = self._count(message.author)
        if mine and message.kind == "text":
            continues = self._last_own is not None and message.at - self._last_own <= SAME_BREATH
            self.meter.add(message.text, continues)
        self._last_own = message.at if mine else None
        self.found.read(message)

    def _count(self, author: str) -> bool:
        if author not in self.authors:
            if same_name(author) == self._me:
                self._mine.add(author)
            elif len(self.authors) >= _MOST_AUTHORS:
                return False
        self.authors[author] = self.authors.get(author, 0) + 1
        return author in self._mine


def learn(
    messages: Iterable[ChatMessage], me: str, keep_voice: bool, defaults: Sequence[Persona] = ()
) -> Learned:
    """Learn the voice of `me`, the owner's name as the chat has it, in one pass and bounded memory.

    Without `keep_voice` no reply is kept: the persona's examples are then phrases that the owner uses again
    and again, filled up from the nearest of `defaults`. Raises NotFound when nobody has that name,
    Invalid when there is too little to learn from.
    """
    reader = _Reader(me)
    for message in messages:
        reader.read(message)
    if not reader.meter.messages:
        raise _unknown(me, reader.authors)
    pairs = reader.found.finish()

    def anyone_may_hear(text: str) -> bool:
        return is_harmless([text], ()) and not reader.found.names.suspects(text)

    style = reader.meter.style(anyone_may_hear)
    typical = _typical(style, pairs) if keep_voice else []
    lesson = Lesson(None, style, tuple(in_turns([[*typical, *style.phrases]])[:MOST_EXAMPLES]))
    if not (persona := personas([lesson], defaults)):
        raise Invalid(
            "Too little to learn a voice from: import a longer chat, or one in which you write more."
        )
    return Learned(
        lesson=lesson,
        persona=persona[0],
        pairs=pairs[-MOST_PAIRS:] if keep_voice else [],
        between=reader.found.between if keep_voice else [],
        messages=reader.messages,
        own=reader.meter.messages,
        exchanges=reader.found.exchanges,
        authors=reader.authors,
    )


def _unknown(me: str, authors: dict[str, int]) -> NotFound:
    if not authors:
        return NotFound(
            "This file holds no messages that anybody wrote; export the chat again, without media."
        )
    most = sorted(authors, key=lambda name: -authors[name])
    names = ", ".join(most[:_AUTHORS_NAMED])
    more = f" and {len(most) - _AUTHORS_NAMED} more" if len(most) > _AUTHORS_NAMED else ""
    return NotFound(
        f"Nobody called {me} wrote text in this chat. Its authors: {names}{more}. Pass yours with --me NAME."
    )


def _typical(style: Style, pairs: Sequence[Pair]) -> list[str]:
    """Replies in one message, of different lengths, made of the words that the owner uses most: what they
    would say to many rather than what they said once. The newest of equals.
    """
    uses = Counter(word for pair in pairs for word in set(flat(" ".join(pair.reply)).split()))
    single = {flat(pair.reply[0]): pair.reply[0] for pair in pairs if len(pair.reply) == 1}

    def strangeness(key: str) -> float:
        rare = [1 / uses[word] for word in key.split()]
        return (fmean(rare) if rare else 1.0) + style_distance(style, single[key]) / 4

    by_length: dict[int, list[str]] = {}
    for key in sorted(reversed(single), key=strangeness):
        by_length.setdefault(min(len(key.split()) // 3, 4), []).append(single[key])
    spread = [text for row in range(4) for found in by_length.values() for text in found[row : row + 1]]
    return spread[: MOST_EXAMPLES * 3 // 4]
