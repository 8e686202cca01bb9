"""Contact state and pauses over random events, clock jumps and restarts: the domain and the judge alone."""

import time
from collections import Counter
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from secondme.domain.message import Kind, Message
from secondme.domain.pause import Pause, PauseReason, effective_state
from secondme.domain.profile import Account
from secondme.domain.turn import Contact, Turn
from secondme.pipeline.judge import judge
from secondme.profiles.clone import CLONE
from tests.properties.model import AUTO_PAUSE, LIMIT, Model, Must

STEPS = 20_000
PEOPLE = {name: UUID(int=number) for number, name in enumerate(("ana", "ben", "cem"))}
SECOND = timedelta(seconds=1)
people = st.sampled_from(sorted(PEOPLE))
anybody = st.sampled_from([None, *sorted(PEOPLE)])  # None: everybody
lengths = st.sampled_from([None, 30, 30, 60, 60, 600, 600, 3600, 90_000])
jumps = st.sampled_from([1, 20, 59, 61, 599, 601, 3599, 3601, 7300, 100_000, 800_000])


class Pauses(RuleBasedStateMachine):
    """Rows as the ledger keeps them against a model that only knows events. Time stands still between events."""

    steps: ClassVar[Counter[str]] = Counter()
    ends: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(enabled={"ana": True, "ben": True, "cem": None})
        self.enabled = dict(self.model.enabled)
        self.rows: list[Pause] = []
        self.waiting: dict[str, list[Message]] = {name: [] for name in PEOPLE}
        self.arrived: dict[str, list[datetime]] = {name: [] for name in PEOPLE}
        self.now = datetime(2026, 3, 28, 12, tzinfo=UTC)

    def happens(self, what: str) -> None:
        """No two events share a moment."""
        self.steps[what] += 1
        self.now += timedelta(microseconds=1)

    @rule(who=people, enabled=st.sampled_from([True, True, True, False]))
    def enable(self, who: str, enabled: bool) -> None:
        self.happens("enabled" if enabled else "disabled")
        self.enabled[who] = self.model.enabled[who] = enabled

    @rule(who=anybody, seconds=lengths, reason=st.sampled_from(list(PauseReason)), at_once=st.booleans())
    def pause(self, who: str | None, seconds: int | None, reason: PauseReason, at_once: bool = False) -> None:
        """Like Switch.press: what waits ends silent at once. What it has not seen tells by its time of arrival,
        which means nothing where the clock has been set back since.
        """
        self.happens("pause all" if who is None else "pause")
        length = None if seconds is None else seconds * SECOND
        self.begin(who, length, reason)
        self.model.stop(who, self.now, length)
        for name in [who] if who else PEOPLE:
            if at_once or any(m.created_at > self.now for m in self.waiting[name]):
                self.silence(name)

    def begin(self, who: str | None, length: timedelta | None, reason: PauseReason) -> None:
        until = None if length is None else self.now + length
        self.rows.append(Pause(uuid4(), PEOPLE[who] if who else None, reason, self.now, until))

    @rule(who=anybody)
    def resume(self, who: str | None) -> None:
        """Like Switch.resume: what waits behind a running pause ends silent, then the pause is lifted."""
        self.happens("resume all" if who is None else "resume")
        contact = PEOPLE[who] if who else None
        running = [p for p in self.rows if p.contact_id == contact and p.active(self.now)]
        if running:
            for name in [who] if who else PEOPLE:
                self.silence(name)
        self.rows = [replace(p, lifted_at=self.now) if p in running else p for p in self.rows]
        self.model.lift(who, self.now)

    def silence(self, who: str) -> None:
        for message in self.waiting[who]:
            assert self.model.must(message.id, self.now) is not Must.YES
            del self.model.waiting[message.id]
        self.waiting[who] = []

    @rule(who=people, everybody=st.booleans(), seconds=st.sampled_from([30, 600]), after=jumps)
    def outwait(self, who: str, everybody: bool, seconds: int, after: int) -> None:
        """A message comes while a short pause runs, and is looked at some time later."""
        self.pause(None if everybody else who, seconds, PauseReason.MANUAL)
        self.arrive(who, 1, False)
        self.time_passes(after, False)

    @rule(seconds=jumps, back=st.sampled_from([False, False, True]))
    def time_passes(self, seconds: int, back: bool) -> None:
        self.happens("clock set back" if back else "time passes")
        self.now += seconds * SECOND * (-1 if back else 1)
        self.model.look(self.now)

    @rule()
    def restart(self) -> None:
        """What a process knew is gone; rows are read anew."""
        self.happens("restart")
        self.rows = [Pause(*astuple(row)) for row in self.rows]

    @rule(who=people, times=st.sampled_from([1, 1, 2, 12]), at_once=st.booleans())
    def arrive(self, who: str, times: int, at_once: bool) -> None:
        self.happens("message")
        for _ in range(times):
            self.now += timedelta(microseconds=1)
            self.arrived[who].append(self.now)
            recent = sum(self.now - 60 * SECOND < at <= self.now for at in self.arrived[who])
            message = Message(uuid4(), Kind.TEXT, "hi", self.now, self.now, len(self.arrived[who]), recent)
            self.waiting[who].append(message)
            self.model.arrive(message.id, who, self.now)
        if at_once:
            self.answer(who)

    @rule(who=people)
    def answer(self, who: str) -> None:
        self.happens("judged")
        messages, self.waiting[who] = self.waiting[who], []
        if not messages:
            return
        turn = judge(self.turn(who, messages), None)
        assert turn.verdict is not None
        if turn.verdict.pause:
            self.rate_limited(who, turn)
        answered = {m.id for m in turn.messages}
        for message in messages:
            must, word = self.model.must(message.id, self.now), message.id in answered
            assert not (word and must is Must.NO), f"{message} was answered"
            assert word or must is not Must.YES or turn.verdict.pause, f"{message} was not answered"
            self.ends["answered" if word else "silent"] += 1
            over = self.model.waiting[message.id].met and self.model.state(who, self.now) == "enabled"
            self.ends["met before"] += over
        for message in messages:
            del self.model.waiting[message.id]

    def turn(self, who: str, messages: list[Message]) -> Turn:
        contact = PEOPLE[who]
        pauses = tuple(p for p in self.rows if p.covers(contact))
        return Turn(
            id=uuid4(),
            account=Account("main", "simulator", CLONE),
            conversation_id=contact,
            identity_id=contact,
            token=uuid4(),
            attempts=0,
            now=self.now,
            contact=Contact(contact, None, self.enabled[who], "friend", None, pauses),
            messages=tuple(messages),
        )

    def rate_limited(self, who: str, turn: Turn) -> None:
        """Only too many messages within a minute begin a pause, and nobody is answered while it begins."""
        assert turn.verdict is not None
        assert turn.verdict.pause == (PauseReason.RATE_LIMIT, AUTO_PAUSE)
        assert turn.messages == ()
        assert any(said.perhaps > LIMIT for said in self.model.waiting.values() if said.who == who)
        self.ends["rate limit"] += 1
        self.begin(who, AUTO_PAUSE, PauseReason.RATE_LIMIT)
        self.model.stop(who, self.now, AUTO_PAUSE)

    @invariant()
    def states_agree(self) -> None:
        for who, contact in PEOPLE.items():
            covering = [p for p in self.rows if p.covers(contact)]
            state = effective_state(self.enabled[who], covering, self.now)
            assert state.value == self.model.state(who, self.now), who


RARE = ("pause all", "resume all", "pause", "resume", "disabled", "clock set back", "restart")
ENOUGH = dict.fromkeys(RARE, 100) | {"answered": 100, "silent": 1000, "rate limit": 30, "met before": 100}


def enough() -> bool:
    """So many steps, and among them so much of what is rare that the checks have met something."""
    seen = Pauses.steps + Pauses.ends
    return Pauses.steps.total() >= STEPS and all(seen[what] >= number for what, number in ENOUGH.items())


@pytest.mark.timeout(300)
def test_nobody_is_answered_who_must_not_be_over_20_000_steps() -> None:
    Pauses.steps.clear()
    Pauses.ends.clear()
    quick = settings(max_examples=50, stateful_step_count=50, deadline=None, database=None)
    ended = time.monotonic() + 240
    while not enough():
        assert time.monotonic() < ended, f"no end in sight: {Pauses.steps} {Pauses.ends}"
        run_state_machine_as_test(Pauses, settings=quick)
