"""Quiet hours in every time zone there is, over every change of its clocks; and how long an answer may wait."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from secondme.domain.message import Kind, Message
from secondme.domain.profile import Account, Profile
from secondme.domain.turn import Contact, Turn, Verdict
from secondme.pipeline.judge import QuietHours, judge
from secondme.profiles import PROFILES
from secondme.profiles.clone import CLONE

ZONES = sorted(available_timezones() - {"localtime"})
MINUTE = timedelta(minutes=1)
FIRST, LAST = datetime(2011, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(time(23), time(7), BERLIN)


@cache
def changes(zone: str) -> list[datetime]:
    """When this zone's clocks change, to the hour before."""
    at, found, info = FIRST, [], ZoneInfo(zone)
    while at < LAST:
        later = at + timedelta(days=20)
        if at.astimezone(info).utcoffset() != later.astimezone(info).utcoffset():
            low, high = at, later
            while high - low > timedelta(minutes=15):
                middle = low + (high - low) / 2
                same = low.astimezone(info).utcoffset() == middle.astimezone(info).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(low)
        at = later
    return found


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and a moment in it; every other one within a day of a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    if draw(st.booleans()) and changes(zone):
        change = draw(st.sampled_from(changes(zone)))
        return zone, change + draw(st.integers(-26 * 60, 26 * 60)) * MINUTE
    minutes = int((LAST - FIRST) / MINUTE)
    return zone, FIRST + draw(st.integers(0, minutes)) * MINUTE


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45, 59]))


def inside(quiet: QuietHours, now: datetime) -> bool:
    """What the owner's clock on the wall says."""
    clock = now.astimezone(quiet.zone).strftime("%H:%M:%S")
    start, end = quiet.start.strftime("%H:%M:%S"), quiet.end.strftime("%H:%M:%S")
    return start <= clock < end if start <= end else clock >= start or clock < end


def length(quiet: QuietHours) -> timedelta:
    begin, end = (timedelta(hours=t.hour, minutes=t.minute) for t in (quiet.start, quiet.end))
    return (end - begin) % timedelta(days=1)


@settings(deadline=None, max_examples=3000)
@given(moments(), times, times)
@example(("Europe/Berlin", datetime(2026, 10, 25, 1, 15, tzinfo=UTC)), time(23), time(2, 30))  # 02:15 again
@example(("Europe/Berlin", datetime(2026, 3, 28, 23, 0, tzinfo=UTC)), time(23), time(2, 30))  # no 02:30 then
@example(("America/Havana", datetime(2026, 11, 1, 5, 15, tzinfo=UTC)), time(22), time(0, 30))
@example(("Pacific/Apia", datetime(2011, 12, 30, 9, 30, tzinfo=UTC)), time(23), time(7))  # a day left out
def test_they_end_outside_of_themselves_within_a_day(
    where: tuple[str, datetime], start: time, end: time
) -> None:
    zone, now = where
    quiet = QuietHours(start, end, ZoneInfo(zone))
    over = quiet.ends_after(now)
    assert (over is not None) == inside(quiet, now)
    if over is None:
        return
    assert over > now
    offsets = {m.astimezone(quiet.zone).utcoffset() or timedelta(0) for m in (now, over)}
    shift = max(offsets) - min(offsets)
    if shift < timedelta(hours=3):  # Samoa once left out a whole day
        assert over - now <= length(quiet) + shift <= timedelta(hours=26)
    if length(quiet) + 2 * shift < timedelta(hours=24):
        assert not inside(quiet, over)
        assert quiet.ends_after(over) is None


@settings(deadline=None, max_examples=500)
@given(moments(), times, times, st.integers(1, 99))
def test_nobody_is_answered_in_the_middle_of_them(
    where: tuple[str, datetime], start: time, end: time, percent: int
) -> None:
    zone, now = where
    quiet = QuietHours(start, end, ZoneInfo(zone))
    over = quiet.ends_after(now)
    if over is None:
        return
    between = now + (over - now) * percent / 100
    assume(between.astimezone(quiet.zone).utcoffset() == now.astimezone(quiet.zone).utcoffset())
    assume(over.astimezone(quiet.zone).utcoffset() == now.astimezone(quiet.zone).utcoffset())
    assert inside(quiet, between)
    assert quiet.ends_after(between) == over


def test_no_length_is_no_quiet_hours() -> None:
    assert QuietHours(time(7), time(7), BERLIN).ends_after(FIRST + 6 * timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ((22, 59), None),
        ((23, 0), (7, 0)),
        ((0, 0), (7, 0)),
        ((6, 59), (7, 0)),
        ((7, 0), None),
    ],
)
def test_over_midnight(at: tuple[int, int], until: tuple[int, int] | None) -> None:
    now = datetime(2026, 5, 5, *at, tzinfo=BERLIN)
    day = 6 if at[0] == 23 else 5
    assert NIGHT.ends_after(now) == (datetime(2026, 5, day, *until, tzinfo=BERLIN) if until else None)


def judged(
    arrived: datetime,
    now: datetime,
    quiet: QuietHours | None,
    profile: Profile = CLONE,
    said: datetime | None = None,
) -> Verdict:
    message = Message(uuid4(), Kind.TEXT, "hi", arrived, said or arrived, 1, 1)
    turn = Turn(
        id=uuid4(),
        account=Account("main", "simulator", profile),
        conversation_id=uuid4(),
        identity_id=uuid4(),
        token=uuid4(),
        attempts=0,
        now=now,
        contact=Contact(uuid4(), None, True, "friend", None),
        messages=(message,),
    )
    verdict = judge(turn, quiet).verdict
    assert verdict is not None
    return verdict


def berlin(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 5, day, hour, minute, second, tzinfo=BERLIN).astimezone(UTC)


def test_what_arrives_at_night_is_held_until_the_morning() -> None:
    verdict = judged(berlin(5, 23, 30), berlin(5, 23, 30, 3), NIGHT)
    assert (verdict.answer, verdict.rule, verdict.hold_until) == (False, "quiet.held", berlin(6, 7))
    assert judged(berlin(5, 23, 30), berlin(6, 7), NIGHT).answer


def test_it_is_skipped_where_the_owner_wants_that() -> None:
    verdict = judged(berlin(5, 23, 30), berlin(5, 23, 30, 3), replace(NIGHT, skip=True))
    assert (verdict.answer, verdict.rule, verdict.hold_until) == (False, "quiet.skipped", None)


@pytest.mark.parametrize("name", ["support", "journal"])
def test_a_desk_and_a_journal_have_no_night(name: str) -> None:
    assert judged(berlin(5, 23, 30), berlin(5, 23, 30, 3), NIGHT, PROFILES[name]).answer


@pytest.mark.parametrize(
    ("arrived", "now", "rule"),
    [
        (berlin(5, 12), berlin(5, 13), "contact.enabled"),
        (berlin(5, 12), berlin(5, 13, 0, 1), "message.late"),
        (berlin(5, 23, 30), berlin(6, 8), "contact.enabled"),  # the hour begins in the morning
        (berlin(5, 23, 30), berlin(6, 8, 0, 1), "message.late"),
        (berlin(5, 22, 59, 58), berlin(5, 23, 0, 1), "quiet.held"),
        (berlin(5, 22, 59, 58), berlin(6, 7), "contact.enabled"),  # two seconds before the night: held by it
        (berlin(5, 22, 59, 58), berlin(6, 8, 0, 1), "message.late"),
        (berlin(5, 21), berlin(6, 7), "message.late"),  # late before the night began
        (berlin(5, 12), berlin(5, 11), "contact.enabled"),  # the clock was set back
    ],
)
def test_how_long_an_answer_may_wait(arrived: datetime, now: datetime, rule: str) -> None:
    assert judged(arrived, now, NIGHT).rule == rule


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (berlin(5, 11), "contact.enabled"),
        (berlin(5, 10, 59), "message.late"),
        (berlin(2, 12), "message.late"),
        (berlin(5, 13), "contact.enabled"),  # the provider's clock is ahead
        (berlin(5, 3), "message.late"),  # the night would have held it, and was over for long
    ],
)
def test_what_is_delivered_late_is_as_old_as_its_sender_knows_it(said: datetime, rule: str) -> None:
    assert judged(berlin(5, 12), berlin(5, 12), NIGHT, said=said).rule == rule


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from(sorted(PROFILES)), st.integers(0, 8 * 86400), st.sampled_from([None, NIGHT]), st.data()
)
def test_nobody_is_answered_later_than_allowed(
    name: str, waited: int, quiet: QuietHours | None, data: st.DataObject
) -> None:
    profile = PROFILES[name]
    arrived = berlin(1, 0) + data.draw(st.integers(0, 86400)) * timedelta(seconds=1)
    now = arrived + timedelta(seconds=waited)
    night = timedelta(hours=8) if quiet and profile.keeps_quiet_hours else timedelta(0)
    verdict = judged(arrived, now, quiet, profile)
    if waited > (2 * profile.answer_within + night).total_seconds():
        assert verdict.rule in ("message.late", "message.stale")
    if timedelta(seconds=waited) <= profile.answer_within and verdict.hold_until is None:
        assert verdict.answer
