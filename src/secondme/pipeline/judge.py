"""May I speak? An ordered table of rules; the first that speaks about a message decides it.

To change when SecondMe answers, change, add or move a row in RULES.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from secondme.domain.message import CAPTIONED, Kind, Message
from secondme.domain.pause import PauseReason
from secondme.domain.profile import OnRateLimit
from secondme.domain.turn import Turn, Verdict

AUTO_PAUSE = timedelta(minutes=60)
TOO_OLD = timedelta(days=7)
_MINUTE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The owner's sleep: from `start` to `end` in their zone, over midnight where end is earlier."""

    start: time
    end: time
    zone: ZoneInfo
    skip: bool = False  # True: what arrives then ends silent; False: it is held until the morning

    def ends_after(self, now: datetime) -> datetime | None:
        """When the quiet hours that now is in are over; None outside of them. Summer time is the zone's."""
        local = now.astimezone(self.zone)
        clock = local.time().replace(tzinfo=None)
        over_midnight = self.end <= self.start
        inside = (
            (clock >= self.start or clock < self.end) if over_midnight else self.start <= clock < self.end
        )
        if not inside or self.start == self.end:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and clock >= self.start else 0)
        ends = datetime.combine(day, self.end, self.zone).astimezone(UTC)
        if ends <= now:  # clocks are set back, and now is in the hour that comes twice
            ends = datetime.combine(day, self.end.replace(fold=1), self.zone).astimezone(UTC)
        return ends.astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at beside the message."""

    turn: Turn
    quiet: QuietHours | None

    @property
    def quiet_until(self) -> datetime | None:
        if self.quiet is None or not self.turn.account.profile.keeps_quiet_hours:
            return None
        return self.quiet.ends_after(self.turn.now)


type Rule = tuple[str, Callable[[Facts, Message], "bool | Verdict | None"]]


def _met_switch(facts: Facts, message: Message) -> bool:
    return any(
        p.contact_id is None and p.met_by(message.created_at, facts.turn.now)
        for p in facts.turn.contact.pauses
    )


def _met_pause(facts: Facts, message: Message) -> bool:
    return any(p.met_by(message.created_at, facts.turn.now) for p in facts.turn.contact.pauses)


def _too_late(facts: Facts, message: Message) -> bool:
    """Older than it is still polite to answer; a message held by quiet hours may wait for their end.

    Its age is the provider's: what was delivered hours late has been waited for as long.
    """
    said = min(message.created_at, message.sent_at)
    allowed = facts.turn.account.profile.answer_within
    if facts.quiet and facts.turn.account.profile.keeps_quiet_hours:
        held_until = facts.quiet.ends_after(said) or facts.quiet.ends_after(said + allowed)
        if held_until is not None:
            return facts.turn.now > held_until + allowed
    return facts.turn.now - said > allowed


def _says_nothing(facts: Facts, message: Message) -> bool:
    """Words are answered: a text, or a caption. No mind sees the picture itself."""
    return message.kind is not Kind.TEXT and not (message.kind in CAPTIONED and message.text.strip())


def _over_limit(facts: Facts, message: Message) -> Verdict | None:
    profile, now = facts.turn.account.profile, facts.turn.now
    if not profile.rate_limit or message.recent_count <= profile.rate_limit:
        return None
    if profile.on_rate_limit is OnRateLimit.PAUSE:
        return Verdict("rate.limit", answer=False, pause=(PauseReason.RATE_LIMIT, AUTO_PAUSE))
    room_again = message.created_at + _MINUTE
    return Verdict("rate.throttled", answer=False, hold_until=room_again) if room_again > now else None


def _quiet(facts: Facts, message: Message) -> Verdict | None:
    until = facts.quiet_until
    if until is None:
        return None
    skip = facts.quiet is not None and facts.quiet.skip
    return Verdict(
        "quiet.skipped" if skip else "quiet.held", answer=False, hold_until=None if skip else until
    )


RULES: Sequence[Rule] = (
    ("switch.pressed", _met_switch),
    ("contact.paused", _met_pause),
    ("contact.disabled", lambda facts, message: not facts.turn.contact.enabled),
    ("message.stale", lambda facts, message: facts.turn.now - message.sent_at > TOO_OLD),
    ("message.late", _too_late),
    ("message.not_text", _says_nothing),
    ("message.empty", lambda facts, message: not message.text.strip()),
    ("rate.limit", _over_limit),
    ("quiet.hours", _quiet),
)


class Judge:
    """The stage: silences what a rule silences, holds what must wait, lets the rest be answered."""

    def __init__(self, quiet: QuietHours | None = None) -> None:
        self._quiet = quiet

    async def __call__(self, turn: Turn) -> Turn:
        return judge(turn, self._quiet)


def judge(turn: Turn, quiet: QuietHours | None) -> Turn:
    """Apply the table. A pause that a rule begins silences the whole Turn: nobody is answered while it starts."""
    facts = Facts(turn, quiet)
    verdicts = [(message, _first(facts, message)) for message in turn.messages]
    pausing = next((v for _, v in verdicts if v and v.pause), None)
    if pausing:
        silenced = tuple((m.id, v.rule if v else pausing.rule) for m, v in verdicts)
        return replace(turn, messages=(), silenced=silenced, verdict=pausing)
    held = [(m, v) for m, v in verdicts if v and v.hold_until]
    silenced = tuple((m.id, v.rule) for m, v in verdicts if v and not v.hold_until)
    if held:
        until = max(v.hold_until for _, v in held if v.hold_until)
        return replace(turn, messages=(), silenced=silenced, verdict=replace(held[0][1], hold_until=until))
    answered = tuple(m for m, v in verdicts if v is None)
    rule = "contact.enabled" if answered else (silenced[0][1] if silenced else "nothing.waiting")
    return replace(turn, messages=answered, silenced=silenced, verdict=Verdict(rule, answer=bool(answered)))


def _first(facts: Facts, message: Message) -> Verdict | None:
    for name, speaks in RULES:
        word = speaks(facts, message)
        if isinstance(word, Verdict):
            return word
        if word:
            return Verdict(name, answer=False)
    return None
