"""The ledger itself refuses a second answer, whoever asks for it and with whatever token."""

from dataclasses import replace
from uuid import uuid4

import asyncpg

from secondme.domain.turn import Part
from secondme.pipeline.pacing import Pacing
from secondme.stores.ledger import commits
from tests.support.world import World

HAND_OVER = "UPDATE conversations SET lease_token = $2, lease_until = now() + interval '1 min' WHERE id = $1"


async def _refuses_a_second_answer(world: World) -> bool:
    """Plan another answer to what is answered already, under a valid token."""
    turn, now = replace(world.mind.asked[0], id=uuid4()), world.clock.now()
    planned = Pacing(False).plan(turn, [Part("once more", turn.messages[0].id)], now)
    try:
        async with world.ledger.transaction() as tx:
            await tx.execute(HAND_OVER, turn.conversation_id, turn.token)
            await commits.commit(tx, world.ledger.vault, turn, planned, {}, now)
    except asyncpg.UniqueViolationError:
        return True
    return False


async def test_one_delivery_for_each_answered_message_and_part(world: World) -> None:
    await world.says("hi")
    await world.settled()
    assert await _refuses_a_second_answer(world)
    assert world.phones.texts() == ["re: hi"]


async def test_without_the_key_it_would_not_refuse(world: World) -> None:
    """This is what the test above would see if the uniqueness went."""
    await world.says("hi")
    await world.settled()
    async with world.ledger.transaction() as tx:
        await tx.execute("ALTER TABLE delivery_answers DROP CONSTRAINT delivery_answers_pkey")
    assert not await _refuses_a_second_answer(world)
