"""The mind where none is configured: it says what the owner has said before, and adds nothing of its own.

It picks among the nearest kept replies the one that agrees most with the others: what the owner tends to say
to such a message, rather than what they said once. What is not near may have been true only then, so the
further the occasion, the more it prefers a reply that commits to nothing.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from secondme.domain.errors import MindFailed
from secondme.domain.message import Message
from secondme.domain.persona import Persona, Style
from secondme.domain.turn import FIXED_LINE, Draft, Part, Turn
from secondme.llm.speech import Said, decides, fits, is_loose, kind_of, particulars, promises

NEAR = 0.05  # an example below this closeness answered something else
_SURE = 0.3  # from here on it is taken to have answered much the same
_AGREEMENT, _CLOSENESS, _FITS = 2.0, 0.3, 0.1  # what speaks for a reply
_COMMITS, _DECIDES, _TELLS = 0.25, 0.1, 0.2  # what against it, the more the further its occasion
_OUT = 2.0  # what rules it out
_EQUAL = 0.005  # replies whose scores differ by less are equally good
_MOST_PARTS = 2
_REMEMBERS = 6  # own lines of the conversation that are not said again
_ENOUGH = 20  # messages from which on a style's figures are trusted

_PICTURE = re.compile("\\s*[\U0001f1e6-\U0001faff\u2600-\u27bf\u2b50\u2b55\ufe0f\u200d]+")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One reply that could be given, cut to as many messages as may be sent."""

    lines: tuple[str, ...]
    closeness: float
    runs: Counter[str]

    @classmethod
    def of(cls, text: str, closeness: float, persona: Persona | None) -> "_Candidate":
        lines = [dressed for line in text.splitlines() if (dressed := dress(line, persona))][:_MOST_PARTS]
        return cls(tuple(lines), closeness, _runs("".join(lines)))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class OfflineMind:
    """ports.Mind without a model. The same turn always gets the same answer."""

    name = "offline"

    async def complete(self, turn: Turn) -> Draft:
        """Draft a reply from `turn.examples`, else from `turn.persona.examples`, else raise MindFailed."""
        if not turn.messages:
            raise MindFailed("The offline mind was asked for a reply to nothing.")
        fixed = turn.account.profile.says_when_offline
        if fixed is not None:
            return Draft((Part(fixed, turn.messages[-1].id),), FIXED_LINE)
        return Draft(_parts(turn, _choose(turn).lines), self.name)

    async def close(self) -> None:
        """Nothing is held open."""


def _choose(turn: Turn) -> _Candidate:
    said = _said(turn)
    near = [_Candidate.of(e.text, e.closeness, turn.persona) for e in turn.examples if e.closeness >= NEAR]
    near = [candidate for candidate in near if candidate.lines]
    spoken = _spoken(turn)
    scored = [(_score(candidate, near, said, turn.persona, spoken), candidate) for candidate in near]
    usable = [(score, candidate) for score, candidate in scored if score > -_OUT / 2]
    if not usable:
        usable = [(_fallback(c, said, spoken), c) for c in _typical(turn.persona)] or scored
    if not usable:
        raise MindFailed(
            "The offline mind knows no reply of the owner: import a chat with --keep-voice, or set a model."
        )
    best = max(score for score, _ in usable)
    equal = [candidate for score, candidate in usable if score >= best - _EQUAL]
    return random.Random(turn.messages[-1].id.int).choice(equal)


def _score(
    candidate: _Candidate,
    others: Sequence[_Candidate],
    said: Said,
    persona: Persona | None,
    spoken: Sequence[str],
) -> float:
    far = 1 - candidate.closeness
    return (
        _AGREEMENT * _agreement(candidate, others)
        + _CLOSENESS * candidate.closeness
        + _FITS * fits(candidate.text, said)
        - _TELLS * max(0.0, 1 - candidate.closeness / _SURE) * particulars(candidate.text)
        - _COMMITS * far * promises(candidate.text)
        - _DECIDES * far * (said is Said.QUESTION and decides(candidate.text))
        - _OUT * _clashes(candidate.text, persona)
        - _OUT * _repeats(candidate, spoken)
    )


def _fallback(candidate: _Candidate, said: Said, spoken: Sequence[str]) -> float:
    """A persona's example was said on no known occasion: it has to fit the kind, and to commit to nothing."""
    return (
        2 * fits(candidate.text, said)
        - promises(candidate.text)
        - 0.5 * decides(candidate.text)
        - 0.5 * particulars(candidate.text)
        - _OUT * _repeats(candidate, spoken)
    )


def _typical(persona: Persona | None) -> list[_Candidate]:
    texts = persona.examples if persona else ()
    return [candidate for text in texts if (candidate := _Candidate.of(text, 0.0, persona)).lines]


def _agreement(candidate: _Candidate, others: Sequence[_Candidate]) -> float:
    """How alike the other replies to such messages are, in letters and length; the nearer ones count more."""
    rest = [other for other in others if other is not candidate]
    weight = sum(other.closeness for other in rest)
    alike = sum(other.closeness * _alike(candidate.runs, other.runs) for other in rest)
    return alike / weight if weight else 0.0


def _clashes(text: str, persona: Persona | None) -> bool:
    """Whether a reply is out of tone: laughter is not formal, unless the owner was measured to be so."""
    if persona is None or persona.tone != "formal" or persona.style.messages >= _ENOUGH:
        return False
    return is_loose(text)


def _repeats(candidate: _Candidate, spoken: Sequence[str]) -> bool:
    """Whether the owner's side has just said this. Small change ("ok") may come again, but not at once."""
    if len(candidate.text.split()) <= 2:
        return candidate.text.casefold() in (line.casefold() for line in spoken[-2:])
    return any(_alike(candidate.runs, _runs(line)) > 0.7 for line in spoken) or any(
        len(line.split()) > 2 and _alike(_runs(line), _runs(earlier)) > 0.7
        for line in candidate.lines
        for earlier in spoken
    )


def _spoken(turn: Turn) -> list[str]:
    return [line.text for line in turn.window if not line.from_contact][-_REMEMBERS:]


def _said(turn: Turn) -> Said:
    kinds = [kind_of(message.text) for message in turn.messages]
    return Said.QUESTION if Said.QUESTION in kinds else kinds[-1]


def _parts(turn: Turn, lines: Sequence[str]) -> tuple[Part, ...]:
    """The first line speaks to the last question, quoting it if more was said since; the rest to the last."""
    last = turn.messages[-1]
    asked = _last_question(turn.messages) or last
    addressed = [asked] + [last] * (len(lines) - 1)
    return tuple(
        Part(line, message.id, quote=message.id != last.id)
        for line, message in zip(lines, addressed, strict=True)
    )


def _last_question(messages: Sequence[Message]) -> Message | None:
    return next((m for m in reversed(messages) if kind_of(m.text) is Said.QUESTION), None)


def dress(text: str, persona: Persona | None) -> str:
    """A text as the persona would type it: capitals, full stop and pictures; the words stay."""
    text = text.strip()
    if persona is None or not text:
        return text
    style = persona.style
    if style.messages < _ENOUGH:
        return _formal(text) if persona.tone == "formal" else text
    if style.emoji < 0.01:
        text = _PICTURE.sub("", text).strip()
    return _stop(_capital(text, style), style)


def _formal(text: str) -> str:
    text = _PICTURE.sub("", text).strip()
    if not text:
        return text
    return text[0].upper() + text[1:] + ("." if text[-1].isalnum() else "")


def _capital(text: str, style: Style) -> str:
    if style.lower_case > 0.85 and not text[:2].isupper() and text[1:2] not in ("'", "’"):
        return text[:1].lower() + text[1:]
    return text[:1].upper() + text[1:] if style.lower_case < 0.05 else text


def _stop(text: str, style: Style) -> str:
    if style.full_stop < 0.05 and text.endswith(".") and not text.endswith(".."):
        return text[:-1]
    return text + "." if style.full_stop > 0.85 and text[-1:].isalnum() else text


def _runs(text: str) -> Counter[str]:
    """Runs of one to three letters and signs, counted; blanks and case do not matter."""
    bare = "".join(text.casefold().split())
    return Counter(bare[i : i + size] for size in (1, 2, 3) for i in range(len(bare) - size + 1))


def _alike(a: Counter[str], b: Counter[str]) -> float:
    """The share of runs that two texts have in common, 0 to 1; a much longer text has little in common."""
    return 2 * (a & b).total() / (a.total() + b.total()) if a and b else 0.0
