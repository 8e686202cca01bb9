"""Human pacing: how long reading and typing take before words may leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from secondme.domain.delivery import DeliveryKind, Planned
from secondme.domain.turn import Part, Turn

_READING_WORDS_PER_MINUTE = 240.0
_TYPING_MS_PER_CHARACTER = 55.0
_MAX_TYPING_MS = 9_000
_MIN_TYPING_MS = 700


@dataclass(frozen=True, slots=True)
class Pacing:
    """`human` reads, ticks, types and takes its time in proportion to the words; otherwise all is at once."""

    human: bool

    def plan(self, turn: Turn, parts: Sequence[Part], now: datetime) -> list[tuple[Planned, UUID]]:
        """The deliveries of a draft, each with the message that it speaks to, in the order in which they leave."""
        random = Random(turn.id.int)
        planned: list[tuple[Planned, UUID]] = []
        moment = now
        if self.human:
            moment += timedelta(milliseconds=self._reading_ms(turn, random))
            planned.append((_presence(DeliveryKind.READ, moment), turn.messages[-1].id))
        for number, part in enumerate(parts, start=1):
            typing_ms = self._typing_ms(part, random) if self.human else 0
            if typing_ms:
                moment += timedelta(milliseconds=random.uniform(150, 450))
                planned.append((_presence(DeliveryKind.TYPING, moment), part.answers))
                moment += timedelta(milliseconds=typing_ms)
            quotes = part.answers if part.quote else None
            planned.append(
                (
                    Planned(uuid4(), DeliveryKind.TEXT, number, part.text, moment, typing_ms, quotes),
                    part.answers,
                )
            )
        return planned

    def _reading_ms(self, turn: Turn, random: Random) -> float:
        words = sum(len(m.text.split()) for m in turn.messages)
        return min(300 + words / _READING_WORDS_PER_MINUTE * 60_000, 4_000) * random.uniform(0.8, 1.2)

    def _typing_ms(self, part: Part, random: Random) -> int:
        typing = len(part.text) * _TYPING_MS_PER_CHARACTER * random.uniform(0.8, 1.25)
        return int(max(_MIN_TYPING_MS, min(typing, _MAX_TYPING_MS)))


def _presence(kind: DeliveryKind, moment: datetime) -> Planned:
    return Planned(uuid4(), kind, 0, "", moment, 0, None)
