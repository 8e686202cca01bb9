"""The ledger itself refuses a second answer, whoever asks for it and with whatever token."""

from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest

from secondme.domain.turn import Part
from secondme.pipeline.pacing import Pacing
from secondme.stores.ledger import commits
from tests.support.world import World

HAND_OVER = "UPDATE conversations SET lease_token = $2, lease_until = now() + interval '1 min' WHERE id = $1"


async def _plan_a_second_answer(world: World) -> None:
    """To what is answered already, under a valid token."""
    turn, now = replace(world.mind.asked[0], id=uuid4()), world.clock.now()
    planned = Pacing(False).plan(turn, [Part("once more", turn.messages[0].id)], now)
    async with world.ledger.transaction() as tx:
        await tx.execute(HAND_OVER, turn.conversation_id, turn.token)
        await commits.commit_all(tx, world.ledger.vault, [commits.Ending(turn, planned, {}, now)])


async def test_one_delivery_for_each_answered_message_and_part(world: World) -> None:
    await world.says("hi")
    await world.settled()
    with pytest.raises(asyncpg.UniqueViolationError):
        await _plan_a_second_answer(world)
    assert world.phones.texts() == ["re: hi"]


async def test_without_the_key_only_the_look_at_the_message_is_left(world: World) -> None:
    """This is what the test above would see if the uniqueness went."""
    await world.says("hi")
    await world.settled()
    async with world.ledger.transaction() as tx:
        await tx.execute("ALTER TABLE delivery_answers DROP CONSTRAINT delivery_answers_pkey")
    with pytest.raises(commits.Superseded):
        await _plan_a_second_answer(world)
