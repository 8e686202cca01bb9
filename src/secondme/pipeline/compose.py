"""What would I say? A mind drafts; the draft is checked and cut to what a channel can carry."""

from dataclasses import replace
from datetime import timedelta

from secondme.domain.errors import MindFailed
from secondme.domain.turn import FIXED_LINE, Draft, Part, Turn, Verdict
from secondme.observe import metrics
from secondme.observe.logs import get_logger
from secondme.ports import Mind

log = get_logger(__name__)
MAX_TEXT = 4096  # characters; WhatsApp's limit for one text message
BACKOFF = (timedelta(seconds=2), timedelta(seconds=8))  # before the second and the third, last try


class Compose:
    """The stage that asks the mind. A mind that fails becomes a Verdict: once more later, a fixed line, or the end."""

    def __init__(self, mind: Mind) -> None:
        self._mind = mind

    async def __call__(self, turn: Turn) -> Turn:
        if not turn.answers:
            return turn
        try:
            draft = checked(await self._mind.complete(turn), turn)
        except MindFailed as error:
            log.warning("mind.failed", error=str(error), attempt=turn.attempts + 1)
            metrics.mind_failures.labels(self._mind.name, getattr(error, "cause", "unusable")).inc()
            return _without_mind(turn)
        return replace(turn, draft=draft)


def _without_mind(turn: Turn) -> Turn:
    """What becomes of a Turn whose mind failed: backoff, then what the profile says, else its messages end failed."""
    if turn.attempts < len(BACKOFF):
        again = turn.now + BACKOFF[turn.attempts]
        return replace(turn, verdict=Verdict("mind.failed", answer=False, hold_until=again, retry=True))
    line = turn.account.profile.when_mind_fails
    if line is None:
        return replace(turn, verdict=Verdict("mind.failed", answer=False, failed=True))
    draft = Draft((Part(line, turn.messages[-1].id),), mind=FIXED_LINE)
    return replace(turn, verdict=Verdict("mind.fallback", answer=True), draft=draft)


def checked(draft: Draft, turn: Turn) -> Draft:
    """The draft with usable parts only. A part can speak to nothing but a message of this Turn."""
    own = {m.id for m in turn.messages}
    parts = [
        replace(part, text=piece, answers=part.answers if part.answers in own else turn.messages[-1].id)
        for part in draft.parts
        for piece in split(part.text.strip())
    ]
    if not parts:
        raise MindFailed(f"{draft.mind} gave an empty answer.")
    if turn.overtaken:
        parts[0] = replace(parts[0], quote=True)
    return replace(draft, parts=tuple(parts))


def split(text: str, limit: int = MAX_TEXT) -> list[str]:
    """Pieces of at most `limit` characters, cut at the last blank line, line end or space there is room for."""
    pieces = []
    while len(text) > limit:
        cut = max(text.rfind(mark, limit // 2, limit) for mark in ("\n\n", "\n", " "))
        cut = cut if cut > 0 else limit
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*pieces, text] if text else pieces
