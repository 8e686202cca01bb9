"""What the owner asks memory and decides about it, on a graph that a chat has filled."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from secondme.domain.errors import Ambiguous, Invalid, NotFound
from secondme.domain.fact import EVERYONE, OWNER, Fact
from secondme.embedded import Addresses
from secondme.observe.audit import AuditLog
from secondme.pipeline.effects import Effects
from secondme.pipeline.remembering import Remembering, called, plain
from secondme.stores.graph.asking import entities
from secondme.stores.graph.hearing import heard_by
from tests.pipeline.memory import Memory, a_memory

BEN = "+15550101"


@dataclass
class Owner:
    """Ana and Ben write, and are learned from; the owner has `rights`."""

    memory: Memory
    rights: Remembering
    ana: UUID
    ben: UUID

    async def told_by_ana(self) -> Fact:
        (fact,) = [one for one in await self.rights.facts(self.ana) if one.teller == str(self.ana)]
        return fact

    async def hears(self, contact: UUID) -> set[str]:
        return {fact.text for fact in await heard_by(self.memory.graph, str(contact), "")}


@pytest_asyncio.fixture
async def owner(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Owner]:
    async with a_memory(addresses, template, tmp_path) as memory:
        world = memory.world
        await world.says("I live in Lisbon")
        await world.says("I live in Porto", BEN, name="Ben")
        await memory.mirror.refresh()
        await memory.learn()
        effects = Effects(world.signals, AuditLog(tmp_path / "logs"), world.ledger.vault)
        rights = Remembering(memory.graph, world.control, effects, world.clock)
        yield Owner(memory, rights, await world.contact(), await world.contact(BEN))


async def test_what_somebody_told_and_may_hear(owner: Owner) -> None:
    fact = await owner.told_by_ana()
    assert (fact.text, fact.audience) == ("Ana lives in Lisbon", (str(owner.ana),))
    assert [one.text for one in await owner.rights.facts(owner.ben)] == ["Ben lives in Porto"]
    assert plain(fact)["validTo"] is None and plain(fact)["source"] == fact.source


async def test_what_is_shared_is_heard_until_it_is_not(owner: Owner) -> None:
    fact = await owner.told_by_ana()
    await owner.rights.share(fact.id, owner.ben)
    assert await owner.hears(owner.ben) == {"Ana lives in Lisbon", "Ben lives in Porto"}
    assert (await owner.rights.why(fact.id)).shared_with == (str(owner.ben),)
    await owner.rights.unshare(fact.id, owner.ben)
    assert await owner.hears(owner.ben) == {"Ben lives in Porto"}
    await owner.rights.share(fact.id, None)
    assert (await owner.rights.why(fact.id)).shared_with == (EVERYONE,)
    with pytest.raises(NotFound):
        await owner.rights.share("fact_of_nobody", None)
    logged = "".join(file.read_text() for file in (owner.memory.world.folder / "logs").iterdir())
    assert logged.count('"fact.shared"') == 2 and logged.count('"fact.unshared"') == 1
    assert "Lisbon" not in logged and str(owner.ben) not in logged


async def test_two_contacts_are_one_until_they_are_not(owner: Owner) -> None:
    assert await owner.rights.merge("Ana", str(owner.ben)) == ("Ana (a contact)", "Ben (a contact)")
    assert await owner.hears(owner.ben) == {"Ana lives in Lisbon", "Ben lives in Porto"}
    await owner.rights.unmerge("Ben", "Ana")
    assert await owner.hears(owner.ben) == {"Ben lives in Porto"}
    with pytest.raises(NotFound, match="not merged"):
        await owner.rights.unmerge("Ben", "Ana")


async def test_a_name_that_fits_several_lists_their_ids(owner: Owner) -> None:
    await owner.memory.world.says("I live in lisbon", BEN, name="Ben")
    await owner.memory.world.says("met Ben")
    await owner.memory.learn()
    with pytest.raises(Ambiguous, match=r"location_\w+: \w+ \(location, told by (Ana|Ben)\); location_"):
        await owner.rights.merge("Lisbon", "Porto")
    with pytest.raises(
        Ambiguous, match=rf"{owner.ben}: Ben \(a contact\); person_\w+: Ben \(person, told by Ana"
    ):
        await owner.rights.merge("Ben", "Ana")
    lisbon = [one.id for one in await entities(owner.memory.graph, " LISBON ")]
    await owner.rights.merge(*lisbon)
    with pytest.raises(Invalid):
        await owner.rights.merge("Ana", "Porto")
    with pytest.raises(NotFound):
        await owner.rights.merge("Ana", "?")


async def test_how_those_who_hear_are_called(owner: Owner) -> None:
    names = await owner.rights.names()
    asked = (str(owner.ana), OWNER, EVERYONE, "group:1", "gone")
    assert [called(names, id) for id in asked] == [
        "Ana",
        "you",
        "everyone",
        "a group chat",
        "somebody unknown",
    ]
