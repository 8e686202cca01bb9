"""An export becomes a voice on the real ledger: once, sealed, replaceable, forgettable."""

from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest

from secondme.domain.errors import NotFound
from tests.support.world import World

SAMPLES = Path(str(files("secondme"))) / "samples"
LENA = SAMPLES / "lena" / "WhatsApp Chat with Mara Ruiz.txt"
STRANGER = UUID(int=0)
VIKTOR = SAMPLES / "viktor" / "_chat.txt"


async def test_the_same_export_twice_is_one_import(world: World) -> None:
    first = await world.importer.run(LENA, "Lena Brandt", keep_voice=True)
    again = await world.importer.run(LENA, "Lena Brandt", keep_voice=True)
    assert first.kept == first.offered > 300
    assert (again.kept, again.replaced) == (0, 0)
    assert await world.value("SELECT count(*) FROM imports") == 1
    assert await world.value("SELECT count(*) FROM voice_examples") == first.kept


async def test_without_consent_no_reply_is_kept(world: World) -> None:
    report = await world.importer.run(LENA, "Lena Brandt", keep_voice=False)
    assert (report.offered, report.kept) == (0, 0)
    assert await world.value("SELECT count(*) FROM voice_examples") == 0
    assert await world.value("SELECT count(*) FROM personas WHERE id = 'persona-own'") == 1


async def test_another_owner_is_another_voice_and_both_stay(world: World) -> None:
    lena = await world.importer.run(LENA, "Lena Brandt", keep_voice=True)
    assert await world.voice.nearest(STRANGER, ["are we climbing on saturday?"], 3)
    viktor = await world.importer.run(VIKTOR, "viktor hale", keep_voice=True)
    assert viktor.replaced == lena.kept
    nearest = await world.voice.nearest(STRANGER, ["are we rowing on Sunday?"], 3)
    assert nearest
    assert all(example.text[0].isupper() for example in nearest)
    again = await world.importer.run(LENA, "Lena Brandt", keep_voice=True)
    assert (again.kept, again.replaced) == (0, viktor.kept)
    nearest = await world.voice.nearest(STRANGER, ["are we climbing on saturday?"], 3)
    assert nearest
    assert not any(example.text[0].isupper() for example in nearest)


async def test_forgetting_the_other_side_forgets_what_was_learned_with_them(world: World) -> None:
    await world.importer.run(LENA, "Lena Brandt", keep_voice=True)
    await world.says("hi", who="+12025550111", name="Mara Ruiz")
    await world.settled()
    receipt = await world.control.forget(await world.contact("+12025550111"))
    assert receipt["erased"]["voice examples"] > 300
    assert await world.voice.nearest(STRANGER, ["are we climbing on saturday?"], 3) == ()
    assert await world.value("SELECT count(*) FROM personas WHERE id = 'persona-own'") == 0


async def test_an_unknown_owner_is_told_who_writes(world: World) -> None:
    with pytest.raises(NotFound, match="Mara Ruiz"):
        await world.importer.run(LENA, "Nobody", keep_voice=True)
    assert await world.value("SELECT count(*) FROM imports") == 0
