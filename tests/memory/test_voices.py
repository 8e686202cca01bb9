"""Kept replies and learned voices: whose chat they come from decides who may hear them, and how one is spoken to."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from secondme.domain.errors import Invalid
from secondme.domain.turn import Contact
from secondme.memory.importing import Report
from secondme.pipeline.personas import Personas
from secondme.pipeline.recall import choose
from secondme.stores.ledger import people
from tests.support.world import World

pytestmark = pytest.mark.timeout(60)
ANA, BEN = "+1 555 0100", "+1 555 0101"


def an_export(folder: Path, other: str, *lines: str, owner: str = "Lee") -> Path:
    """Lines are `A: text` of the other side, `B: text` of a third, or `L: text` of the owner; one a minute."""
    names = {"A": other, "B": "Cem", "L": owner}
    path = folder / f"{uuid4()}.txt"
    said = [f"{names[line[0]]}: {line[3:]}" for line in lines]
    path.write_text(
        "".join(f"13/11/2026, {10 + n // 60:02}:{n % 60:02} - {text}\n" for n, text in enumerate(said))
    )
    return path


CHAT = (
    *("A: where are you staying?", "L: at Zoe and Mikas place", "A: shall we climb?", "L: yes of course"),
    *("A: the key?", "L: my code is 4711"),
)


async def imported(
    world: World, folder: Path, other: str, *lines: str, keep: bool = True, relationship: str | None = None
) -> Report:
    path = an_export(folder, other, *lines)
    return await world.importer.run(path, "Lee", keep, relationship=relationship)


async def heard(world: World, contact: UUID, *said: str) -> list[str]:
    """What may stand in a prompt for this contact."""
    return sorted(example.text for example in await world.voice.nearest(contact, said, 12))


async def met(world: World, *numbers: str) -> list[UUID]:
    for number in numbers:
        await world.says("hi", number.replace(" ", ""))
    await world.settled()
    return [await world.contact(number.replace(" ", "")) for number in numbers]


async def test_what_was_said_to_one_is_an_example_for_them_alone(world: World, tmp_path: Path) -> None:
    ana, ben = await met(world, ANA, BEN)
    report = await imported(world, tmp_path, ANA, *CHAT)
    assert (report.partner, report.kept, report.between) == (ana, 2, 1)
    asked = ("where are you staying?", "shall we climb?")
    assert await heard(world, ana, *asked) == ["at Zoe and Mikas place", "yes of course"]
    assert await heard(world, ben, *asked) == ["yes of course"]
    assert await heard(world, UUID(int=0), *asked) == ["yes of course"]


async def test_of_two_chats_each_hears_their_own(world: World, tmp_path: Path) -> None:
    ana, ben = await met(world, ANA, BEN)
    await imported(world, tmp_path, ANA, "A: who?", "L: me and Zoe")
    await imported(world, tmp_path, BEN, "A: who?", "L: me and Mika", "A: who then?", "L: me and Zoe")
    assert await heard(world, ana, "who?") == ["me and Zoe"]
    assert await heard(world, ben, "who?") == ["me and Mika", "me and Zoe"]


async def test_what_was_said_to_several_is_nobodys(world: World, tmp_path: Path) -> None:
    (ana,) = await met(world, ANA)
    report = await imported(world, tmp_path, ANA, "B: who?", *CHAT)
    assert (report.partner, report.kept, report.between) == (None, 1, 0)
    assert await heard(world, ana, "where are you staying?", "shall we climb?") == ["yes of course"]


async def test_it_is_sealed_with_their_key_and_goes_with_them(world: World, tmp_path: Path) -> None:
    ana, ben = await met(world, ANA, BEN)
    await imported(world, tmp_path, ANA, *CHAT)
    await imported(world, tmp_path, BEN, "A: who?", "L: me and Mika")
    assert await world.value("SELECT count(*) FROM voice_examples WHERE audience = $1", ana) == 1
    keys = [await world.value("SELECT key FROM contacts WHERE id = $1", who) for who in (ben, ana)]
    for key, found in zip(
        keys, (["yes of course"], ["at Zoe and Mikas place", "yes of course"]), strict=True
    ):  # nobody else's key opens it
        async with world.ledger.transaction() as tx:
            await tx.execute("UPDATE contacts SET key = $2 WHERE id = $1", ana, key)
        assert await heard(world, ana, "where are you staying?") == found
    await world.control.forget(ana)
    assert await heard(world, ana, "where are you staying?") == []
    assert await world.value("SELECT count(*) FROM voice_examples") == 1
    assert await heard(world, ben, "who?") == ["me and Mika"]


def bursts(style: str, count: int = 30) -> Sequence[str]:
    return [line for n in range(count) for line in ("A: well?", f"L: {style}")]


async def spoken_as(world: World, relationship: str) -> str | None:
    """The persona by which somebody of that relationship is answered."""
    who = Contact(UUID(int=0), None, True, relationship, None)
    persona = choose(await Personas(world.ledger, world.signals).all(), who)
    return persona.id if persona else None


async def test_one_speaks_to_each_kind_as_one_does_to_such(world: World, tmp_path: Path) -> None:
    await met(world, ANA, BEN)
    await imported(world, tmp_path, ANA, *bursts("haha yess omw"), relationship="friend")
    await imported(world, tmp_path, BEN, *bursts("I will look into it, thank you."), relationship="colleague")
    assert await spoken_as(world, "friend") == "persona-own-friend"
    assert await spoken_as(world, "colleague") == "persona-own-colleague"
    assert await spoken_as(world, "family") == "persona-own"
    by_id = {p.id: p for p in await Personas(world.ledger, world.signals).all()}
    assert (by_id["persona-own-friend"].style.full_stop, by_id["persona-own-colleague"].style.full_stop) == (
        0.0,
        1.0,
    )
    assert by_id["persona-own"].style.full_stop == 0.5
    assert not any("look into" in text for text in by_id["persona-own-friend"].examples)


async def test_the_contacts_relationship_is_the_chats(world: World, tmp_path: Path) -> None:
    ana, _ = await met(world, ANA, BEN)
    async with world.ledger.transaction() as tx:
        await people.set_relationship(tx, ana, "family", "persona-casual")
    await imported(world, tmp_path, ANA, *bursts("haha yess omw"))
    await imported(world, tmp_path, BEN, *bursts("haha yess omw"))
    ids = [p.id for p in await Personas(world.ledger, world.signals).all() if p.id.startswith("persona-own")]
    assert ids == ["persona-own", "persona-own-family"]
    await imported(world, tmp_path, ANA, *bursts("haha yess omw"), relationship="friend")
    question = "SELECT relationship || ' ' || persona_id FROM contacts WHERE id = $1"
    assert await world.value(question, ana) == "friend persona-casual"
    with pytest.raises(Invalid, match="friend, family"):
        await imported(world, tmp_path, ANA, *CHAT, relationship="pal")


async def test_what_a_forgotten_chat_taught_is_unlearned(world: World, tmp_path: Path) -> None:
    ana, _ = await met(world, ANA, BEN)
    await imported(world, tmp_path, ANA, *bursts("haha yess omw"), relationship="friend")
    await imported(world, tmp_path, BEN, *bursts("thank you, I am well"), relationship="colleague")
    await world.control.forget(ana)
    found = {p.id: p for p in await Personas(world.ledger, world.signals).all() if "-own" in p.id}
    assert list(found) == ["persona-own", "persona-own-colleague"]
    assert found["persona-own"].style == found["persona-own-colleague"].style
    assert not any(
        "omw" in text for text in (*found["persona-own"].examples, found["persona-own"].style_guide)
    )


async def test_another_owners_voice_takes_nothing_of_the_first(world: World, tmp_path: Path) -> None:
    await imported(world, tmp_path, "Ana", *bursts("haha yess omw"), relationship="friend")
    path = an_export(tmp_path, "Ben", *bursts("Thank you, I am well."), owner="Kim")
    await world.importer.run(path, "Kim", True)
    found = {p.id: p for p in await Personas(world.ledger, world.signals).all() if "-own" in p.id}
    assert list(found) == ["persona-own"]
    assert found["persona-own"].style.full_stop == 1.0
