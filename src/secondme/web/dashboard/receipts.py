"""Why: the receipt behind a bubble, as a journey with its times and a sentence for the rule that decided."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from secondme.domain.errors import NotFound, StoreUnavailable
from secondme.domain.fact import OWNER, Fact
from secondme.domain.turn import FIXED_LINE
from secondme.stores.graph.asking import by_ids
from secondme.stores.ledger import glances, reading
from secondme.web.dashboard.rules import rule
from secondme.web.dashboard.views import KnownView, Mark, OwnWordsView, StepView, Teller, WhyView
from secondme.wiring import App

_ENDINGS = {
    "replied": "Answered",
    "drafted": "Drafted for you",
    "silent": "Left unanswered",
    "uncertain": "May not have arrived",
    "failed": "Could not be answered",
}

_MEMORY_ANSWERS = 2.0  # seconds; the rest of the receipt does not wait for it any longer
_MARKS: Mapping[str, Mark] = {"drafted": "open", "uncertain": "doubt"}


async def why(app: App, item: UUID) -> WhyView:
    """The receipt of an inbound message, or of the message that a delivery answers. Raises NotFound."""
    async with app.ledger.transaction() as tx:
        found = await reading.why(tx, app.ledger.vault, item)
        waits = found is not None and found["outcome"] is None and found["composedAt"] is None
        held = (
            await glances.held(tx, UUID(found["conversationId"]), app.clock.now())
            if found and waits
            else None
        )
    # The owner's own words are settled as they arrive, and nobody decides about them.
    if found is None or (found["outcome"] is None and found["settledAt"]):
        raise NotFound("There is no receipt for this message: it is your own, or it has been erased.")
    given = await _given(app, [fact["id"] for fact in found.get("facts") or []])
    return receipt({**found, "rule": held[1], "heldUntil": held[0]} if held else found, given)


async def _given(app: App, ids: Sequence[str]) -> Mapping[str, Fact] | None:
    """The facts with these ids that memory still has. None where it does not answer."""
    if not ids:
        return {}
    try:
        async with asyncio.timeout(_MEMORY_ANSWERS):
            return {fact.id: fact for fact in await by_ids(app.graph, ids)}
    except (StoreUnavailable, TimeoutError):
        return None


def receipt(found: Mapping[str, Any], given: Mapping[str, Fact] | None = None) -> WhyView:
    """What `reading.why` found, in words. `given`: the facts that memory has of those that a mind was shown."""
    words = rule(found["rule"])
    answers = len(found.get("answers") or [])
    return WhyView(
        message_id=UUID(found["messageId"]),
        conversation_id=UUID(found["conversationId"]),
        outcome=found["outcome"],
        rule=found["rule"],
        summary=_summary(found, answers),
        sentence=words.sentence if words else None,
        steps=_steps(found),
        own_words=_own_words(found),
        own_words_erased=_erased(found),
        known=_known(found, given or {}),
        memory_answers=given is not None,
        answers=answers,
        mind=found["mind"],
        offline=found["mind"] == "offline",
        persona=found.get("persona"),
        tokens=found["tokens"],
        overtaken=bool(found.get("overtaken")),
        settled_at=found["settledAt"],
    )


def _own_words(found: Mapping[str, Any]) -> list[OwnWordsView]:
    """What it leaned on: what was said again first, then by closeness."""
    said = _lines("\n".join(found.get("said") or []))
    words = [
        OwnWordsView(
            text=w["text"], said=_within(_lines(w["text"]), said), closeness=w["closeness"], at=w["at"]
        )
        for w in found.get("leanedOn") or []
    ]
    return sorted(words, key=lambda w: (not w.said, -w.closeness))


def _known(found: Mapping[str, Any], given: Mapping[str, Fact]) -> list[KnownView]:
    """What a mind was shown of what is known, the closest first."""
    tellers: Mapping[str, Teller] = {OWNER: "owner", found["contactId"]: "contact"}
    shown = sorted(found.get("facts") or [], key=lambda one: -one["closeness"])
    return [_fact(one, given.get(one["id"]), tellers) for one in shown]


def _fact(one: Mapping[str, Any], fact: Fact | None, tellers: Mapping[str, Teller]) -> KnownView:
    if fact is None:
        return KnownView(id=one["id"], closeness=one["closeness"])
    return KnownView(
        id=fact.id,
        closeness=one["closeness"],
        text=fact.text,
        by=tellers.get(fact.teller, "other"),
        said_at=fact.said_at,
        until=fact.valid_to,
    )


def _lines(text: str) -> list[str]:
    """Lines by their letters and digits alone: how they are dressed depends on who is spoken to."""
    plain = ("".join(c for c in line if c.isalnum()) for line in text.casefold().splitlines())
    return [line for line in plain if line]


def _within(words: list[str], said: list[str]) -> bool:
    """Whether all these lines were said, one after the other, or as many of them as one answer has."""
    if said and words[: len(said)] == said:
        return True
    starts = range(len(said) - len(words) + 1) if words else ()
    return any(said[start : start + len(words)] == words for start in starts)


def _erased(found: Mapping[str, Any]) -> bool:
    """Whether a mind was asked, and what it was given is no longer kept."""
    return found["mind"] not in (None, FIXED_LINE) and "leanedOn" not in found


def _summary(found: Mapping[str, Any], answers: int) -> str:
    outcome = found["outcome"]
    if outcome is None:
        if found.get("heldUntil"):
            return "Held back; it is looked at again later."
        return "On its way." if found["composedAt"] else "Waiting: the burst may not be over yet."
    if outcome == "replied":
        what = f"Answered {answers} messages together" if answers > 1 else "Answered"
        persona = found.get("persona")
        return f"{what} as “{persona}”." if persona else f"{what}."
    return f"{_ENDINGS.get(outcome, outcome)}."


def _steps(found: Mapping[str, Any]) -> list[StepView]:
    """The journey from arrival to the last thing known, in order of time."""
    arrived: datetime = found["receivedAt"]
    steps = [StepView(label="Received and kept", at=arrived, after_ms=0)]
    if found["composedAt"]:
        steps += _composing(found, arrived)
    for part in found["deliveries"]:
        steps += _delivery(part, arrived)
    if found["settledAt"] and found["outcome"] != "replied":
        words = rule(found["rule"])
        label, mark = _ENDINGS.get(found["outcome"], found["outcome"]), _MARKS.get(found["outcome"], "no")
        steps.append(_step(label, words.short if words else None, found["settledAt"], arrived, mark))
    return steps


def _composing(found: Mapping[str, Any], arrived: datetime) -> list[StepView]:
    timings: Mapping[str, float] = found["timings"]
    composed: datetime = found["composedAt"]
    begun = composed - timedelta(milliseconds=sum(timings.values()))
    verdict = found.get("verdict") or found["rule"]
    steps = [_step("Waited for the burst to end", None, begun, arrived)]
    words = rule(verdict)
    judged = begun + timedelta(milliseconds=timings.get("judge", 0.0))
    steps.append(_step("Judged", words.short if words else None, judged, arrived))
    if not found["mind"]:
        return steps
    recalled = judged + timedelta(milliseconds=timings.get("recall", 0.0))
    steps.append(_step("Recalled", _recalled(found), recalled, arrived))
    took = f"{found['mind']} mind, {timings.get('compose', 0.0):.0f} ms"
    steps.append(_step("Composed", took, composed, arrived))
    return steps


def _recalled(found: Mapping[str, Any]) -> str:
    if _erased(found):
        return "what it leaned on was erased"
    lines, replies = found.get("windowLines") or 0, len(found.get("leanedOn") or [])
    facts = len(found.get("facts") or [])
    if not lines and not replies and not facts:
        return "nothing that fits yet"
    known = f", {_count(facts, 'fact')}" if facts else ""
    return f"{_count(lines, 'line')} of this talk{known}, {_count(replies, 'reply', 'replies')} of yours"


def _delivery(part: Mapping[str, Any], arrived: datetime) -> Sequence[StepView]:
    status, at = part["status"], part["sent_at"] or part["in_flight_at"]
    if part["kind"] != "text":
        # Presence that did not go out matters to nobody.
        label = "Ticked as read" if part["kind"] == "read" else "Began to type"
        return [_step(label, None, at, arrived)] if status == "sent" else []
    if status == "withdrawn":
        return [StepView(label="Dropped before it was sent", note="something newer came", mark="no")]
    if status == "planned":
        return [StepView(label="Typing", note=f"{part['typing_ms'] / 1000:.1f} s planned", mark="open")]
    note = f"typed for {part['typing_ms'] / 1000:.1f} s" if part["typing_ms"] else None
    if status == "in_flight":
        return [_step("Sending", note, at, arrived, "open")]
    if status in ("uncertain", "failed"):
        label = "May not have arrived" if status == "uncertain" else "Did not leave"
        return [_step(label, part["error"], at, arrived, "doubt" if status == "uncertain" else "no")]
    progress = part["progress"] if part["progress"] in ("delivered", "read") else None
    return [_step("Sent" if progress is None else f"Sent, {progress}", note, at, arrived)]


def _step(
    label: str, note: str | None, at: datetime | None, arrived: datetime, mark: Mark = "done"
) -> StepView:
    return StepView(label=label, note=note, at=at, after_ms=_ms(at - arrived) if at else None, mark=mark)


def _ms(length: timedelta) -> int:
    return max(0, round(length / timedelta(milliseconds=1)))


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
