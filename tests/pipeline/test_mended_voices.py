"""What befalls a voice that was learned from chats: their other sides are forgotten, leave is taken back."""

import asyncio
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from secondme.domain.errors import StoreUnavailable
from secondme.memory import importing
from secondme.stores.ledger import retention, voices
from tests.support.world import World

pytestmark = pytest.mark.timeout(60)
DAY = timedelta(days=1)
SAMPLES = Path(str(files("secondme"))) / "samples"
LENA = (SAMPLES / "lena" / "WhatsApp Chat with Mara Ruiz.txt", "Lena Brandt")
MARA = "+12025550111"


async def purged(world: World, days: int) -> None:
    """What is gone after so many days."""
    now = world.clock.now() + days * DAY
    async with world.ledger.light() as connection:
        await retention.purge_content(connection, now, 90 * DAY)
        await retention.purge_rows(connection, now)


def chat_with(folder: Path, partner: str) -> Path:
    """Lena's chat again, with somebody else."""
    path = folder / f"WhatsApp Chat with {partner}.txt"
    path.write_text(LENA[0].read_text().replace("Mara Ruiz", partner).replace("?", "?!"))
    return path


async def test_forgetting_one_partner_leaves_the_voice_learned_with_another(
    world: World, tmp_path: Path
) -> None:
    await world.importer.run(*LENA, keep_voice=True)
    await world.importer.run(chat_with(tmp_path, "Ben Ode"), LENA[1], keep_voice=True)
    for who, name in ((MARA, "Mara Ruiz"), ("+12025550112", "Ben Ode")):
        await world.says("hi", who=who, name=name)
    await world.settled()
    receipt = await world.control.forget(await world.contact(MARA))
    assert "learned voice" not in receipt["erased"]
    assert await world.value("SELECT count(*) FROM personas WHERE id = 'persona-own'") == 1
    receipt = await world.control.forget(await world.contact("Ben Ode"))
    assert receipt["erased"]["learned voice"] == 1
    assert await world.value("SELECT count(*) FROM personas WHERE id = 'persona-own'") == 0


async def test_what_explains_an_answer_by_a_forgotten_voice_goes_too(world: World) -> None:
    await world.importer.run(*LENA, keep_voice=True)
    await world.says("hi", who=MARA, name="Mara Ruiz")
    await world.says("hi")
    await world.settled()
    await world.control.forget(await world.contact(MARA))
    assert await world.value("SELECT count(*) FROM turns WHERE why IS NOT NULL") == 0
    assert await world.receipts() == [("replied", "contact.enabled")]


async def test_what_was_said_outlives_what_explains_it(world: World) -> None:
    """Forgetting an import empties every why; the journal keeps its answers for as long as its messages."""
    await world.importer.run(*LENA, keep_voice=True)
    await world.says("hi", who=MARA, name="Mara Ruiz")
    await world.says("dear diary", account="journal")
    await world.settled()
    await world.control.forget(await world.contact(MARA))
    await purged(world, 40)
    assert await world.value("SELECT count(*) FROM deliveries WHERE text IS NOT NULL") == 1
    await purged(world, 91)
    assert await world.value("SELECT count(*) FROM turns") == 0


async def test_an_import_that_breaks_off_costs_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    report = await world.importer.run(*LENA, keep_voice=True)

    def breaks(said: object, key: bytes) -> list[int]:
        raise MemoryError

    monkeypatch.setattr(importing, "cue", breaks)
    with pytest.raises(MemoryError):
        await world.importer.run(SAMPLES / "viktor" / "_chat.txt", "viktor hale", keep_voice=True)
    assert await world.value("SELECT count(*) FROM voice_examples") == report.kept


async def test_leave_is_taken_back_by_importing_again_without_it(world: World, tmp_path: Path) -> None:
    other = await world.importer.run(chat_with(tmp_path, "Ben Ode"), LENA[1], keep_voice=True)
    kept = (await world.importer.run(*LENA, keep_voice=True)).kept
    await world.says("hi")
    await world.settled()
    report = await world.importer.run(*LENA, keep_voice=False)
    assert (report.kept, report.taken_back) == (0, kept)
    assert await world.value("SELECT count(*) FROM voice_examples") == other.kept
    assert await world.value("SELECT array_agg(kept ORDER BY kept) FROM imports") == [0, other.kept]
    assert await world.value("SELECT count(*) FROM turns WHERE why IS NOT NULL") == 0
    assert (await world.importer.run(*LENA, keep_voice=True)).kept == kept


async def test_a_receipt_names_the_imports_that_may_be_theirs(world: World) -> None:
    """A display name is what its bearer chose: nobody can tell which chat is theirs."""
    report = await world.importer.run(*LENA, keep_voice=True)
    await world.says("hola", name="Mara")
    await world.settled()
    receipt = await world.control.forget(await world.contact())
    (remains,) = receipt["importsThatRemain"]
    assert (remains["messages"], remains["keptReplies"]) == (report.messages, report.kept)
    await world.says("hola", who=MARA, name="Mara Ruiz")
    await world.settled()
    assert (await world.control.forget(await world.contact(MARA)))["importsThatRemain"] == []


async def test_an_import_at_work_holds_nobody_up(world: World) -> None:
    await world.importer.run(*LENA, keep_voice=True)
    await world.says("hi", who=MARA, name="Mara Ruiz")
    await world.settled()
    contact, now = await world.contact(MARA), world.clock.now()
    async with world.ledger.transaction() as tx:
        await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        begun, _ = await voices.begin_import(tx, "digest", "me", "somebody else", 1, now)
        await voices.keep_examples(tx, world.ledger.vault, begun, [("well", [1], now)])
        receipt = await asyncio.wait_for(world.control.forget(contact), 4)
    assert receipt["erased"]["voice examples"] > 300


async def test_who_waits_for_a_lock_too_long_is_told_to_try_again(world: World) -> None:
    question = "SELECT 1 FROM accounts FOR UPDATE"
    async with world.ledger.transaction() as tx:
        await tx.execute(question)
        with pytest.raises(StoreUnavailable, match="Try again"):
            async with world.ledger.transaction() as other:
                await other.execute("SET LOCAL lock_timeout = '200ms'")
                await other.execute(question)
