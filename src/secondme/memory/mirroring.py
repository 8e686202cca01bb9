"""Keeps the graph's User, Contact and Persona nodes as the ledger has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from secondme.domain.errors import StoreUnavailable
from secondme.domain.persona import Persona
from secondme.domain.turn import Contact
from secondme.memory.forgetting import forget_in_graph
from secondme.pipeline.personas import Personas
from secondme.pipeline.recall import choose
from secondme.ports import Clock
from secondme.stores.graph import Graph, mirror, schema
from secondme.stores.graph.mirror import ContactNode, PersonaNode, UserNode
from secondme.stores.ledger import Connection, Ledger, Lock, mirrored, voices
from secondme.stores.ledger.mirrored import Mirrored

_BATCH = 200  # contacts of one transaction, which Postgres ends after a second of waiting for the graph
_NEW_CONTACT = Contact(UUID(int=0), None, None, "acquaintance", None)


@dataclass(frozen=True, slots=True)
class Sleep:
    """The owner's quiet hours, in local time."""

    start: time
    end: time


class Mirror:
    """One process's mirror. It remembers a print of what it has written, so that only what differs is written again."""

    def __init__(
        self,
        ledger: Ledger,
        graph: Graph,
        personas: Personas,
        clock: Clock,
        dimension: int,
        sleep: Sleep | None = None,
    ) -> None:
        """`dimension`: of the vectors that the embedder makes."""
        self._ledger = ledger
        self._graph = graph
        self._personas = personas
        self._clock = clock
        self._dimension = dimension
        self._sleep = sleep
        self._contacts = dict[str, int]()  # prints, 0 where what the graph has is not known
        self._asked = False  # whether whom the graph has is among them
        self._gone: set[str] = set()  # of these, whom the ledger had no more the last time
        self._user: UserNode | None = None
        self._told: list[PersonaNode] = []
        self._folded = False

    async def migrate(self) -> bool:
        """Bring the graph to the newest schema; see `schema.migrate`. What was written before is written again."""
        done = await schema.migrate(self._graph, self._dimension)
        if done or not self._folded:
            await self._graph.query("fold")  # what the server has loaded counts as new
            self._folded = True
        if done:
            self._forget()
        return done

    async def refresh(self) -> int:
        """Write what has changed since the last time. Returns how many contacts that were.

        Asks the graph one question where nothing has changed: whether its schema is there, for a graph that was
        emptied is filled again. Raises StoreUnavailable; the next call then begins where this one ended.
        """
        try:
            await self.migrate()
            await self._refresh_personas()
            return await self._refresh_contacts()
        except StoreUnavailable:
            self._asked = False  # whoever forgot somebody meanwhile may not have reached the graph either
            raise

    async def rebuild(self) -> int:
        """Write everything. Returns how many contacts."""
        self._forget()
        return await self.refresh()

    def _forget(self) -> None:
        """Of what was written nothing counts."""
        self._contacts, self._asked, self._user, self._told = {}, False, None, []

    async def _refresh_personas(self) -> None:
        personas = await self._personas.all()
        async with self._ledger.light() as light:
            nodes = await self._nodes(light, personas)
        if nodes != self._told:
            await self.write_personas()
        default, sleep = choose(personas, _NEW_CONTACT), self._sleep
        user = UserNode(
            "", default.id if default else "", sleep.start if sleep else None, sleep.end if sleep else None
        )
        if user != self._user:
            await mirror.put_user(self._graph, user, self._clock.now())
            self._user = user

    async def write_personas(self) -> None:
        """Write the personas as the ledger has them now: of what it has forgotten nothing is written after this.

        Raises StoreUnavailable.
        """
        async with self._ledger.alone(Lock.KNOWING) as connection:
            assert connection is not None
            nodes = await self._nodes(connection, await voices.personas(connection, self._ledger.vault))
            await mirror.put_personas(self._graph, nodes)
        self._told = nodes

    async def _nodes(self, connection: Connection, personas: Sequence[Persona]) -> list[PersonaNode]:
        """One that is gone since, or not yet in the cache, is the next call's."""
        times = await mirrored.persona_times(connection)
        return [_persona(persona, *times[persona.id]) for persona in personas if persona.id in times]

    async def _refresh_contacts(self) -> int:
        if not self._asked:
            # Asked before the ledger is: whom the ledger then does not have has been forgotten.
            self._contacts = dict.fromkeys(await mirror.known(self._graph), 0) | self._contacts
            self._asked = True
        async with self._ledger.single() as connection:
            prints = await mirrored.prints(connection, self._clock.now())
        gone = self._contacts.keys() - prints.keys()
        if left := gone & self._gone:
            # Not at once: whoever forgets them does this too, and counts what goes. It is left to us where they
            # could not.
            for contact in sorted(left & await mirror.known(self._graph)):
                await forget_in_graph(self._ledger, self._graph, contact)
            self._contacts = {id_: print_ for id_, print_ in self._contacts.items() if id_ not in left}
        self._gone = gone
        changed = [id_ for id_, print_ in prints.items() if self._contacts.get(id_) != print_]
        for start in range(0, len(changed), _BATCH):
            batch = changed[start : start + _BATCH]
            # Before they are written: should this end in between, they are still found gone when they are.
            self._contacts |= dict.fromkeys(batch, 0)
            await self._write(batch)
            self._contacts |= {id_: prints[id_] for id_ in batch}
        return len(changed)

    async def _write(self, ids: list[str]) -> None:
        """Inside a transaction that keeps them from being forgotten in between, and then written after all."""
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            found = await mirrored.contacts(tx, self._ledger.vault, [UUID(id_) for id_ in ids], now)
            await mirror.put_contacts(self._graph, [_contact(one) for one in found], now)


def _persona(persona: Persona, created_at: datetime, updated_at: datetime) -> PersonaNode:
    return PersonaNode(
        persona.id,
        persona.name,
        persona.style_guide,
        persona.tone,
        persona.examples,
        persona.applicable_to,
        created_at,
        updated_at,
    )


def _contact(row: Mirrored) -> ContactNode:
    return ContactNode(
        id=str(row.id),
        phone=row.address,
        name=row.name or row.address,
        relationship=row.relationship,
        enabled=row.enabled,
        persona_id=row.persona_id,
        last_at=row.last_at,
        created_at=row.created_at,
    )
