"""The owner's replies, kept in a real ledger and found again."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from secondme.memory.voice import OwnVoice, cue
from secondme.stores.ledger import Ledger, voices

KEY = b"a key of thirty-two bytes or so."
ANA, BEN = UUID(int=1), UUID(int=2)
WHEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Watched(voices.LedgerVoices):
    """The real store, noting what is asked of it."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.loads = 0
        self.looks = 0
        self.opened: list[UUID] = []

    async def version(self) -> int:
        self.looks += 1
        return await super().version()

    async def cues(self, audience: UUID | None) -> Sequence[tuple[UUID, Sequence[int], datetime]]:
        self.loads += 1
        return await super().cues(audience)

    async def texts(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        self.opened += ids
        return await super().texts(ids)


async def keep(ledger: Ledger, *pairs: tuple[str, str]) -> None:
    """Said and replied, a day apart."""
    rows = [(reply, cue([said], KEY), WHEN + timedelta(days=n)) for n, (said, reply) in enumerate(pairs)]
    async with ledger.transaction() as tx:
        import_id, _ = await voices.begin_import(tx, "digest", "me", "someone", len(pairs), WHEN)
        await voices.keep_examples(tx, ledger.vault, import_id, rows)
        await voices.changed(tx)


async def test_the_nearest_replies_come_back_best_first_and_only_they_are_opened(ledger: Ledger) -> None:
    await keep(
        ledger, ("are you home?", "yes\ncome up"), ("lunch?", "starving"), ("are you at home now?", "soon")
    )
    store = Watched(ledger)
    own = OwnVoice(store, KEY)
    assert store.looks == 0
    found = await own.nearest(ANA, ["are you home?"], 2)
    assert [example.text for example in found] == ["yes\ncome up", "soon"]
    assert found[0].closeness > found[1].closeness > 0
    assert found[0].at == WHEN
    assert len(store.opened) == 2


async def test_nothing_kept_is_no_examples(ledger: Ledger) -> None:
    own = OwnVoice(Watched(ledger), KEY)
    assert await own.nearest(ANA, ["hello?"], 3) == ()
    assert await own.nearest(ANA, [], 3) == ()


async def test_what_is_kept_later_is_found_once_the_version_is_looked_at(ledger: Ledger) -> None:
    store = Watched(ledger)
    eager, patient = OwnVoice(store, KEY, looks_every=0), OwnVoice(ledger_voices := Watched(ledger), KEY)
    assert await eager.nearest(ANA, ["tea?"], 1) == await patient.nearest(ANA, ["tea?"], 1) == ()
    await keep(ledger, ("tea?", "always"))
    assert [example.text for example in await eager.nearest(ANA, ["tea?"], 1)] == ["always"]
    assert await patient.nearest(ANA, ["tea?"], 1) == ()
    assert ledger_voices.looks == 1


async def test_an_unchanged_store_is_loaded_once(ledger: Ledger) -> None:
    await keep(ledger, ("tea?", "always"))
    store = Watched(ledger)
    own = OwnVoice(store, KEY, looks_every=0)
    for _ in range(3):
        await own.nearest(ANA, ["tea?"], 1)
    assert (store.loads, store.looks) == (1, 3)


async def test_an_erased_reply_is_not_shown_even_before_the_index_knows(ledger: Ledger) -> None:
    await keep(ledger, ("tea?", "always"), ("tea now?", "coming"))
    own = OwnVoice(Watched(ledger), KEY)
    assert len(await own.nearest(ANA, ["tea?"], 2)) == 2
    async with ledger.transaction() as tx:
        await tx.execute("DELETE FROM voice_examples WHERE at = $1", WHEN)
    assert [example.text for example in await own.nearest(ANA, ["tea?"], 2)] == ["coming"]


async def test_only_the_newest_are_indexed(ledger: Ledger) -> None:
    await keep(ledger, ("tea?", "first"), ("tea?", "second"), ("tea?", "third"))
    found = await OwnVoice(Watched(ledger), KEY, most=2).nearest(ANA, ["tea?"], 3)
    assert [example.text for example in found] == ["third", "second"]
