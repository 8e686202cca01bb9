"""What comes after the answer: an edit is kept, a deletion erases, and neither makes SecondMe speak."""

import pytest

from secondme.stores.vault import unseal
from tests.journeys.conftest import Journey, Open

ANA = "15550100001"
EVERY = pytest.mark.parametrize("profile", ["clone", "support", "journal"])
REPLIED = ("replied", "contact.enabled")


async def _kept(told: Journey, kind: str) -> list[str | None]:
    """The words, opened, of the messages of a kind; None where they are erased."""
    vault = told.world.ledger.vault
    async with told.world.ledger.transaction() as tx:
        rows = await tx.fetch(
            """SELECT m.id, m.text, c.id AS whose, c.key FROM messages m JOIN contacts c ON c.id = m.user_id
               WHERE m.content_type = $1 ORDER BY m.seq""",
            kind,
        )
    return [
        unseal(vault.contact_key(r["whose"], r["key"]), r["text"], f"messages:{r['id']}:text")
        if r["text"]
        else None
        for r in rows
    ]


async def _window(told: Journey) -> list[tuple[bool, str]]:
    """What the mind was told of the conversation when it was asked last."""
    return [(line.from_contact, line.text) for line in told.mind.asked[-1].window]


@EVERY
async def test_an_edit_after_the_answer_is_stored_and_nothing_is_sent(journey: Open, profile: str) -> None:
    async with journey(profile) as told:
        first = await told.meta.says("at five")
        await told.settled()
        await told.meta.edits(first, "at six")
        await told.quiet()
        assert await told.meta.texts() == ["re: at five"]
        assert len(told.mind.asked) == 1
        assert await told.receipts() == [REPLIED, ("silent", "message.edit_late")]
        assert (await _kept(told, "text"), await _kept(told, "edit")) == (["at five"], ["at six"])
        await told.meta.says("well?")
        await told.settled()
        assert await _window(told) == [(True, "at five"), (False, "re: at five")], "what the answer was to"
        assert await told.meta.texts() == ["re: at five", "re: well?"]


@EVERY
async def test_a_deletion_after_the_answer_erases_and_nothing_is_sent(journey: Open, profile: str) -> None:
    async with journey(profile) as told:
        first = await told.meta.says("regret")
        await told.settled()
        await told.meta.edits(first, "regret it all")
        await told.meta.deletes(first)
        await told.quiet()
        assert await told.meta.texts() == ["re: regret"]
        assert len(told.mind.asked) == 1
        assert await told.receipts() == [
            REPLIED,
            ("silent", "message.edit_late"),
            ("silent", "message.deletion"),
        ]
        assert (await _kept(told, "text"), await _kept(told, "edit")) == ([None], [None])
        assert await told.world.value(
            "SELECT bool_and(raw_payload IS NULL AND reply_text IS NULL) FROM messages WHERE content_type <> 'deletion'"
        )
        await told.meta.says("and now")
        await told.settled()
        assert await _window(told) == []
        assert await told.meta.texts() == ["re: regret", "re: and now"]


@EVERY
async def test_both_again_and_again_in_any_order_change_nothing_more(journey: Open, profile: str) -> None:
    async with journey(profile) as told:
        first = await told.meta.says("hello")
        await told.settled()
        items = [
            {"kind": "edit", "from": ANA, "of": first, "text": "hallo", "id": "wamid.E"},
            {"kind": "revoke", "from": ANA, "of": first, "id": "wamid.R"},
        ]
        done = await told.meta.deliver(items, times=4, shuffle=True, seed=3, concurrent=3)
        assert {status for status, _ in done["answers"]} == {200}
        await told.quiet()
        assert await told.meta.texts() == ["re: hello"]
        assert await _kept(told, "text") == [None]
        assert await told.world.value("SELECT count(*) FROM messages") == 3
