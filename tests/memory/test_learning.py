"""What is said becomes memory: once, of those who are enabled, and not of what was taken back."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from secondme.domain.errors import StoreUnavailable
from secondme.domain.fact import OWNER, Gist
from secondme.domain.message import Kind
from secondme.embedded import Addresses
from secondme.memory.gists import Said
from secondme.observe import metrics
from secondme.stores.graph import Graph
from secondme.stores.graph.client import QueryRefused, TooSlow
from secondme.stores.graph.values import Row, Value
from secondme.stores.ledger import Lock, people
from tests.memory.a_memory import Memory, a_memory


@pytest_asyncio.fixture
async def memory(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with a_memory(addresses, template, tmp_path) as opened:
        yield opened


async def test_what_they_say_and_what_the_owner_says_there(memory: Memory) -> None:
    await memory.world.says("I live in Lisbon, and met Bob")
    await memory.world.says("I live in Porto", from_me=True)
    await memory.world.says("a picture: I live in Faro", kind=Kind.IMAGE)
    await memory.world.says("I live in Neverland", kind=Kind.STICKER)
    contact = str(await memory.world.contact())
    await memory.learn()
    assert await memory.facts() == [
        [contact, contact, "Lisbon", False],
        [OWNER, contact, "Porto", True],
        [contact, contact, "Faro", True],
    ]
    assert await memory.named() == [("Bob", 1)]
    assert await memory.waiting() == 0


async def test_in_order_of_arrival_and_by_the_owners_clock(memory: Memory) -> None:
    at = memory.world.clock.now() - timedelta(hours=3)
    texts = [f"I live in City{number}" for number in range(5)]
    for text in texts:
        await memory.world.says(text, sent_at=at)
    await memory.learn()
    assert [said.text for said in memory.said] == texts
    assert {(said.at, said.at.utcoffset()) for said in memory.said} == {(at, timedelta(hours=5, minutes=30))}


async def test_each_is_read_once_by_however_many(memory: Memory) -> None:
    for number in range(30):
        await memory.world.says(f"met Bob{number}", f"+155501{number:02}")
    learners = [memory.learner() for _ in range(3)]
    while await memory.waiting():
        await asyncio.gather(*(learner.learn_once() for learner in learners))
    assert len(memory.said) == len(await memory.named()) == 30
    await memory.learn()
    assert len(memory.said) == 30


async def test_a_crash_before_it_is_noted_changes_nothing(memory: Memory) -> None:
    await memory.world.says("I live in Lisbon, and met Bob")
    await memory.learn()
    before = await memory.facts()
    await memory.run("UPDATE messages SET learned_at = NULL")
    await memory.learn()
    assert (await memory.facts(), await memory.named()) == (before, [("Bob", 1)])


async def test_what_we_say_ourselves_is_not_learned(memory: Memory) -> None:
    await memory.world.says("I live in Lisbon", from_me=True, id="order")
    await memory.run("UPDATE messages SET turn_id = gen_random_uuid()")
    await memory.learn()
    assert (memory.said, await memory.waiting()) == ([], 0)


async def test_who_is_not_enabled_is_not_listened_to(memory: Memory) -> None:
    await memory.world.says("I live in Lisbon")
    contact = await memory.world.contact()
    for enabled in (False, True):
        async with memory.world.ledger.transaction() as tx:
            await people.set_enabled(tx, contact, enabled)
        await memory.learn()
        assert (await memory.facts(), await memory.waiting()) == ([], 0)
    await memory.world.says("I live in Porto")
    await memory.learn()
    assert len(await memory.facts()) == 1


async def test_an_edit_before_and_after_it_was_learned(memory: Memory) -> None:
    await memory.world.says("met Bob", id="m")
    await memory.world.says("met Eve", kind=Kind.EDIT, id="e1", target="m")
    await memory.learn()
    assert await memory.named() == [("Eve", 1)]
    await memory.world.says("met Ada", kind=Kind.EDIT, id="e2", target="m")
    await memory.learn()
    assert await memory.named() == [("Ada", 1)]
    await memory.run(
        "UPDATE messages SET outcome = 'silent', rule = 'judge.quiet', settled_at = now() WHERE content_type = 'text'"
    )
    await memory.world.says("met Ian", kind=Kind.EDIT, id="e3", target="m")  # too late for the answer
    await memory.learn()
    assert (await memory.named(), await memory.waiting()) == ([("Ian", 1)], 0)


async def test_an_edit_that_comes_before_what_it_edits(memory: Memory) -> None:
    await memory.world.says("hello")
    await memory.world.says("met Eve", kind=Kind.EDIT, id="e1", target="m")
    await memory.learn()
    assert (await memory.named(), await memory.waiting()) == ([], 0)
    await memory.world.says("met Bob", id="m")
    await memory.learn()
    assert await memory.named() == [("Eve", 1)]


@pytest.mark.parametrize("learned_before", [False, True])
async def test_a_deletion_takes_it_back(memory: Memory, learned_before: bool) -> None:
    await memory.world.says("I live in Lisbon, and met Bob", id="m")
    await memory.world.says("no, met Eve", kind=Kind.EDIT, id="e", target="m")
    if learned_before:
        await memory.learn()
        assert await memory.named() == [("Eve", 1)]
    await memory.world.says("", kind=Kind.DELETION, id="d", target="m")
    await memory.learn()
    assert (await memory.named(), await memory.facts(), await memory.waiting()) == ([], [], 0)
    assert await memory.graph.run("MATCH (s:Source) RETURN count(s)") == [[0]]


async def test_a_late_edit_of_what_is_gone_is_learned_until_it_is_deleted(memory: Memory) -> None:
    await memory.world.says("met Bob", id="m")
    await memory.learn()
    await memory.run(
        "UPDATE messages SET text = NULL, erased_at = now(), outcome = 'silent', rule = 'judge.quiet'"
    )
    await memory.world.says("met Eve", kind=Kind.EDIT, id="e", target="m")
    await memory.learn()
    assert await memory.named() == [("Eve", 1)]
    await memory.world.says("", kind=Kind.DELETION, id="d", target="m")
    await memory.learn()
    assert await memory.named() == []


async def test_nobody_deletes_what_somebody_else_said(memory: Memory) -> None:
    await memory.world.says("met Bob", id="m")
    await memory.world.says("", kind=Kind.DELETION, id="d", target="m", from_me=True)
    await memory.world.says("met Ada", kind=Kind.EDIT, id="d2", target="m", from_me=True)
    await memory.world.says("met Eve", "+15550199", kind=Kind.EDIT, id="e", target="m")
    await memory.learn()
    assert await memory.named() == [("Bob", 1)]


@pytest.mark.parametrize("kind", [Kind.DELETION, Kind.EDIT])
@pytest.mark.parametrize("from_me", [True, False])
async def test_nor_once_its_words_are_gone(memory: Memory, kind: Kind, from_me: bool) -> None:
    """Retention has emptied the message by then: what was learned of it could not be learned again."""
    await memory.world.says("I live in Porto", id="m", from_me=from_me)
    await memory.learn()
    known = await memory.facts()
    await memory.run("UPDATE messages SET text = NULL")
    await memory.world.says("x", kind=kind, id="d", target="m", from_me=not from_me)
    await memory.learn()
    assert (len(known), await memory.facts(), await memory.waiting()) == (1, known, 0)


async def test_what_is_gone_before_it_was_learned(memory: Memory) -> None:
    await memory.world.says("met Bob")
    await memory.run("UPDATE messages SET text = NULL, erased_at = now()")
    await memory.world.says("met Eve")
    await memory.run("UPDATE messages SET text = text || '\\x00' WHERE text IS NOT NULL")
    await memory.learn()
    assert (memory.said, await memory.waiting()) == ([], 0)


async def test_what_rules_stumble_over_holds_up_nobody(memory: Memory) -> None:
    await memory.world.says("boom, met Bob")
    await memory.world.says("met Eve")
    await memory.learn()
    assert (await memory.named(), await memory.waiting()) == ([("Eve", 1)], 0)


async def test_while_the_graph_is_down_nothing_is_read_nor_lost(memory: Memory) -> None:
    await memory.world.says("met Bob")
    nobody = Graph("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        await memory.learner(nobody).learn_once()
    await nobody.close()
    assert (memory.said, await memory.waiting()) == ([], 1)
    await memory.learn()
    assert await memory.named() == [("Bob", 1)]


class Picky(Graph):
    """One that refuses whatever is about Bob."""

    async def transaction(self, steps: Sequence[tuple[str, Mapping[str, Value]]]) -> list[list[Row]]:
        if "Bob" in str(steps):
            raise QueryRefused("no")
        return await super().transaction(steps)


async def test_what_the_graph_refuses_holds_up_nobody(memory: Memory, addresses: Addresses) -> None:
    for text in ("met Ada", "met Bob", "met Eve"):
        await memory.world.says(text)
    picky = Picky(addresses.falkordb_url or "", memory.graph.name)
    refused = metrics.learned.labels("refused")._value.get()
    await memory.learner(picky).learn_once()
    await picky.close()
    assert (await memory.named(), await memory.waiting()) == ([("Ada", 1), ("Eve", 1)], 0)
    assert metrics.learned.labels("refused")._value.get() == refused + 1


class Weak(Graph):
    """One that is asked too much by more than two messages at once; `down`: then it does not answer any more."""

    down = False

    async def transaction(self, steps: Sequence[tuple[str, Mapping[str, Value]]]) -> list[list[Row]]:
        rows = dict(steps).get("learn", {}).get("rows", ())
        if len(rows) > 2:  # type: ignore[arg-type]
            raise TooSlow("too much")
        return await super().transaction(steps)

    async def ping(self, within: float = 0.0) -> None:
        if self.down:
            raise StoreUnavailable("no answer")


@pytest.mark.parametrize("down", [False, True])
async def test_what_takes_too_long_is_learned_in_parts(
    memory: Memory, addresses: Addresses, down: bool
) -> None:
    names = ("Ada", "Bob", "Eve", "Tom", "Ann")
    for name in names:
        await memory.world.says(f"met {name}")
    weak = Weak(addresses.falkordb_url or "", memory.graph.name)
    weak.down = down
    if down:
        with pytest.raises(StoreUnavailable, match="no answer"):
            await memory.learner(weak).learn_once()
    else:
        await memory.learner(weak).learn_once()
    await weak.close()
    assert await memory.waiting() == (len(names) if down else 0)
    assert await memory.named() == ([] if down else sorted((name, 1) for name in names))


async def test_who_is_forgotten_while_they_are_read_leaves_nothing(memory: Memory) -> None:
    await memory.world.says("I live in Lisbon, and met Bob")
    await memory.world.says("met Eve", "+15550199")
    contact, read = await memory.world.contact(), memory.read

    async def slowly(several: Sequence[Said]) -> list[Gist]:
        await memory.world.control.forget(contact)
        return await read(several)

    memory.read = slowly  # type: ignore[method-assign]
    await memory.learner().learn_once()
    assert (await memory.named(), await memory.facts()) == ([("Eve", 1)], [])


async def test_whoever_erases_is_waited_for(memory: Memory) -> None:
    await memory.world.says("met Bob")
    async with memory.world.ledger.alone(Lock.KNOWING):
        learning = asyncio.create_task(memory.learner().learn_once())
        await asyncio.sleep(0.3)
        assert (await memory.named(), learning.done()) == ([], False)
    await learning
    assert await memory.named() == [("Bob", 1)]


async def test_the_bell(memory: Memory, addresses: Addresses) -> None:
    message = await memory.world.says("met Bob")
    running = asyncio.create_task(memory.learner().run())
    await memory.world.until("SELECT NOT EXISTS (SELECT 1 FROM messages WHERE learned_at IS NULL)")
    running.cancel()
    async with Redis.from_url(addresses.redis_url or "", decode_responses=True) as redis:
        entries: Any = await redis.xrange("QUEUE:chat_history")
    ((_, bell),) = entries
    assert bell.pop("timestamp").isdigit()
    assert bell == {
        "messageId": str(message),
        "contactId": str(await memory.world.contact()),
        "content": f"message:{message}",
        "direction": "incoming",
        "fromMe": "false",
    }
    assert "Bob" not in str(bell)
