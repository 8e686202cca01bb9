"""What holds the owner's orders over Meta's API: the window, a stop, a pause, not being enabled."""

from datetime import timedelta

import pytest

from secondme.domain.errors import NotSent
from secondme.stores.ledger.orders import Standing
from tests.journeys.conftest import Journey, Open
from tests.journeys.ordering import (
    ANA,
    IMAGE,
    READY,
    SENT,
    SOMEBODY,
    acquainted,
    ordered,
    orders,
    place,
    thread,
)
from tests.support.mouth import new_mouth, silent_mouth


async def test_media_need_an_open_window_and_templates_do_not(journey: Open) -> None:
    async with journey("journal") as told:
        with pytest.raises(NotSent, match="within 24 hours"):
            await place(told, IMAGE, SOMEBODY)
        assert await told.world.value("SELECT count(*) FROM contacts") == 0, (
            "nobody is met for what cannot be sent"
        )
        await told.meta.says("hi")
        await told.settled()
        assert await ordered(told, IMAGE) == SENT
        told.world.clock.jump(timedelta(hours=24, minutes=1))
        with pytest.raises(NotSent, match="only a template"):
            await place(told, IMAGE)
        assert await ordered(told, READY) == SENT


async def test_the_fence_itself_knows_the_window(journey: Open) -> None:
    """What was planned while the window was open, and meets the fence after it has closed."""
    async with acquainted(journey, still=True) as told:
        told.world.clock.jump(timedelta(hours=23, minutes=59, seconds=30))
        await silent_mouth(told.world)
        image, ready = await place(told, IMAGE), await place(told, READY)
        told.world.clock.jump(timedelta(seconds=60))
        new_mouth(told.world)
        assert await orders(told.world).wait(image, 8) == Standing("withdrawn", "window.closed")
        assert await orders(told.world).wait(ready, 8) == SENT
        assert [line["body"]["type"] for line in await told.meta.sends(None)][-1] == "template"


async def _stop(told: Journey, who: str) -> str:
    match who:
        case "everybody":
            await told.world.switch.press()
            return "everything is stopped"
        case "contact":
            await told.world.switch.press(await told.world.contact(ANA))
            return "is paused"
    await told.world.control.enable(await told.world.contact(ANA), False)
    return "enable"


@pytest.mark.parametrize("who", ["everybody", "contact", "disabled"])
async def test_what_holds_drafts_holds_orders(journey: Open, who: str) -> None:
    async with acquainted(journey) as told:
        said = await _stop(told, who)
        for order in (READY, IMAGE):
            with pytest.raises(NotSent, match=said):
                await place(told, order)
        assert (
            await told.world.value("SELECT count(*) FROM deliveries WHERE kind IN ('template', 'media')") == 0
        )


@pytest.mark.parametrize(
    ("who", "rule"),
    [("everybody", "switch.pressed"), ("contact", "contact.paused"), ("disabled", "contact.disabled")],
)
async def test_what_comes_between_plan_and_send_ends_it(journey: Open, who: str, rule: str) -> None:
    async with acquainted(journey) as told:
        await silent_mouth(told.world)
        placed = [await place(told, READY), await place(told, IMAGE)]
        await _stop(told, who)
        new_mouth(told.world)
        for id_ in placed:
            assert await orders(told.world).wait(id_, 8) == Standing("withdrawn", rule)
        await told.world.switch.resume()
        await told.quiet()
        assert {line["body"]["type"] for line in await told.meta.sends(None)} <= {"text", "read", "typing"}
        assert [status for by, _, _, status in await thread(told) if by == "owner"] == ["failed", "failed"]


async def test_a_clones_stranger_is_met_and_must_be_enabled_first(journey: Open) -> None:
    async with journey("clone", new_contacts_enabled=False) as told:
        with pytest.raises(NotSent, match=rf"`secondme enable \{SOMEBODY}`"):
            await place(told, READY, SOMEBODY)
        await told.world.control.enable(await told.world.contact(SOMEBODY), True)
        assert await ordered(told, READY, SOMEBODY) == SENT
