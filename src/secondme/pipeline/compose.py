"""What would I say? A mind drafts; the draft is checked and cut to what a channel can carry."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from secondme.domain.errors import BudgetHeld, BudgetSpent, MindFailed
from secondme.domain.pause import PauseReason
from secondme.domain.turn import FIXED_LINE, Draft, Part, Turn, Verdict
from secondme.observe import metrics
from secondme.observe.logs import get_logger
from secondme.ports import Mind

log = get_logger(__name__)
MAX_TEXT = 4096  # characters; WhatsApp's limit for one text message
MOST_PARTS = 10  # messages that one draft may become, where it does not answer more than that
BACKOFF = (timedelta(seconds=2), timedelta(seconds=8))  # before the second and the third, last try
LONGEST_BACKOFF = 60.0  # seconds; a mind that wants to be left alone for longer is asked all the same
_APART = 0.2  # what waited for one mind comes back over a fifth of its wait more, not all at once
OWNERS_TURN = timedelta(hours=24)  # how long a contact who was promised a person is left to one


class Compose:
    """The stage that asks the mind. A mind that fails becomes a Verdict: once more later, a fixed line, or the end."""

    def __init__(self, mind: Mind) -> None:
        self._mind = mind

    async def __call__(self, turn: Turn) -> Turn:
        if not turn.answers:
            return turn
        try:
            draft = checked(await self._mind.complete(turn), turn)
        except BudgetSpent as spent:
            log.info("budget.spent", rule=spent.rule, then=spent.then)
            return _without_budget(turn, spent)
        except BudgetHeld as held:
            log.info("budget.held", rule=held.rule)
            return _held(turn, held)
        except MindFailed as error:
            log.warning("mind.failed", error=str(error), attempt=turn.attempts + 1)
            metrics.mind_failures.labels(self._mind.name, error.cause).inc()
            return _without_mind(turn, error)
        if draft.rule is not None:
            turn = replace(turn, verdict=Verdict(draft.rule, answer=True))
        return replace(turn, draft=draft)


def _without_mind(turn: Turn, error: MindFailed) -> Turn:
    """What becomes of a Turn whose mind failed: backoff, then what the profile says, else its messages end failed."""
    if turn.attempts < len(BACKOFF) and not error.final:
        again = turn.now + max(BACKOFF[turn.attempts], _wait(error))
        return replace(turn, verdict=Verdict("mind.failed", answer=False, hold_until=again, retry=True))
    line = turn.account.profile.when_mind_fails
    if line is None:
        return replace(turn, verdict=Verdict("mind.failed", answer=False, failed=True))
    return _with_line(turn, "mind.fallback", line)


def _held(turn: Turn, held: BudgetHeld) -> Turn:
    """Nobody was asked, so it is no try: it comes back, for as long as the judge lets it."""
    return replace(turn, verdict=Verdict("budget.held", answer=False, hold_until=turn.now + _wait(held)))


def _wait(error: MindFailed) -> timedelta:
    seconds = min(error.again_in, LONGEST_BACKOFF)
    return timedelta(seconds=seconds * (1 + random.random() * _APART))


def _without_budget(turn: Turn, spent: BudgetSpent) -> Turn:
    """What comes instead: the profile's line, silence, or a pause for the owner, once a person was promised."""
    line = turn.account.profile.when_mind_fails
    if spent.then in ("line", "person") and line is not None:
        return _with_line(turn, spent.rule, line)
    pause = (PauseReason.BUDGET, OWNERS_TURN) if spent.then in ("person", "pause") else None
    silenced = (*turn.silenced, *((message.id, spent.rule) for message in turn.messages))
    verdict = Verdict(spent.rule, answer=False, pause=pause)
    return replace(turn, messages=(), silenced=silenced, verdict=verdict)


def _with_line(turn: Turn, rule: str, line: str) -> Turn:
    draft = Draft((Part(line, turn.messages[-1].id),), mind=FIXED_LINE)
    return replace(turn, verdict=Verdict(rule, answer=True), draft=draft)


def checked(draft: Draft, turn: Turn) -> Draft:
    """The draft with usable parts only. A part can speak to nothing but a message of this Turn.

    Raises MindFailed for one that says nothing, or more than anybody would read.
    """
    own = {m.id for m in turn.messages}
    most = max(MOST_PARTS, len(own))
    pieces = (
        replace(part, text=piece, answers=part.answers if part.answers in own else turn.messages[-1].id)
        for part in draft.parts
        for piece in split(_sayable(part.text).strip())
    )
    parts = list(islice(pieces, most + 1))
    if not parts:
        raise MindFailed(f"{draft.mind} gave an empty answer.")
    if len(parts) > most:
        raise MindFailed(f"{draft.mind} gave an answer of more than {most} messages.")
    if turn.overtaken:
        parts[0] = replace(parts[0], quote=True)
    return replace(draft, parts=tuple(parts))


def _sayable(text: str) -> str:
    """Without what no channel and no store can carry: a model's JSON may hold half of a cut picture."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def split(text: str, limit: int = MAX_TEXT) -> Iterator[str]:
    """Pieces of at most `limit` characters, cut at the last blank line, line end or space there is room for."""
    while len(text) > limit:
        cut = max(text.rfind(mark, limit // 2, limit) for mark in ("\n\n", "\n", " "))
        cut = cut if cut > 0 else limit
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text
