"""What may they hear? The window, the persona and the owner's own replies, from queries that return nothing else."""

from collections.abc import Sequence
from dataclasses import replace

from asyncpg import Record

from secondme.domain.persona import Persona
from secondme.domain.turn import Contact, Turn
from secondme.pipeline.personas import Personas
from secondme.pipeline.together import Together
from secondme.ports import Voices
from secondme.stores.ledger import Ledger, turns, voices

EXAMPLES = 12  # replies of the owner's that anyone may hear


class Recall:
    """The stage that gathers what a mind may know. Everything in it is this contact's, or may be heard by anyone."""

    def __init__(self, ledger: Ledger, personas: Personas, own: Voices) -> None:
        self._ledger = ledger
        self._personas = personas
        self._own = own
        self._window = Together[Turn, Sequence[Record]](self._windows)

    async def __call__(self, turn: Turn) -> Turn:
        if not turn.answers:
            return turn
        window = turns.lines(self._ledger.vault, await self._window(turn))
        personas = await self._personas.all()
        examples = await self._own.nearest([m.text for m in turn.messages], EXAMPLES)
        return replace(turn, window=tuple(window), persona=choose(personas, turn.contact), examples=examples)

    async def _windows(self, group: Sequence[Turn]) -> list[Sequence[Record] | BaseException]:
        async with self._ledger.light() as light:
            found = await turns.windows(light, group)
        return [found.get(turn.conversation_id, ()) for turn in group]


def choose(personas: Sequence[Persona], contact: Contact) -> Persona | None:
    """Override by contact, then the owner's learned voice, then by relationship, then the first there is."""
    by_id = {persona.id: persona for persona in personas}
    for chosen in (contact.persona_id, voices.OWN):
        if chosen in by_id:
            return by_id[chosen]
    fitting = [p for p in personas if contact.relationship in p.applicable_to]
    return next(iter(fitting), None) or next(iter(personas), None)
