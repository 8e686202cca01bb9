"""What the owner may ask memory and decide about it, from the command line or the dashboard, while services run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from secondme.domain.errors import Ambiguous, NotFound, StoreUnavailable
from secondme.domain.fact import EVERYONE, OWNER, Fact, Forgotten, is_group
from secondme.memory import answers, questions
from secondme.memory.exports.authors import same_name
from secondme.memory.forgetting import forget_in_graph
from secondme.memory.mirroring import Mirror
from secondme.owner.control import Control
from secondme.pipeline.effects import Effects
from secondme.ports import Clock, Embedder, Extractor
from secondme.stores.graph import Graph, QueryRefused, asking, forgetting, sharing
from secondme.stores.graph.asking import Named, Why
from secondme.stores.ledger import Ledger, Lock, glances, imports

_NEAREST = 10  # facts that are shown of those near in meaning
_CLOSE = 0.25  # below this nothing is near, as in recall


class Remembering:
    """The owner's rights over memory. All but `forget` raise StoreUnavailable while the graph does not answer."""

    def __init__(
        self, ledger: Ledger, graph: Graph, mirror: Mirror, control: Control, effects: Effects, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._graph = graph
        self._mirror = mirror
        self._control = control
        self._effects = effects
        self._clock = clock

    async def facts(self, contact_id: UUID) -> list[Fact]:
        """What this contact told and what they may hear: what holds first, then the last said first."""
        return await asking.facts_of(self._graph, str(contact_id))

    async def why(self, fact_id: str) -> Why:
        """Where a fact comes from. Raises NotFound."""
        return await asking.why(self._graph, fact_id)

    async def share(self, fact_id: str, contact_id: UUID | None) -> bool:
        """Let a contact hear a fact, or, without one, everyone. Raises NotFound, also for who was just forgotten.

        Returns False for a contact who hears it anyway: they were there when it was said.
        """
        async with self._ledger.alone(Lock.KNOWING) as connection:
            assert connection is not None
            if contact_id and not await imports.there(connection, [str(contact_id)]):
                raise NotFound("There is no such contact; it may have been forgotten.")
            await sharing.share(self._graph, fact_id, _audience(contact_id))
            heard = contact_id and await asking.was_there(self._graph, fact_id, str(contact_id))
        self._effects.acted("fact.shared", contact_id, self._clock.now())
        return not heard

    async def unshare(self, fact_id: str, contact_id: UUID | None) -> None:
        """Take that back. Raises NotFound where it was not shared so."""
        await sharing.unshare(self._graph, fact_id, _audience(contact_id))
        self._effects.acted("fact.unshared", contact_id, self._clock.now())

    async def ask(self, question: str, embedder: Embedder) -> list[Fact]:
        """What answers a question of the owner's: by its form where it has one, else what is nearest in meaning.

        Of all tellers, what holds first. Raises MindFailed where no vector is to be had.
        """
        for asked in questions.read(question):
            if found := await self._answers(asked):
                return found
        [vector] = await embedder.embed([question])
        nearest = await asking.search(self._graph, vector, _NEAREST)
        return [one for one in nearest if one.closeness >= _CLOSE]

    async def answer(
        self, question: str, found: Sequence[Fact], extractor: Extractor
    ) -> answers.Answer | None:
        """The same in words, from the facts that `ask` found: see `answers.answer`. Raises MindFailed."""
        names = await self.names()
        tellers = {fact.teller: called(names, fact.teller) for fact in found}
        return await answers.answer(extractor, question, found, tellers)

    async def _answers(self, asked: questions.Asked) -> list[Fact]:
        found: dict[str, Fact] = {}
        if asked.of_it or asked.predicate is None:
            found |= {one.id: one for one in await asking.stated(self._graph, asked.predicate, asked.named)}
        if not asked.of_it:
            found |= {one.id: one for one in await asking.about(self._graph, asked.predicate, asked.named)}
            if await self._is_owner(asked.named):
                told = await asking.of_owner(self._graph, self._ledger.vault.digest, asked.predicate)
                found |= {one.id: one for one in told}
        return sorted(found.values(), key=lambda one: one.valid_to is not None)

    async def _is_owner(self, named: str) -> bool:
        if questions.is_me(named):
            return True
        async with self._ledger.light() as light:
            return await glances.is_owner(light, self._ledger.vault, same_name(named))

    async def merge(self, one: str, other: str) -> tuple[str, str] | None:
        """Say that two are one: contacts or what was named, each by its id or name. Returns how both are called, or
        None where they are one already.

        Raises NotFound, Ambiguous with the ids to use instead, and Invalid for two that are not of one kind.
        """
        (first, name), (second, other_name) = await self._which(one), await self._which(other)
        if not await sharing.merge(self._graph, first, second):
            return None
        self._effects.acted("memory.merged", None, self._clock.now())
        return name, other_name

    async def unmerge(self, one: str, other: str) -> tuple[str, str]:
        """Take that back. Raises NotFound, also where they were not merged, and Ambiguous."""
        (first, name), (second, other_name) = await self._which(one), await self._which(other)
        await sharing.unmerge(self._graph, first, second)
        self._effects.acted("memory.unmerged", None, self._clock.now())
        return name, other_name

    async def export(self, contact_id: UUID) -> dict[str, Any]:
        """Everything that is kept about a contact, in the ledger and in the graph. Raises NotFound."""
        kept = await self._control.export(contact_id)
        return {**kept, "memory": await forgetting.export_contact(self._graph, str(contact_id))}

    async def forget(self, contact_id: UUID) -> dict[str, Any]:
        """Erase a contact everywhere; returns the receipt. `memory` says what went from the graph, and `finishedAt`
        when the files of all stores held nothing of them any more. While the graph cannot, `memory` is None, and
        `memoryFollows` says why; `filesFollow` does where the other stores cannot rewrite their files.

        Somebody whom the ledger has no more is forgotten in the graph and in the files alone.
        """
        try:
            receipt = await self._control.forget(contact_id)
        except NotFound:
            receipt = {"forgotten": str(contact_id), "erased": {}, "importsThatRemain": []}
        receipt |= {"memory": None, "memoryFollows": None, "filesFollow": None, "finishedAt": None}
        try:  # before files are written anew, which takes long: the graph worker soon forgets whom the ledger has not
            await self._mirror.write_personas()  # they quote
            receipt["memory"] = _went(await forget_in_graph(self._ledger, self._graph, str(contact_id)))
        except (StoreUnavailable, QueryRefused) as error:
            receipt["memoryFollows"] = str(error)
        try:
            await self._control.rewrite_files()
        except StoreUnavailable as error:
            receipt["filesFollow"] = str(error)
        if not (receipt["memoryFollows"] or receipt["filesFollow"]):
            receipt["finishedAt"] = self._clock.now().isoformat()
        return receipt

    async def forget_fact(self, fact_id: str) -> dict[str, Any]:
        """Take away one fact, as often as its teller said it, and what was named for it alone; returns the receipt.

        `others`: facts of other tellers that say the same, which stay, by id. Raises NotFound.
        """
        fact = (await asking.why(self._graph, fact_id)).fact
        gone = await forgetting.forget_fact(self._graph, fact_id)
        self._effects.acted("fact.forgotten", None, self._clock.now())
        told = await asking.about(self._graph, fact.predicate, fact.about[0]) if fact.about else []
        others = [one.id for one in told if one.text.casefold() == fact.text.casefold()]
        done = _iso(gone.rewritten_at)
        return {"forgotten": fact_id, "others": others, "memory": _went(gone), "finishedAt": done}

    async def _which(self, wanted: str) -> tuple[str, str]:
        """The id of the one contact or entity that is meant, and how it is called."""
        try:
            rows = await self._control.find(wanted, imported=True)
        except NotFound:
            rows = []
        named, names = await asking.entities(self._graph, wanted), await self.names()
        found = [(str(row.id), f"{row.name or row.address} (a contact)") for row in rows[:1]]
        found += [(one.id, _spoken_of(one, names)) for one in named]
        if not found:
            raise NotFound(f"Nobody and nothing known is called {wanted!r}: say the id or the whole name.")
        if len(found) > 1:
            listed = "; ".join(f"{id}: {name}" for id, name in found)
            raise Ambiguous(f"{wanted!r} fits several; use an id: {listed}.")
        return found[0]

    async def names(self) -> dict[str, str]:
        """How tellers and audiences are called, by id; those who are not in it are groups, or forgotten."""
        rows = await self._control.everyone(imported=True)
        known = {str(row.id): row.name or row.address for row in rows}
        return {**known, OWNER: "you", EVERYONE: "everyone"}


def called(names: dict[str, str], id: str) -> str:
    """A teller or an audience in words."""
    return names.get(id) or ("a group chat" if is_group(id) else "somebody unknown")


def _spoken_of(one: Named, names: dict[str, str]) -> str:
    tellers = ", ".join(called(names, teller) for teller in one.tellers)
    return f"{one.name} ({one.type.lower()}, told by {tellers})"


def plain(fact: Fact) -> dict[str, Any]:
    """A fact for programs."""
    return {
        "id": fact.id,
        "predicate": fact.predicate.value,
        "text": fact.text,
        "teller": fact.teller,
        "source": fact.source,
        "saidAt": fact.said_at,
        "validFrom": fact.valid_from,
        "validTo": fact.valid_to,
        "confidence": fact.confidence,
        "audience": fact.audience,
        "about": fact.about,
    }


def _went(gone: Forgotten) -> dict[str, Any]:
    return {"messages": gone.sources, "facts": gone.facts, "entities": gone.entities}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _audience(contact_id: UUID | None) -> str:
    return EVERYONE if contact_id is None else str(contact_id)
