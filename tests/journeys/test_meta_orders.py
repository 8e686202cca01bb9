"""The owner's orders over Meta's API: templates and media leave by the one mouth, or say why not."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from secondme.channels.whatsapp_cloud import media, template
from secondme.channels.whatsapp_cloud.template import Wanted
from secondme.domain.errors import NotFound, NotSent
from secondme.domain.order import Order
from secondme.domain.profile import Account
from secondme.observe.audit import AuditLog
from secondme.pipeline.effects import Effects
from secondme.pipeline.orders import Orders
from secondme.stores.ledger import reading, retention
from secondme.stores.ledger.orders import Standing
from tests.journeys.conftest import Journey, Open
from tests.support.world import World

ANA, SOMEBODY = "+15550100001", "+15550100077"
IMAGE = media.order("image:1013859600285441", "Our menu")
READY = template.order(Wanted("order_ready", "en_US", ("Tuesday", "5 pm")), None)
SENT, OPEN = Standing("sent", None), ("planned", "in_flight")


def orders(world: World, *accounts: Account) -> Orders:
    effects = Effects(world.signals, AuditLog(world.folder / "logs"), world.ledger.vault)
    by_id = {account.id: account for account in accounts} or world.accounts
    return Orders(world.ledger, by_id, world.control, world.switch, effects, world.clock)


async def place(told: Journey, order: Order, who: str = ANA) -> UUID:
    made = orders(told.world)
    return (await made.place(who, made.account(), order))[0]


async def ordered(told: Journey, order: Order, who: str = ANA) -> Standing:
    return await orders(told.world).wait(await place(told, order, who), 8)


async def thread(told: Journey) -> list[tuple[str, str | None, str, str]]:
    row = (await told.world.control.find(ANA))[0]
    async with told.world.ledger.transaction() as tx:
        lines = await reading.thread(tx, told.world.ledger.vault, row.conversation_id)
    return [(line.by, line.text, line.kind, line.status) for line in lines]


async def silent_mouth(told: Journey) -> None:
    """The gateway's mouth is gone, as when its process has died."""
    told.world.outbox.draining = True
    await asyncio.sleep(1.2)


def new_mouth(told: Journey) -> None:
    """The process is back."""
    told.world.outbox.draining = False
    told.world.tasks.append(asyncio.create_task(told.world.outbox.run()))


@pytest.mark.parametrize("profile", ["clone", "support", "journal"])
async def test_a_template_to_somebody_who_never_wrote(journey: Open, profile: str) -> None:
    async with journey(profile) as told:
        assert await ordered(told, READY, SOMEBODY) == SENT
        (send,) = await told.meta.sends(None)
        assert (send["body"]["to"], send["body"]["type"], send["taken"]) == (SOMEBODY, "template", True)
        assert send["meta"]["template"]["components"][0]["parameters"][1]["text"] == "5 pm"
        await told.meta.says("Who is this?", SOMEBODY[1:])
        await told.settled()
        assert await told.meta.texts(SOMEBODY) == ["re: Who is this?"], "it is not the owner's word"
        assert await told.world.value("SELECT count(*) FROM contacts") == 1
        assert [line.text for line in told.mind.asked[-1].window] == ["[order_ready] Tuesday, 5 pm"]


async def test_an_order_is_a_line_of_the_thread_and_of_the_export(journey: Open) -> None:
    async with journey("journal") as told:
        await told.meta.control(statuses=["sent", "delivered", "read"])
        await told.meta.says("Is it open?")
        await told.settled()
        assert await ordered(told, IMAGE) == SENT
        await told.world.until(
            "SELECT EXISTS (SELECT 1 FROM deliveries WHERE kind = 'media' AND progress = 'read')"
        )
        assert (await thread(told))[-1] == ("owner", "Our menu", "image", "read")
        exported = await told.world.control.export(await told.world.contact(ANA))
        last = exported["messages"]["main"][-1]
        assert (last["by"], last["text"], last["kind"]) == ("owner", "Our menu", "image")
        assert await told.receipts() == [("replied", "contact.enabled")]


async def test_the_audit_log_says_that_it_was_ordered_and_not_what(journey: Open) -> None:
    async with journey("journal") as told:
        await ordered(told, READY)
        lines = "".join(path.read_text() for path in (told.world.folder / "logs").glob("audit-*.jsonl"))
        assert '"event":"message.ordered"' in lines.replace(" ", "") and "delivery.sent" in lines
        assert "Tuesday" not in lines and "order_ready" not in lines and "15550100001" not in lines


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
    async with journey("journal", still=True) as told:
        await told.meta.says("hi")
        await told.settled()
        told.world.clock.jump(timedelta(hours=23, minutes=59, seconds=30))
        await silent_mouth(told)
        image, ready = await place(told, IMAGE), await place(told, READY)
        told.world.clock.jump(timedelta(seconds=60))
        new_mouth(told)
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
    async with journey("journal") as told:
        await told.meta.says("hi")
        await told.settled()
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
    async with journey("journal") as told:
        await told.meta.says("hi")
        await told.settled()
        await silent_mouth(told)
        placed = [await place(told, READY), await place(told, IMAGE)]
        await _stop(told, who)
        new_mouth(told)
        for id_ in placed:
            assert await orders(told.world).wait(id_, 8) == Standing("withdrawn", rule)
        await told.world.switch.resume()
        await told.quiet()
        assert {line["body"]["type"] for line in await told.meta.sends(None)} <= {"text", "read", "typing"}
        assert [status for by, _, _, status in await thread(told) if by == "owner"] == ["failed", "failed"]


async def test_a_clones_stranger_is_met_and_must_be_enabled_first(journey: Open) -> None:
    async with journey("clone", new_contacts_enabled=False) as told:
        with pytest.raises(NotSent, match="Enable them first"):
            await place(told, READY, SOMEBODY)
        await told.world.control.enable(await told.world.contact(SOMEBODY), True)
        assert await ordered(told, READY, SOMEBODY) == SENT


async def test_neither_an_inbound_nor_the_owner_takes_an_order_back(journey: Open) -> None:
    async with journey("support", owner_word_pause=None) as told:
        await told.meta.says("hi")
        await told.settled()
        await silent_mouth(told)
        id_ = await place(told, READY)
        await told.meta.says("and?")
        await told.meta.owner_says("Coming.")
        await told.meta.says("Fine")
        new_mouth(told)
        assert await orders(told.world).wait(id_, 8) == SENT
        await told.settled()
        assert await told.receipts() == [
            ("replied", "contact.enabled"),
            ("silent", "owner.stepped_in"),
            ("replied", "contact.enabled"),
        ]


async def test_a_mouth_that_was_away_sends_it_once(journey: Open) -> None:
    async with journey("journal") as told:
        await silent_mouth(told)
        id_ = await place(told, READY)
        assert (await orders(told.world).wait(id_, 0.3)).status == "planned"
        assert await told.meta.sends(None) == []
        new_mouth(told)
        assert await orders(told.world).wait(id_, 8) == SENT
        await told.quiet()
        assert len(await told.meta.sends("template")) == 1


async def test_what_found_no_mouth_in_time_never_leaves(journey: Open) -> None:
    async with journey("journal", still=True) as told:
        await silent_mouth(told)
        id_ = await place(told, READY)
        told.world.clock.jump(timedelta(minutes=2, seconds=1))
        new_mouth(told)
        assert await orders(told.world).wait(id_, 8) == Standing("withdrawn", "order.late")
        assert await told.meta.sends(None) == []


@pytest.mark.parametrize("fault", ["500", "close", "garbage"])
async def test_what_may_have_left_is_never_sent_again(journey: Open, fault: str) -> None:
    async with journey("journal") as told:
        await told.meta.says("hi")
        await told.settled()
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
        assert await ordered(told, wrong) == Standing("failed", "outbox.template")
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


async def test_what_was_written_before_an_order_and_comes_after_it_is_not_late(journey: Open) -> None:
    async with journey("journal") as told:
        before = told.world.clock.now().timestamp() - 30
        await ordered(told, READY)
        await told.meta.says("written before", at=before)
        await told.settled()
        assert await told.contexts() == {"re: written before": None}


async def test_what_the_owner_unsays_is_gone(journey: Open) -> None:
    async with journey("journal") as told:
        id_ = await place(told, READY)
        await orders(told.world).wait(id_, 8)
        (send,) = await told.meta.sends("template")
        await told.meta.sent({"kind": "echo", "what": "revoke", "from": ANA[1:], "of": send["id"]})
        assert await told.world.value("SELECT text IS NULL FROM deliveries WHERE id = $1", id_)
        assert await told.world.value("SELECT text IS NULL FROM messages WHERE id = $1", id_)


async def test_its_words_go_with_the_window_and_with_the_contact(journey: Open) -> None:
    async with journey("clone") as told:
        await ordered(told, READY)
        told.world.clock.jump(timedelta(hours=1, minutes=1))
        async with told.world.ledger.light() as light:
            await retention.purge_content(light, told.world.clock.now(), timedelta(days=90))
        assert await told.world.value("SELECT bool_and(text IS NULL) FROM messages")
        assert await told.world.value("SELECT bool_and(text IS NULL) FROM deliveries")
        await told.world.control.forget(await told.world.contact(ANA))
        assert await told.world.value("SELECT count(*) FROM deliveries") == 0


async def test_nobody_is_called_that(journey: Open) -> None:
    async with journey("journal") as told:
        for wanted in ("Zoe", "12", ""):
            with pytest.raises(NotFound):
                await place(told, READY, wanted)
        with pytest.raises(NotFound, match="No account on Meta's API is called"):
            orders(told.world).account("other")


async def test_a_simulated_phone_is_nobody_here(journey: Open) -> None:
    async with journey("journal") as told:
        await told.world.says("hi", ANA)
        shop = replace(told.world.accounts["main"], id="shop")
        with pytest.raises(NotFound, match="Nobody on Meta's API is called 'Ana'"):
            await orders(told.world, shop).place("Ana", shop, READY)


async def test_an_account_that_only_this_shell_knows_is_refused(journey: Open) -> None:
    async with journey("journal") as told:
        made = orders(told.world)
        account = made.account()
        async with told.world.ledger.transaction() as tx:
            await tx.execute("UPDATE accounts SET id = 'another'")
        with pytest.raises(NotFound, match="never been served"):
            await made.place(SOMEBODY, account, READY)
