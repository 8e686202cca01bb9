"""The owner's orders over Meta's API: templates and media leave by the one mouth, and are the owner's ever after."""

from dataclasses import replace
from datetime import timedelta

import pytest

from secondme.domain.errors import NotFound
from secondme.stores.ledger import retention
from tests.journeys.conftest import Open
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


async def test_neither_an_inbound_nor_the_owner_takes_an_order_back(journey: Open) -> None:
    async with acquainted(journey, "support", owner_word_pause=None) as told:
        await silent_mouth(told.world)
        id_ = await place(told, READY)
        await told.meta.says("and?")
        await told.meta.owner_says("Coming.")
        await told.meta.says("Fine")
        new_mouth(told.world)
        assert await orders(told.world).wait(id_, 8) == SENT
        await told.settled()
        assert await told.receipts() == [
            ("replied", "contact.enabled"),
            ("silent", "owner.stepped_in"),
            ("replied", "contact.enabled"),
        ]


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
        await told.world.remembered()
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
