"""Orders that meet trouble: nobody there to send them, answers that are lost, and what Meta refuses."""

from datetime import timedelta

import pytest

from secondme.channels.whatsapp_cloud import template
from secondme.channels.whatsapp_cloud.template import Wanted
from secondme.stores.ledger.orders import Standing
from tests.journeys.conftest import Open
from tests.journeys.ordering import ANA, IMAGE, READY, SENT, acquainted, ordered, orders, place
from tests.support.mouth import new_mouth, silent_mouth


async def test_a_mouth_that_was_away_sends_it_once(journey: Open) -> None:
    async with journey("journal") as told:
        await silent_mouth(told.world)
        id_ = await place(told, READY)
        assert (await orders(told.world).wait(id_, 0.3)).status == "planned"
        assert await told.meta.sends(None) == []
        new_mouth(told.world)
        assert await orders(told.world).wait(id_, 8) == SENT
        await told.quiet()
        assert len(await told.meta.sends("template")) == 1


async def test_what_found_no_mouth_in_time_never_leaves(journey: Open) -> None:
    async with journey("journal", still=True) as told:
        await silent_mouth(told.world)
        id_ = await place(told, READY)
        told.world.clock.jump(timedelta(minutes=2, seconds=1))
        new_mouth(told.world)
        assert await orders(told.world).wait(id_, 8) == Standing("withdrawn", "order.late")
        assert await told.meta.sends(None) == []


@pytest.mark.parametrize("fault", ["500", "close", "garbage"])
async def test_what_may_have_left_is_never_sent_again(journey: Open, fault: str) -> None:
    async with acquainted(journey) as told:
        await told.meta.fault(fault)
        id_ = await place(told, IMAGE)
        await told.meta.until(lambda lines: any(line["body"]["type"] == "image" for line in lines))
        assert await orders(told.world).wait(id_, 8) == Standing("uncertain", "outbox.uncertain")
        await told.quiet(1.5)
        (send,) = await told.meta.sends("image")
        await told.meta.status(send, "delivered")
        assert await orders(told.world).wait(id_, 0) == SENT


async def test_what_meta_refuses_is_said(journey: Open) -> None:
    async with journey("journal") as told:
        wrong = template.order(Wanted("tired", "en_US"), None)
        found = await ordered(told, wrong)
        assert found == Standing("failed", "outbox.template") and found.error == "Meta refused it (132015)."
        await told.meta.fault(131026)
        assert await ordered(told, READY) == Standing("failed", "outbox.undeliverable")


async def test_meta_asks_to_wait_and_gets_it_later(journey: Open) -> None:
    """And somebody who writes in between neither takes the order back nor is forgotten."""
    async with journey("clone") as told:
        await told.meta.fault(130429)
        id_ = await place(told, READY)
        await told.tried(1, "template")
        await told.meta.says("hi")
        assert await orders(told.world).wait(id_, 12) == SENT
        await told.settled()
        assert [line["taken"] for line in await told.meta.sends("template")] == [False, True]
        assert await told.meta.texts(ANA) == ["re: hi"]


async def test_a_later_no_of_metas_takes_it_back(journey: Open) -> None:
    async with journey("journal") as told:
        id_ = await place(told, READY)
        await orders(told.world).wait(id_, 8)
        (send,) = await told.meta.sends("template")
        await told.meta.status(send, "failed", code=131026)
        assert (await orders(told.world).wait(id_, 0)).status == "failed"
