"""Telling one thing alone."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from secondme.domain.event import MessageEvent, PauseEvent
from secondme.ports import Bell, Signals, Tidings


async def ring(signals: Signals, stream: str, bells: Iterable[Bell]) -> None:
    await signals.tell(Tidings(bells={stream: deque(bells)}))


async def track(signals: Signals, messages: Iterable[tuple[str, str, datetime]]) -> None:
    await signals.tell(Tidings(arrivals=deque(messages)))


async def publish(signals: Signals, events: Iterable[MessageEvent | PauseEvent]) -> None:
    await signals.tell(Tidings(events=deque(events)))


async def mirror_counters(signals: Signals, counts: Mapping[str, int]) -> None:
    await signals.tell(Tidings(counters=dict(counts)))
