"""What messages say, as a mind reads them: a form for up to twenty at once, checked against each text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources
from math import ceil
from uuid import UUID

from secondme.domain.errors import MindFailed
from secondme.domain.fact import Gist
from secondme.memory.extract.form import MessagesRead, believed
from secondme.memory.extract.rules import read
from secondme.memory.extract.scan import worth_reading
from secondme.ports import Extractor, Question

MOST_AT_ONCE = 20  # messages in one call
_LONGEST = 3_500  # characters of one message; what an extraction is shown of a piece ends at 4,000
_ROOM = (
    18_000  # characters of all messages in one call; an extraction takes 24,000 with what stands around them
)
_FENCE = 30  # characters around each
_FORM = 1_500  # tokens of the instructions and the form
_ANSWER = 60  # tokens that come back for a message, more or less
_PER_TOKEN = 3  # characters, as everywhere where tokens are only reckoned
_FEW = 2  # words that hardly say anything


@dataclass(frozen=True, slots=True)
class Utterance:
    """A message to be read. `at` is the writer's local time: `tomorrow` counts from there."""

    text: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Estimate:
    """What reading so many messages costs at a mind, about."""

    calls: int
    tokens: int


async def read_with(
    extractor: Extractor, batch: Sequence[Utterance], contact_id: UUID | None = None
) -> list[Gist]:
    """The gist of each message, in order. A batch that the mind fails at is read by rules. Never raises MindFailed.

    `contact_id` is on whose budget it goes. A message is asked about once at the most; one that can hardly say
    anything ("ok") not at all.
    """
    gists = [Gist()] * len(batch)
    asked = [place for place, one in enumerate(batch) if _says_something(one.text)]
    for places in _bundles(batch, asked):
        for place, gist in zip(
            places, await _ask(extractor, [batch[p] for p in places], contact_id), strict=True
        ):
            gists[place] = gist
    return gists


def estimate(messages: int, characters: int) -> Estimate:
    """Calls and tokens, in and out, for so many messages of so many characters together: to be shown before a mind
    is asked. An estimate from above: short messages are not asked about, and a repair is a rare second call."""
    calls = max(ceil(messages / MOST_AT_ONCE), ceil((characters + messages * _FENCE) / _ROOM))
    tokens = calls * _FORM + (characters + messages * _FENCE) // _PER_TOKEN + messages * _ANSWER
    return Estimate(calls, tokens)


def _says_something(text: str) -> bool:
    return worth_reading(text) or (len(text.split()) > _FEW and any(char.isalpha() for char in text))


def _bundles(batch: Sequence[Utterance], places: Sequence[int]) -> Iterator[list[int]]:
    """Places in `batch` that are asked about together."""
    bundle: list[int] = []
    room = _ROOM
    for place in places:
        size = min(len(batch[place].text), _LONGEST) + _FENCE
        if bundle and (len(bundle) == MOST_AT_ONCE or size > room):
            yield bundle
            bundle, room = [], _ROOM
        bundle.append(place)
        room -= size
    if bundle:
        yield bundle


async def _ask(extractor: Extractor, several: Sequence[Utterance], contact_id: UUID | None) -> list[Gist]:
    days = [
        f"Message {number} was written on {one.at:%A, %Y-%m-%d}." for number, one in enumerate(several, 1)
    ]
    material = tuple(f"{number}: {one.text[:_LONGEST]}" for number, one in enumerate(several, 1))
    question = Question("\n".join([_instructions(), "", *days]), material, contact_id)
    try:
        found = (await extractor.extract(MessagesRead, question)).value
    except MindFailed:
        return [read(one.text, one.at) for one in several]
    gists = [Gist()] * len(several)
    for one in reversed(found.messages):  # of two about the same message the first counts
        if 1 <= one.message <= len(several):
            said = several[one.message - 1]
            gists[one.message - 1] = believed(one, said.text[:_LONGEST], said.at.date())
    return gists


@cache
def _instructions() -> str:
    return (resources.files("secondme.memory.extract") / "prompts" / "learn.md").read_text("utf-8").strip()
