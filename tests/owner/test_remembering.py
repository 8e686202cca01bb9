"""What the owner asks memory and decides about it, on a graph that a chat has filled."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from secondme.domain.errors import Ambiguous, Invalid, NotFound
from secondme.domain.fact import (
    EVERYONE,
    OWNER,
    Entity,
    EntityType,
    Fact,
    Gist,
    Learned,
    Predicate,
    Source,
    Statement,
)
from secondme.embedded import Addresses
from secondme.llm.embeddings import LexicalEmbedder
from secondme.memory.embedding import Embedding
from secondme.observe.audit import AuditLog
from secondme.owner.remembering import Remembering, called, plain
from secondme.pipeline.effects import Effects
from secondme.stores.graph import Graph
from secondme.stores.graph.asking import by_ids, entities
from secondme.stores.graph.hearing import heard_by
from secondme.stores.graph.learning import learn
from secondme.stores.ledger import Lock
from tests.memory.a_memory import Memory, a_memory, chat
from tests.stores.graph.conftest import DIMENSION

BEN = "+15550101"


@dataclass
class Owner:
    """Ana and Ben write, and are learned from; the owner has `rights`."""

    memory: Memory
    ana: UUID
    ben: UUID

    @property
    def rights(self) -> Remembering:
        return self.remembering(self.memory.graph)

    async def told_by_ana(self) -> Fact:
        (fact,) = [one for one in await self.rights.facts(self.ana) if one.teller == str(self.ana)]
        return fact

    def remembering(self, graph: Graph) -> Remembering:
        world = self.memory.world
        effects = Effects(world.signals, AuditLog(world.folder / "logs"), world.ledger.vault)
        return Remembering(world.ledger, graph, self.memory.mirror, world.control, effects, world.clock)

    async def texts(self) -> list[str]:
        """All that is known of anybody."""
        rows = await self.memory.graph.run("MATCH (f:Fact) RETURN f.id")
        return sorted(one.text for one in await by_ids(self.memory.graph, [row[0] for row in rows]))

    async def pages(self) -> int:
        """The file in which the ledger's contacts lie."""
        async with self.memory.world.ledger.light() as light:
            return int(await light.fetchval("SELECT pg_relation_filenode('contacts')"))

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
        yield Owner(memory, await world.contact(), await world.contact(BEN))


async def test_what_somebody_told_and_may_hear(owner: Owner) -> None:
    fact = await owner.told_by_ana()
    assert (fact.text, fact.audience) == ("Ana lives in Lisbon", (str(owner.ana),))
    assert [one.text for one in await owner.rights.facts(owner.ben)] == ["Ben lives in Porto"]
    assert plain(fact)["validTo"] is None and plain(fact)["source"] == fact.source


async def test_what_is_shared_is_heard_until_it_is_not(owner: Owner) -> None:
    fact = await owner.told_by_ana()
    assert not await owner.rights.share(fact.id, owner.ana)  # she said it
    assert await owner.rights.share(fact.id, owner.ben)
    assert await owner.hears(owner.ben) == {"Ana lives in Lisbon", "Ben lives in Porto"}
    assert (await owner.rights.why(fact.id)).shared_with == (str(owner.ben),)
    await owner.rights.unshare(fact.id, owner.ben)
    assert await owner.hears(owner.ben) == {"Ben lives in Porto"}
    await owner.rights.share(fact.id, None)
    assert (await owner.rights.why(fact.id)).shared_with == (EVERYONE,)
    with pytest.raises(NotFound):
        await owner.rights.share("fact_of_nobody", None)
    logged = "".join(file.read_text() for file in (owner.memory.world.folder / "logs").iterdir())
    assert logged.count('"fact.shared"') == 3 and logged.count('"fact.unshared"') == 1
    assert "Lisbon" not in logged and str(owner.ben) not in logged


async def test_who_was_there_hears_it_already(owner: Owner, tmp_path: Path) -> None:
    path = chat(tmp_path / "WhatsApp Chat with Climbers.txt", "Mara: I live in Rome", "Tom: hi")
    await owner.memory.imports(path)
    (mara,), (tom,) = [await owner.memory.world.control.find(name, imported=True) for name in ("Mara", "Tom")]
    (rome,) = await owner.rights.facts(mara.id)
    assert not await owner.rights.share(rome.id, tom.id) and not await owner.rights.share(rome.id, tom.id)
    assert await owner.rights.share(rome.id, owner.ben)


async def test_nothing_is_shared_with_whom_somebody_forgets_meanwhile(owner: Owner) -> None:
    """Who chose a contact may come too late: no node of theirs comes back."""
    fact = await owner.told_by_ana()
    await owner.rights.forget(owner.ben)
    with pytest.raises(NotFound, match="forgotten"):
        await owner.rights.share(fact.id, owner.ben)
    assert await owner.memory.graph.run("MATCH (c:Contact) RETURN c.id") == [[str(owner.ana)]]


async def test_two_contacts_are_one_until_they_are_not(owner: Owner) -> None:
    assert await owner.rights.merge("Ana", str(owner.ben)) == ("Ana (a contact)", "Ben (a contact)")
    assert await owner.rights.merge("Ben", "Ana") is None
    assert await owner.rights.merge("Ben", "Ben") is None
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


async def test_what_the_owner_asks(owner: Owner) -> None:
    embedder = LexicalEmbedder(DIMENSION)
    await Embedding(owner.memory.graph, embedder).embed_once()

    async def ask(question: str) -> list[str]:
        return [one.text for one in await owner.rights.ask(question, embedder)]

    assert await ask("Who lives in LISBON?") == ["Ana lives in Lisbon"]
    assert await ask("wo wohnt Ben?") == ["Ben lives in Porto"]
    assert await ask("what about Ana") == ["Ana lives in Lisbon"]
    assert (await ask("Ana lives in Lisbon"))[:1] == ["Ana lives in Lisbon"]


async def test_the_owner_asks_about_themselves(owner: Owner, tmp_path: Path) -> None:
    """Also by the name that they bear in their chats, and by no other."""
    path = chat(tmp_path / "WhatsApp Chat with Mara.txt", "Lena Roth: I live in Rome", "Mara: oh")
    await owner.memory.imports(path, "Lena Roth")
    embedder = LexicalEmbedder(DIMENSION)
    for question in ("where do I live?", "wo wohne ich?", "dónde vivo?", "where does lena roth live?"):
        (fact,) = await owner.rights.ask(question, embedder)
        assert (fact.teller, fact.about[-1]) == (OWNER, "Rome")
    assert await owner.rights.ask("where does Nemo live?", embedder) == []


async def test_everything_that_is_kept(owner: Owner) -> None:
    await owner.memory.world.switch.press(owner.ana)
    found = await owner.rights.export(owner.ana)
    assert [fact["text"] for fact in found["memory"]["facts"]] == ["Ana lives in Lisbon"]
    assert [line["text"] for line in found["messages"]["main"]] == ["I live in Lisbon"]
    assert [pause["reason"] for pause in found["pauses"]] == ["manual"]
    assert "Porto" not in json.dumps(found, default=str) and found["imports"] == []


async def test_who_is_forgotten_is_forgotten_in_memory_too(owner: Owner) -> None:
    receipt = await owner.rights.forget(owner.ana)
    assert receipt["erased"]["messages"] == 1
    assert receipt["memory"] == {"messages": 1, "facts": 1, "entities": 2}
    assert receipt["finishedAt"] and await owner.texts() == ["Ben lives in Porto"]
    again = await owner.rights.forget(owner.ana)
    assert (again["erased"], again["memory"]["facts"]) == ({}, 0)


async def test_whoever_still_writes_comes_before_whoever_forgets(owner: Owner) -> None:
    """What is being written of them when the ledger forgets goes as well."""
    ledger = owner.memory.world.ledger
    async with ledger.alone(Lock.KNOWING):
        forgetting = asyncio.create_task(owner.rights.forget(owner.ana))
        await owner.memory.world.until("SELECT count(*) = 1 FROM contacts")
        await asyncio.wait({forgetting}, timeout=0.3)
        assert await owner.texts() == ["Ana lives in Lisbon", "Ben lives in Porto"]
        source = Source("late", str(owner.ana), str(owner.ana), datetime.now(UTC))
        said = Gist(statements=(Statement(Predicate.NOTE, None, value="late"),))
        await learn(owner.memory.graph, ledger.vault.digest, [Learned(source, said)])
    assert (await forgetting)["memory"]["facts"] == 2
    assert await owner.texts() == ["Ben lives in Porto"]


async def test_a_graph_that_is_down_follows(owner: Owner) -> None:
    """The ledger's files are written anew all the same."""
    memory, down = owner.memory, Graph("redis://127.0.0.1:1")
    before = await owner.pages()
    receipt = await owner.remembering(down).forget(owner.ana)
    await down.close()
    assert receipt["memory"] is None and "does not answer" in receipt["memoryFollows"]
    assert receipt["filesFollow"] is None and receipt["finishedAt"] is None
    assert await owner.pages() != before
    assert await owner.texts() == ["Ana lives in Lisbon", "Ben lives in Porto"]
    for _ in range(2):
        await memory.mirror.refresh()
    assert await owner.texts() == ["Ben lives in Porto"]


async def test_the_receipt_counts_also_while_the_worker_mirrors(owner: Owner) -> None:
    """Files may take long, and whoever is gone from the ledger is forgotten by the worker too."""
    world, worker = owner.memory.world, owner.memory.another_mirror()
    await worker.refresh()
    async with world.ledger.single() as reader, reader.transaction(isolation="repeatable_read"):
        await reader.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await reader.fetchval("SELECT count(*) FROM contacts")
        forgetting = asyncio.create_task(owner.rights.forget(owner.ana))
        await world.until("SELECT count(*) = 1 FROM contacts")
        while await owner.texts() != ["Ben lives in Porto"]:
            await worker.refresh()
        assert not forgetting.done()
    receipt = await forgetting
    assert receipt["memory"] == {"messages": 1, "facts": 1, "entities": 2} and receipt["finishedAt"]


async def test_one_fact_is_forgotten(owner: Owner) -> None:
    fact = await owner.told_by_ana()
    receipt = await owner.rights.forget_fact(fact.id)
    assert receipt["memory"] == {"messages": 0, "facts": 1, "entities": 2} and receipt["finishedAt"]
    await owner.memory.learn()
    assert await owner.texts() == ["Ben lives in Porto"]
    with pytest.raises(NotFound):
        await owner.rights.forget_fact(fact.id)


async def test_one_fact_is_forgotten_however_often_it_was_said(owner: Owner) -> None:
    """Whoever else says the same of them is named."""
    for _ in range(3):
        await owner.memory.world.says("I live in lisbon")
    await owner.memory.learn()
    home = Statement(
        Predicate.LIVES_IN, Entity(EntityType.PERSON, "ana"), Entity(EntityType.LOCATION, "Lisbon")
    )
    source = Source("b", str(owner.ben), str(owner.ben), datetime.now(UTC))
    await learn(
        owner.memory.graph,
        owner.memory.world.ledger.vault.digest,
        [Learned(source, Gist(statements=(home,)))],
    )
    (bens,) = [one for one in await owner.rights.facts(owner.ben) if "Lisbon" in one.text]
    fact, *_ = await owner.rights.facts(owner.ana)
    receipt = await owner.rights.forget_fact(fact.id)
    assert (receipt["memory"]["facts"], receipt["others"]) == (4, [bens.id])
    assert await owner.texts() == ["Ben lives in Porto", "ana lives in Lisbon"]


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
