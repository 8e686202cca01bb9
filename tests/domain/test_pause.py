"""The arithmetic of pauses: when one holds, whom it covers, and which messages met it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from secondme.domain.pause import ContactState, Pause, PauseReason, effective_state

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ANA = uuid4()
OPEN = Pause(uuid4(), ANA, PauseReason.MANUAL, NOON, None)
TIMED = replace(OPEN, until=NOON + 10 * MINUTE)


def lifted(pause: Pause, minutes: float) -> Pause:
    return replace(pause, lifted_at=NOON + minutes * MINUTE)


@pytest.mark.parametrize(
    ("pause", "minutes", "holds"),
    [
        (OPEN, 0, True),
        (OPEN, 10**6, True),
        (OPEN, -60, True),  # the clock was set back: what began still holds
        (TIMED, 9.99, True),
        (TIMED, 10, False),
        (TIMED, -60, True),
        (lifted(OPEN, 5), 4, False),  # the owner lifted it, whatever the clock says
        (lifted(OPEN, 5), 6, False),
        (lifted(TIMED, 5), 6, False),
    ],
)
def test_when_a_pause_holds(pause: Pause, minutes: float, holds: bool) -> None:
    assert pause.active(NOON + minutes * MINUTE) is holds


@pytest.mark.parametrize(
    ("pause", "arrived", "now", "met"),
    [
        (OPEN, -5, 1, True),  # it waited when the pause began
        (OPEN, 5, 6, True),
        (TIMED, 5, 11, True),  # the pause is over: what met it is still not answered
        (TIMED, -5, 11, True),
        (TIMED, 10, 11, False),
        (TIMED, 11, 12, False),
        (TIMED, 11, 5, True),  # the clock was set back into the pause
        (lifted(OPEN, 5), 4, 6, True),
        (lifted(OPEN, 5), 6, 7, False),
        (lifted(TIMED, 5), 6, 7, False),
        (lifted(replace(OPEN, since=NOON + 60 * MINUTE), 1), 0, 2, True),  # set back between start and lift
        (lifted(TIMED, 20), 12, 21, False),  # it had run out before it was lifted
    ],
)
def test_which_messages_met_it(pause: Pause, arrived: float, now: float, met: bool) -> None:
    assert pause.met_by(NOON + arrived * MINUTE, NOON + now * MINUTE) is met


@pytest.mark.parametrize(
    ("pause", "ends"),
    [
        (OPEN, None),
        (TIMED, 10),
        (lifted(OPEN, 3), 3),
        (lifted(TIMED, 3), 3),
        (lifted(TIMED, 30), 10),
    ],
)
def test_the_earlier_end_counts(pause: Pause, ends: float | None) -> None:
    assert pause.ends == (None if ends is None else NOON + ends * MINUTE)


@pytest.mark.parametrize(("whose", "covers"), [(ANA, True), (None, True), (uuid4(), False)])
def test_whom_it_covers(whose: UUID | None, covers: bool) -> None:
    assert replace(OPEN, contact_id=whose).covers(ANA) is covers


@pytest.mark.parametrize(
    ("enabled", "pauses", "state"),
    [
        (None, (), ContactState.DISABLED),  # unknown means silent
        (False, (), ContactState.DISABLED),
        (False, (OPEN,), ContactState.DISABLED),
        (None, (OPEN,), ContactState.DISABLED),
        (True, (), ContactState.ENABLED),
        (True, (OPEN,), ContactState.PAUSED),
        (True, (replace(OPEN, contact_id=None),), ContactState.PAUSED),
        (True, (lifted(OPEN, 0), TIMED), ContactState.PAUSED),
        (True, (lifted(OPEN, 0), replace(TIMED, until=NOON)), ContactState.ENABLED),
    ],
)
def test_the_effective_state(enabled: bool | None, pauses: tuple[Pause, ...], state: ContactState) -> None:
    assert effective_state(enabled, pauses, NOON + MINUTE) is state
