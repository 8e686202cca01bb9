"""The fence, and what is committed together: each row has a verdict of its own, and sees what was committed before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg

from secondme.domain.turn import Draft, Part, Turn, Verdict
from secondme.pipeline.pacing import Pacing
from secondme.stores.ledger import commits, deliveries
from secondme.stores.ledger.commits import Ending
from secondme.stores.ledger.deliveries import CONTACT_LOCK, SWITCH_LOCK, InFlight, Ready, Terms
from tests.stores.ledger.conftest import Steps

PAUSE = "INSERT INTO pauses (id, user_id, reason, since) VALUES (gen_random_uuid(), $1, 'manual', $2)"
WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"


async def three(steps: Steps) -> list[Ready]:
    """Three people, each with one planned answer."""
    for number in range(3):
        await steps.said("hi", who=f"+1555010{number}")
    for turn in await steps.load(await steps.claim()):
        await steps.commit(turn, "hello")
    return await steps.ready()


async def fence(steps: Steps, group: list[Ready]) -> dict[UUID, InFlight | Exception]:
    """Let a group pass in one statement without a transaction, as the outbox does."""
    now = steps.world.clock.now()
    terms = {"main": Terms(now + timedelta(seconds=9))}
    async with steps.world.ledger.single() as single:
        return await deliveries.pass_fences(single, steps.world.ledger.vault, group, terms, now)


@asynccontextmanager
async def elsewhere(steps: Steps) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(steps.world.dsn)
    yield connection
    await connection.close()


async def test_a_fence_sees_what_was_committed_while_it_waited(steps: Steps) -> None:
    """A press commits, and then waits for the fences before it; those behind it must see it, in the same call."""
    group = await three(steps)
    async with elsewhere(steps) as press:
        async with press.transaction():
            await press.execute("SELECT pg_advisory_xact_lock($1, 0)", SWITCH_LOCK)
            waiting = asyncio.create_task(fence(steps, group))
            await steps.world.until(WAITS)
            await steps.run(PAUSE, None, steps.world.clock.now())
        assert await waiting == {}
    assert await steps.statuses() == ["planned"] * 3


async def test_one_contacts_pause_stops_nobody_else_in_the_group(steps: Steps) -> None:
    group = await three(steps)
    paused = group[1]
    async with elsewhere(steps) as press:
        async with press.transaction():
            await press.execute(
                "SELECT pg_advisory_xact_lock($1, hashtext($2))", CONTACT_LOCK, str(paused.contact_id)
            )
            waiting = asyncio.create_task(fence(steps, group))
            await steps.world.until(WAITS)
            await steps.run(PAUSE, paused.contact_id, steps.world.clock.now())
        assert set(await waiting) == {group[0].id, group[2].id}


async def test_who_is_changing_a_plan_holds_nobody_elses_up(steps: Steps) -> None:
    """It is passed over, and neither refused nor lost: a fence never waits for a row."""
    group = await three(steps)
    async with elsewhere(steps) as other, other.transaction():
        await other.execute("SELECT 1 FROM deliveries WHERE id = $1 FOR UPDATE", group[0].id)
        async with asyncio.timeout(2):
            assert set(await fence(steps, group)) == {group[1].id, group[2].id}
    assert set(await fence(steps, group)) == {group[0].id}


async def test_what_cannot_be_opened_is_an_error_in_its_own_place(steps: Steps) -> None:
    group = await three(steps)
    await steps.run("UPDATE deliveries SET text = 'x'::bytea WHERE id = $1", group[1].id)
    found = await fence(steps, group)
    assert [isinstance(found[d.id], InFlight) for d in group] == [True, False, True]


def ending(steps: Steps, turn: Turn) -> Ending:
    parts = (Part("hello", turn.messages[-1].id),)
    now = steps.world.clock.now()
    verdict, draft = Verdict("by.hand", answer=True), Draft(parts, "hand")
    turn = replace(turn, verdict=verdict, draft=draft)
    return Ending(turn, Pacing(False).plan(turn, parts, now), {}, now)


async def commit_all(steps: Steps, endings: list[Ending]) -> set[UUID]:
    async with steps.world.ledger.light() as light:
        return await commits.commit_all(light, steps.world.ledger.vault, endings)


async def test_a_superseded_turn_takes_no_other_down(steps: Steps) -> None:
    for number in range(3):
        await steps.said("hi", who=f"+1555010{number}")
    endings = [ending(steps, turn) for turn in await steps.load(await steps.claim())]
    await steps.run(
        "UPDATE conversations SET lease_token = $2 WHERE id = $1", endings[1].turn.conversation_id, uuid4()
    )
    assert await commit_all(steps, endings) == {endings[0].turn.id, endings[2].turn.id}
    planned = await steps.rows("SELECT turn_id FROM deliveries ORDER BY seq")
    assert [row["turn_id"] for row in planned] == [endings[0].turn.id, endings[2].turn.id]
    assert await steps.world.value("SELECT count(*) FROM conversations WHERE lease_token IS NOT NULL") == 1


async def test_the_orchestrator_commits_the_others_though_one_was_answered(steps: Steps) -> None:
    """What the ledger refuses for one of a group it refuses for that one alone."""
    for number in range(3):
        await steps.said("hi", who=f"+1555010{number}")
    endings = [ending(steps, turn) for turn in await steps.load(await steps.claim())]
    gone = endings[1].turn.messages[0].id
    await steps.run("UPDATE messages SET outcome = 'silent', rule = 'by.hand' WHERE id = $1", gone)
    answers = await steps.world.turns._end_all(endings)
    assert [type(answer) for answer in answers] == [type(None), commits.Superseded, type(None)]
    assert await steps.statuses() == ["planned"] * 2
