"""How near a mind comes to what the owner really said, on exchanges that it has not seen.

The measure of a text against the real reply is three parts letters (F-score of shared character runs, as in
chrF) and one part style. A mind is compared with chance: replies of the owner drawn from the same kept ones.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from secondme.domain.errors import Invalid, MindFailed
from secondme.domain.persona import Example
from secondme.memory.voice.cues import VoiceIndex, cue
from secondme.memory.voice.pairs import Pair
from secondme.memory.voice.style import style_distance

Picker = Callable[[Sequence[str], tuple[Example, ...]], Awaitable[str]]
"""What the others said and the nearest kept replies, to an answer; its messages joined by line breaks."""

_LONGEST_RUN = 6  # letters, as in chrF
_RESAMPLES = 2_000
_KEY = b"evaluation"  # any: cues are compared only with each other here


def split(pairs: Sequence[Pair], share: float = 0.2) -> tuple[list[Pair], list[Pair]]:
    """The earlier pairs, to learn from, and the last `share` of them by time, held out."""
    ordered = sorted(pairs, key=lambda pair: pair.at)
    cut = round(len(ordered) * (1 - share))
    return ordered[:cut], ordered[cut:]


def likeness(a: str, b: str) -> float:
    """F-score over character runs of one to six letters, 0 to 1: chrF with both sides weighing the same.
    Blanks and case do not count.
    """
    left, right = _runs(a), _runs(b)
    scores = []
    for mine, theirs in zip(left, right, strict=True):
        if mine or theirs:
            shared = sum((mine & theirs).values())
            scores.append(2 * shared / (mine.total() + theirs.total()))
    return fmean(scores) if scores else float(a == b)


def _runs(text: str) -> list[Counter[str]]:
    bare = "".join(text.casefold().split())
    return [
        Counter(bare[i : i + size] for i in range(len(bare) - size + 1))
        for size in range(1, _LONGEST_RUN + 1)
    ]


def nearness(answer: str, real: str) -> float:
    """0 to 1: three parts likeness, one part style."""
    return 0.75 * likeness(answer, real) + 0.25 * (1 - style_distance(answer, real))


@dataclass(frozen=True, slots=True)
class Sample:
    """One held-out exchange: what was said, what the owner answered, what the mind would have."""

    at: datetime
    said: tuple[str, ...]
    real: str
    answer: str | None  # None: it failed, which counts as nearness 0
    near: float
    chance: float

    def lines(self) -> list[str]:
        """What was said, and under it both answers."""
        said = " / ".join(self.said).replace("\n", " ")
        real, answer = (text.replace("\n", " / ") for text in (self.real, self.answer or "(none)"))
        return [
            f"  them: {said}",
            f"    you: {real}   mind: {answer}   ({self.near:.2f}, chance {self.chance:.2f})",
        ]


@dataclass(frozen=True, slots=True)
class Report:
    """Nearness of the mind and of chance, over all held-out exchanges, with a 95 % interval of the margin."""

    learned: int
    samples: tuple[Sample, ...]
    draws: int
    margin: float
    low: float
    high: float

    @property
    def failed(self) -> int:
        """Exchanges on which the mind gave no answer."""
        return sum(sample.answer is None for sample in self.samples)

    @property
    def won(self) -> bool:
        """Whether the whole interval lies above chance."""
        return self.low > 0

    def lines(self, shown: int = 10) -> list[str]:
        """The figures, then `shown` exchanges spread over the held-out ones."""
        near, chance = fmean(s.near for s in self.samples), fmean(s.chance for s in self.samples)
        better = fmean(s.near > s.chance for s in self.samples)
        text = [
            f"{len(self.samples)} held-out exchanges, {self.learned} kept replies;"
            f" without an answer: {self.failed}",
            f"nearness to the real reply: {near:.3f}; a random own reply ({self.draws} draws): {chance:.3f}",
            f"margin {self.margin:+.3f}, 95 % interval {self.low:+.3f} to {self.high:+.3f};"
            f" nearer than chance in {better:.0%}",
        ]
        step = max(1, len(self.samples) // max(shown, 1))
        for sample in self.samples[::step][:shown]:
            text += sample.lines()
        return text


async def evaluate(
    kept: Sequence[Pair],
    held_out: Sequence[Pair],
    picker: Picker,
    *,
    draws: int = 20,
    seed: int = 7,
    limit: int = 12,
) -> Report:
    """Ask `picker` for every held-out exchange, with the `limit` nearest of `kept`, and compare with chance.

    Same seed, same report. Raises Invalid when there is nothing to learn from or nothing held out.
    """
    if not kept or not held_out:
        raise Invalid("Too few exchanges to hold any out: import a longer chat.")
    index = VoiceIndex()
    for pair in kept:
        index.add(cue(pair.said, _KEY))
    chance = random.Random(seed)
    samples = []
    for pair in held_out:
        drawn = ["\n".join(chance.choice(kept).reply) for _ in range(draws)]
        near = index.nearest(cue(pair.said, _KEY), limit)
        samples.append(await _sample(pair, _examples(kept, near), drawn, picker))
    margins = [sample.near - sample.chance for sample in samples]
    return Report(len(kept), tuple(samples), draws, fmean(margins), *_interval(margins, seed))


def _examples(kept: Sequence[Pair], near: Sequence[tuple[int, float]]) -> tuple[Example, ...]:
    return tuple(Example("\n".join(kept[i].reply), closeness, kept[i].at) for i, closeness in near)


async def _sample(pair: Pair, examples: tuple[Example, ...], drawn: Sequence[str], picker: Picker) -> Sample:
    real = "\n".join(pair.reply)
    try:
        answer = await picker(pair.said, examples)
    except MindFailed:
        answer = None
    near = nearness(answer, real) if answer else 0.0
    return Sample(pair.at, pair.said, real, answer, near, fmean(nearness(text, real) for text in drawn))


def _interval(margins: Sequence[float], seed: int) -> tuple[float, float]:
    """The middle 95 % of the mean over resamples with replacement."""
    draw = random.Random(seed)
    means = sorted(fmean(draw.choices(margins, k=len(margins))) for _ in range(_RESAMPLES))
    return means[int(0.025 * _RESAMPLES)], means[int(0.975 * _RESAMPLES) - 1]
