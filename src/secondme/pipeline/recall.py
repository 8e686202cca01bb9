"""What may they hear? The window, facts, a persona and the owner's replies, from queries that return nothing else."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from asyncpg import Record

from secondme.domain.fact import Fact
from secondme.domain.message import Line
from secondme.domain.persona import Persona
from secondme.domain.turn import Contact, Turn
from secondme.llm.prompts import LONGEST
from secondme.pipeline.personas import Personas
from secondme.pipeline.together import Together
from secondme.ports import Memory, Voices
from secondme.stores.ledger import Ledger, turns, voices

EXAMPLES = 12  # replies of the owner's that they may hear
_CHARACTERS = 3  # a token, roughly
_AROUND = 30  # characters around each item in the prompt
_WINDOW = 0.7  # of the budget at the most: a long talk must not take it all
_BEFORE = 2  # lines whose names are looked for too: "and how is he?"

_CLOSE = 0.25  # closeness from which on a fact is worth its tokens
_ANYWAY = 4  # facts that are told though none of them is close
_FRESH, _FADES = 0.2, timedelta(days=90)  # what being new counts, and when half of that is left
_OWN = 0.1  # what counts that they said it themselves
_ENDED = 0.5  # what counts against a fact that holds no longer


class Recall:
    """The stage that gathers what a mind may know. Everything in it is this contact's, or may be heard by them."""

    def __init__(self, ledger: Ledger, personas: Personas, own: Voices, memory: Memory | None) -> None:
        """`memory`: None where the mind reads no facts."""
        self._ledger = ledger
        self._personas = personas
        self._own = own
        self._memory = memory
        self._window = Together[Turn, Sequence[Record]](self._windows)

    async def __call__(self, turn: Turn) -> Turn:
        if not turn.answers:
            return turn
        window = turns.lines(self._ledger.vault, await self._window(turn))
        asked = [message.text for message in turn.messages]
        return within(
            replace(
                turn,
                window=tuple(window),
                persona=choose(await self._personas.all(), turn.contact),
                facts=useful(await self._facts(turn, asked, window), turn),
                examples=await self._own.nearest(turn.contact.id, asked, EXAMPLES),
            )
        )

    async def _facts(self, turn: Turn, asked: Sequence[str], window: Sequence[Line]) -> Sequence[Fact]:
        if self._memory is None or not turn.account.profile.facts:
            return ()
        before = [line.text for line in window[-_BEFORE:]]
        return await self._memory.heard_by(turn.contact.id, asked, before)

    async def _windows(self, group: Sequence[Turn]) -> list[Sequence[Record] | BaseException]:
        async with self._ledger.light() as light:
            found = await turns.windows(light, group)
        return [found.get(turn.conversation_id, ()) for turn in group]


def choose(personas: Sequence[Persona], contact: Contact) -> Persona | None:
    """Override by contact, then the voice learned with such people, then with all, then a default, then the first."""
    by_id = {persona.id: persona for persona in personas}
    for chosen in (contact.persona_id, voices.own(contact.relationship), voices.OWN):
        if chosen in by_id:
            return by_id[chosen]
    fitting = [p for p in personas if contact.relationship in p.applicable_to]
    return next(iter(fitting), None) or next(iter(personas), None)


def useful(facts: Sequence[Fact], turn: Turn) -> tuple[Fact, ...]:
    """The facts that a mind is shown, the most useful first: what is close to what was said, and a few others."""
    ranked = sorted(facts, key=lambda fact: -_worth(fact, str(turn.contact.id), turn.now))
    shown = [fact for place, fact in enumerate(ranked) if place < _ANYWAY or fact.closeness >= _CLOSE]
    return tuple(shown[: turn.account.profile.facts])


def _worth(fact: Fact, contact: str, now: datetime) -> float:
    age = max(now - fact.said_at, timedelta(0))
    worth = fact.closeness + _FRESH * math.exp2(-(age / _FADES))
    return worth + _OWN * (fact.teller == contact) - _ENDED * (fact.valid_to is not None)


def within(turn: Turn) -> Turn:
    """The Turn with what fits into its profile's budget: the newest lines, then the facts, then the examples."""
    room = turn.account.profile.recall_tokens * _CHARACTERS
    said, lines = _fitting(reversed(turn.window), lambda line: line.text, int(room * _WINDOW))
    known, facts = _fitting(turn.facts, lambda fact: fact.text, room - said)
    _, examples = _fitting(turn.examples, lambda example: example.text, room - said - known)
    lines.reverse()
    cut = len(lines) < len(turn.window) or len({line.id for line in lines}) >= turn.account.profile.recalls
    return replace(turn, window=tuple(lines), window_cut=cut, facts=tuple(facts), examples=tuple(examples))


def _fitting[Item](items: Iterable[Item], text: Callable[[Item], str], room: int) -> tuple[int, list[Item]]:
    """As many of the first items as fit, and how many characters they take."""
    taken, kept = 0, []
    for item in items:
        size = min(len(text(item)), LONGEST) + _AROUND
        if taken + size > room:
            break
        taken += size
        kept.append(item)
    return taken, kept
