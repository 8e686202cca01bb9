"""What a press and the owner's word owe to the fence: each fails without the one thing that it names."""

import asyncio

from secondme.stores.ledger.deliveries import CONTACT_LOCK, SWITCH_LOCK
from tests.stores.ledger.conftest import Steps
from tests.stores.ledger.test_fence import WAITS, elsewhere, fence, three

OPEN_FENCE = "SELECT pg_advisory_xact_lock_shared($1::int, {})"


async def test_the_owners_word_between_ready_and_the_fence_holds_it(steps: Steps) -> None:
    """Even where nothing has withdrawn the plan yet."""
    group = await three(steps)
    spoken = "UPDATE conversations SET last_owner_at = $2 WHERE id = $1"
    await steps.run(spoken, group[1].conversation_id, steps.world.clock.now())
    assert set(await fence(steps, group)) == {group[0].id, group[2].id}


async def test_a_press_waits_for_the_fences_before_it(steps: Steps) -> None:
    async with elsewhere(steps) as mouth:
        async with mouth.transaction():
            await mouth.execute(OPEN_FENCE.format("0"), SWITCH_LOCK)
            press = asyncio.create_task(steps.world.switch.press())
            await steps.world.until(WAITS)
            assert not press.done()
        await press


async def test_a_press_for_one_contact_waits_for_that_contacts_fence(steps: Steps) -> None:
    contact = (await three(steps))[0].contact_id
    async with elsewhere(steps) as mouth:
        async with mouth.transaction():
            await mouth.execute(OPEN_FENCE.format("hashtext($2)"), CONTACT_LOCK, str(contact))
            press = asyncio.create_task(steps.world.switch.press(contact))
            await steps.world.until(WAITS)
            assert not press.done()
        await press


async def test_disabling_waits_for_the_contacts_fence_and_names_what_is_leaving(steps: Steps) -> None:
    ready = (await three(steps))[0]
    async with elsewhere(steps) as mouth:
        async with mouth.transaction():
            await mouth.execute(OPEN_FENCE.format("hashtext($2)"), CONTACT_LOCK, str(ready.contact_id))
            disable = asyncio.create_task(steps.world.control.enable(ready.contact_id, False))
            await steps.world.until(WAITS)
            assert not disable.done()
        assert await disable == ()
    await steps.world.control.enable(ready.contact_id, True)
    assert await steps.fence(ready)
    assert await steps.world.control.enable(ready.contact_id, False) == (ready.id,)
