"""Where one item of a group cannot be written each goes alone; a store that is away then is nobody's fault."""

from pathlib import Path

import pytest

from secondme.domain.errors import StoreUnavailable
from secondme.domain.message import Inbound, Kind
from secondme.embedded import Addresses
from tests.support.world import World

# The connection that writes a picture dies of it, until the trigger goes.
DEADLY = """CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
  CREATE TRIGGER die BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.content_type = 'image') EXECUTE FUNCTION die()"""


def item(world: World, number: int, kind: str) -> Inbound:
    return Inbound("main", f"+1555010{number}", None, f"p-{number}", kind, "hi", world.clock.now())  # type: ignore[arg-type]


async def test_a_store_that_goes_meanwhile_makes_nothing_poison_and_loses_nothing(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    async with World.open(addresses, template, tmp_path, run=False) as world:
        group = [
            item(world, n, kind) for n, kind in enumerate([Kind.TEXT, "no\0kind", Kind.IMAGE, Kind.TEXT])
        ]
        async with world.ledger.transaction() as tx:
            await tx.execute(DEADLY)
        with pytest.raises(StoreUnavailable):
            await world.inbox.accept(group)
        assert await world.value("SELECT array_agg(content_type) FROM messages") == ["text"]
        assert await world.value("SELECT count(*) FROM kept_aside") == 1
        async with world.ledger.transaction() as tx:
            await tx.execute("DROP TRIGGER die ON messages")
        again = await world.inbox.accept(group)
        assert [one.new for one in again] == [False, False, True, True]
        assert await world.value("SELECT array_agg(content_type ORDER BY seq) FROM messages") == [
            "text",
            "image",
            "text",
        ]
        assert await world.value("SELECT count(*) FROM kept_aside") == 1
