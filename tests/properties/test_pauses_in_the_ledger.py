"""The same events against the real thing: ears, switch, judge, fence and mirrors, over restarts, flushes and jumps."""

import time
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from secondme.domain.pause import effective_state
from tests.properties.bench import Bench
from tests.properties.model import AUTO_PAUSE, LIMIT, Model, Must
from tests.properties.product import Product, flush, read_pauses

QUICK_STEPS, LONG_STEPS = 300, 20_000
PEOPLE = ("+15550100", "+15550101", "ben@lid")
SECOND = timedelta(seconds=1)
OWNER_WORD = timedelta(minutes=60)
ENDS = ("answered", "silent", "met before")
people = st.sampled_from(PEOPLE)
anybody = st.sampled_from([None, *PEOPLE])  # None: everybody
lengths = st.sampled_from([None, 120, 120, 600, 7200, 90_000])
jumps = st.sampled_from([1, 20, 80, 80, 500, 700, 3500, 3700, 8000, 200_000])


class PausesInTheLedger(RuleBasedStateMachine):
    """Whatever the product says and does is compared with the model after each event."""

    bench: ClassVar[Bench]
    steps: ClassVar[Counter[str]] = Counter()
    ends: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(slack=10 * SECOND)
        self.texts: dict[UUID, str] = {}
        self.ids: dict[str, UUID] = {}
        self.set_back = False
        self.do(self.product.forget_everything())
        for who in PEOPLE:
            self.arrive(who, 1, False)

    @property
    def product(self) -> Product:
        return self.bench.product

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self.bench.do(work)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @rule(who=people, enabled=st.sampled_from([True, True, False]))
    def enable(self, who: str, enabled: bool) -> None:
        self.do(self.product.app.control.enable(self.ids[who], enabled))
        self.model.enabled[who] = enabled
        self.compare("enabled" if enabled else "disabled")

    @rule(who=anybody, seconds=lengths)
    def pause(self, who: str | None, seconds: int | None) -> None:
        length = None if seconds is None else seconds * SECOND
        self.model.stop(who, self.now, length)
        self.do(self.product.app.switch.press(self.ids[who] if who else None, length))
        self.compare("pause all" if who is None else "pause")

    @rule(who=anybody)
    def resume(self, who: str | None) -> None:
        self.do(self.product.app.switch.resume(self.ids[who] if who else None))
        self.model.lift(who, self.now)
        self.compare("resume all" if who is None else "resume")

    @rule(who=people)
    def owner_writes(self, who: str) -> None:
        self.model.stop(who, self.now, OWNER_WORD)
        self.do(self.product.says(who, "it is me", from_me=True))
        self.compare("owner's word")

    @rule(who=people, times=st.sampled_from([1, 1, 1, 2, 12]), again=st.booleans())
    def arrive(self, who: str, times: int, again: bool) -> None:
        """Messages come in; `again` delivers the last of them twice."""
        for _ in range(times):
            provider_id, now = f"p-{uuid4()}", self.now
            message = self.do(self.product.says(who, f"text {provider_id}", provider_id=provider_id))
            assert message is not None
            self.texts[message] = f"re: text {provider_id}"
            if who not in self.model.enabled:
                self.meet(who)
            self.model.arrive(message, who, now)
        if again:
            assert self.do(self.product.says(who, "other words", provider_id=provider_id)) == message
        self.compare("message")

    def meet(self, who: str) -> None:
        self.ids[who] = next(row.id for row in self.do(self.product.everyone()) if row.address == who)
        self.model.enabled[who] = True

    @rule(who=people, everybody=st.booleans(), seconds=jumps)
    def outwit(self, who: str, everybody: bool, seconds: int) -> None:
        """The clock is set back between a message that meets a pause and the end of that pause."""
        self.pause(None if everybody else who, None)
        self.arrive(who, 1, False)
        self.time_passes(seconds, True)
        self.resume(None if everybody else who)
        self.time_passes(seconds + 1, False)

    @rule(seconds=jumps, back=st.sampled_from([False, False, False, True]))
    def time_passes(self, seconds: int, back: bool) -> None:
        self.bench.clock.shift(-seconds if back else seconds)
        self.set_back = self.set_back or back
        self.model.look(self.now)
        self.compare("clock set back" if back else "time passes")

    @rule(who=people, everybody=st.booleans(), seconds=st.sampled_from([120, 600]))
    def outwait(self, who: str, everybody: bool, seconds: int) -> None:
        """A message comes while a short pause runs, which then runs out."""
        self.pause(None if everybody else who, seconds)
        self.arrive(who, 1, False)
        self.time_passes(seconds + 80, False)

    @rule()
    def restart(self) -> None:
        self.bench.restart()
        self.compare("restart")

    @rule()
    def flush(self) -> None:
        self.do(flush(self.bench.options))
        self.compare("flush")

    @rule()
    def compose(self) -> None:
        self.do(self.product.compose())
        self.compare("composed")

    @rule()
    def work(self) -> None:
        """Mind and mouth do all that is due; then everybody who must be answered has been."""
        self.bench.clock.shift(1)
        while self.do(self.product.compose()):
            self.compare("worked")
            self.do(self.product.speak())
            self.compare("spoken")
        self.do(self.product.speak())
        self.compare("spoken")
        held_up, now = self.do(self.product.held_up()), self.now
        for who in PEOPLE:
            waiting = [said.arrived for said in self.model.waiting.values() if said.who == who]
            ready = waiting and max(waiting) < now - SECOND / 2 and who not in held_up
            assert not ready, f"{who} waits for nothing"

    def compare(self, what: str) -> None:
        """What has ended meanwhile may end so; states and pauses are the model's."""
        self.steps[what] += 1
        now = self.now
        self.model.look(now)
        ended = self.do(self.product.ends([key for key in self.model.waiting if isinstance(key, UUID)]))
        for message, (outcome, reason) in ended.items():
            self.end(message, outcome, reason, now)
        if any(reason == "rate.limit" for _, reason in ended.values()):
            limited = {self.model.waiting[m].who for m, (_, r) in ended.items() if r == "rate.limit"}
            for who in limited:
                self.model.stop(who, now, AUTO_PAUSE)
        for message in ended:
            del self.model.waiting[message]
        for message in self.do(self.product.planned()):
            self.model.waiting[message].planned = True
        self.adopted(now)
        self.states_agree()

    def adopted(self, now: datetime) -> None:
        """A stop in Redis that seems to lie far ahead, as after a clock was set back, is taken for one without an
        end: silence is never wrong, and the owner lifts it.
        """
        running = self.do(self.product.running_pauses())
        endless = any(p.contact_id is None and p.until is None for p in running)
        known = any(s.who is None and s.until is None and s.lifted_at is None for s in self.model.stops)
        if endless and not known:
            assert self.set_back, "a stop that nobody pressed"
            self.ends["adopted"] += 1
            self.model.stop(None, now, None)

    def end(self, message: UUID, outcome: str, reason: str, now: datetime) -> None:
        must, said = self.model.must(message, now), self.model.waiting[message]
        self.ends["met before"] += said.met and self.model.state(said.who, now) == "enabled"
        sent = self.bench.phones.texts(said.who).count(self.texts[message])
        if outcome == "replied":
            assert must is not Must.NO, f"{message} was answered"
            assert said.surely <= LIMIT, f"{message} is beyond the limit and was answered"
            assert sent == 1
            self.ends["answered"] += 1
            return
        assert (outcome, sent) == ("silent", 0)
        self.ends["silent"] += 1
        if reason == "rate.limit":
            beyond = [s for s in self.model.waiting.values() if s.who == said.who and s.perhaps > LIMIT]
            assert beyond, f"{said.who} was within the limit"
        else:
            assert must is not Must.YES, f"{message} was not answered: {reason}"

    def states_agree(self) -> None:
        running, now = self.do(self.product.running_pauses()), self.now
        for row in self.do(self.product.everyone()):
            state = effective_state(row.enabled, [p for p in running if p.covers(row.id)], now)
            expected = self.model.state(row.address, now)
            assert expected in (state.value, None), f"{row.address} is {state}"

    @rule()
    def mirror(self) -> None:
        """The documented keys say what the ledger says, and the longest pause of a contact is the one shown."""
        self.do(self.product.app.switch.mirror())
        self.compare("mirrored")
        keys, now = self.do(read_pauses(self.bench.options)), self.now
        for who, contact in self.ids.items():
            own = [s for s in self.model.stops if s.who == who and s.lifted_at is None]
            if any(s.until is None for s in own):
                assert keys[f"PAUSE:{contact}"] > 200_000_000_000_000
            elif ends := [s.until for s in own if s.until and s.until > now + self.model.slack]:
                shown = datetime.fromtimestamp(keys[f"PAUSE:{contact}"] / 1000, UTC)
                assert abs(shown - max(ends)) < self.model.slack
        everybody = [s for s in self.model.stops if s.who is None and s.lifted_at is None]
        if any(s.until is None or s.until > now + self.model.slack for s in everybody):
            assert "PAUSE:ALL" in keys


@pytest.mark.timeout(3600)
def test_the_ledger_agrees_with_the_model(bench: Bench, long: bool) -> None:
    PausesInTheLedger.bench = bench
    PausesInTheLedger.steps.clear()
    PausesInTheLedger.ends.clear()
    wanted = LONG_STEPS if long else QUICK_STEPS
    profile = settings(
        max_examples=20 if long else 9,
        stateful_step_count=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if long else [Phase.generate],
    )
    ended = time.monotonic() + (3500 if long else 300)
    steps, ends = PausesInTheLedger.steps, PausesInTheLedger.ends
    while steps.total() < wanted or not all(ends[what] for what in ENDS):
        assert time.monotonic() < ended, f"no end in sight: {steps} {ends}"
        run_state_machine_as_test(PausesInTheLedger, settings=profile)
