"""Seals: bound to their row, their column and their key; keys that are wrong, lost, new or two."""

import base64
import hashlib
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from secondme.domain.errors import ConfigError
from secondme.stores.ledger import Ledger, people
from secondme.stores.vault import KeyRing, new_key, seal, unseal
from tests.privacy.opening import opened, where
from tests.privacy.places import betrays
from tests.privacy.telling import ANA, canary
from tests.support.world import World

KEY, OTHER = bytes(range(32)), bytes(range(32, 64))


@settings(deadline=None)
@given(st.text(), st.data())
def test_a_seal_opens_whole_or_not_at_all(text: str, data: st.DataObject) -> None:
    text = text.encode(errors="replace").decode()
    sealed = seal(KEY, text, "messages:1:text")
    assert unseal(KEY, sealed, "messages:1:text") == text
    place = data.draw(st.integers(0, len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    for key, wrong, row in (
        (KEY, bytes(flipped), "messages:1:text"),
        (KEY, sealed[:-1], "messages:1:text"),
        (KEY, sealed, "messages:2:text"),
        (KEY, sealed, "messages:1:reply_text"),
        (KEY, sealed, "deliveries:1:text"),
        (OTHER, sealed, "messages:1:text"),
    ):
        with pytest.raises(InvalidTag):
            unseal(key, wrong, row)


def test_the_same_words_are_never_sealed_the_same() -> None:
    assert len({seal(KEY, "yes", "messages:1:text") for _ in range(1000)}) == 1000


@pytest.mark.parametrize("what", ["text", "source"])
async def test_sealed_bytes_cannot_change_places(world: World, what: str) -> None:
    """Whoever can write to the database cannot put one person's words into another's mouth."""
    await world.says(canary("one"), id=canary("id1"), account="journal")
    await world.says(canary("two"), id=canary("id2"), account="journal")
    await world.settled()
    assert f"messages.{what}" in where(await opened(world.ledger), canary(""))
    async with world.ledger.transaction() as tx:
        await tx.execute(
            f"""UPDATE messages m SET {what} = o.{what} FROM messages o
                WHERE o.conversation_id = m.conversation_id AND o.id <> m.id"""
        )
    assert f"messages.{what}" not in where(await opened(world.ledger), canary(""))


async def test_a_contacts_key_cannot_change_places(world: World) -> None:
    await world.says(canary("ana"), who=ANA)
    await world.says("hi", who="+15550101")
    await world.settled()
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE contacts c SET key = o.key FROM contacts o WHERE o.id <> c.id")
    world.ledger.vault._contact_keys.clear()
    with pytest.raises(ConfigError, match="damaged"):
        await opened(world.ledger)


async def test_what_was_tampered_with_is_not_answered_and_holds_up_nobody(world: World) -> None:
    await world.says("hi", who="+15550101")
    await world.settled()
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE accounts SET debounce = interval '1 s', debounce_cap = interval '1 s'")
    tampered = await world.says(canary("tampered"), who=ANA)
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE messages SET text = text || '\\x00'::bytea WHERE id = $1", tampered)
    await world.says("still here", who="+15550101")
    await world.until("SELECT count(*) = 2 FROM messages WHERE outcome = 'replied'")
    assert world.phones.texts(ANA) == []
    assert world.phones.texts("+15550101") == ["re: hi", "re: still here"]


@asynccontextmanager
async def reopened(world: World, ring: str) -> AsyncIterator[Ledger]:
    """The same ledger by a process that was given other keys."""
    ledger = await Ledger.open(world.dsn, KeyRing.parse(ring))
    try:
        yield ledger
    finally:
        await ledger.close()


def rings(world: World) -> str:
    """The key that the world was made with, as one would set it."""
    ring = world.ledger.vault.ring
    return ring._keys[ring._first].hex()


async def test_a_wrong_key_is_said_and_what_to_do(world: World) -> None:
    with pytest.raises(ConfigError) as refusal:
        async with reopened(world, new_key().hex()):
            pass
    assert "SECONDME_SECRET_KEY" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert rings(world) not in str(refusal.value)


async def test_a_key_is_rotated_by_putting_the_new_one_first(world: World) -> None:
    await world.says(canary("old"), who=ANA, account="journal")
    await world.settled()
    old, new = rings(world), new_key().hex()
    async with reopened(world, f"{new},{old}") as ledger:
        assert "messages.text" in where(await opened(ledger), canary("old"))
        key, wrapped = ledger.vault.new_contact_key("c")
        assert KeyRing.parse(new).unwrap(wrapped, "contacts:c:key") == key
        assert ledger.vault.digest("x", ANA) == world.ledger.vault.digest("x", ANA), (
            "who was known stays known"
        )
    with pytest.raises(ConfigError, match="another one"):
        async with reopened(world, new):
            pass


async def test_rotated_keys_know_the_same_people(world: World) -> None:
    await world.says("hi", who=ANA)
    await world.settled()
    async with reopened(world, f"{new_key().hex()},{rings(world)}") as ledger, ledger.transaction() as tx:
        everyone = await people.everyone(tx, ledger.vault)
    assert [row.address for row in everyone] == [ANA]


@pytest.mark.parametrize(
    "text", [KEY.hex(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode()]
)
def test_a_key_may_be_written_in_hex_or_base64(text: str) -> None:
    wrapped = KeyRing.parse(f" {text} ").wrap(OTHER, "row")
    assert KeyRing([KEY]).unwrap(wrapped, "row") == OTHER


@pytest.mark.parametrize(
    "text", ["", " , ", "secret", KEY.hex()[:-2], KEY.hex() + "00", f"{KEY.hex()},short"]
)
def test_what_is_no_key_is_refused_with_how_to_make_one(text: str) -> None:
    with pytest.raises(ConfigError, match="openssl rand -base64 32"):
        KeyRing.parse(text)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    wrapped = KeyRing.from_file(path).wrap(OTHER, "row")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert KeyRing.from_file(path).unwrap(wrapped, "row") == OTHER
    assert path.read_text() == before
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_a_key_file_that_holds_no_key_is_said(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text("")
    with pytest.raises(ConfigError, match="32 bytes"):
        KeyRing.from_file(path)
    assert path.read_text() == ""


async def test_digests_are_keyed(world: World) -> None:
    """A plain hash of a phone number is reversed in a minute: nothing in a column is one."""
    await world.says("hi", who=ANA)
    await world.settled()
    vault = world.ledger.vault
    known = await world.value("SELECT channel_user_key FROM identities")
    assert known == vault.digest("address", "simulator", ANA)
    plain = [hashlib.new(name, ANA.encode()).hexdigest() for name in ("md5", "sha1", "sha256")]
    assert not any(known in digest or digest in known for digest in plain)
    assert vault.digest("a", "bc") != vault.digest("ab", "c") != vault.digest("abc")
    assert betrays(known.encode()) == []
