"""`graph`: what is known, its schema, what it repeats of the ledger, and the documented queries."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime

from secondme.cli import show
from secondme.cli.opening import opened
from secondme.domain.errors import Invalid
from secondme.domain.inert import inert
from secondme.loading import load
from secondme.meaning import SERVING
from secondme.stores.graph import documented, schema
from secondme.stores.graph.values import Value, literal


async def bring_up_to_date() -> None:
    """To the newest schema."""
    load(checks=SERVING)  # how many numbers a vector has is the models' to say: a guess would void them all
    async with opened() as app:
        done = await app.mirror.migrate()
    print(f"The graph {'now has' if done else 'already has'} schema {schema.newest()}, the newest.")


async def rebuild() -> None:
    """The mirrored nodes anew, also where somebody else has changed them."""
    load(checks=SERVING)
    async with opened(reads=True) as app:
        contacts = await app.mirror.rebuild()
        personas = await app.personas.all()
    told = f"{show.count(contacts, 'contact')} and {show.count(len(personas), 'persona')}"
    print(f"The graph has the owner, {told} as the ledger has them.")


async def query(name: str | None, values: Sequence[str]) -> None:
    """A documented query's rows, or how each is called. Raises Invalid for what is no PARAMETER=VALUE."""
    if name is None:
        rows = [(name, " ".join(pattern.parameters)) for name, pattern in documented.PATTERNS.items()]
        show.table(("query", "parameters"), rows)
        return
    given = dict(_parameter(value) for value in values)
    if name in documented.PATTERNS and "at" in documented.PATTERNS[name].parameters:
        given.setdefault("at", datetime.now(UTC))
    async with opened(reads=True) as app:
        for row in await documented.ask(app.graph, name, given):
            print(inert(json.dumps(row, default=_plain, ensure_ascii=False)))


def _parameter(text: str) -> tuple[str, Value]:
    """A list or null is written as JSON; anything else is text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(f"`{text}` is no parameter: write PARAMETER=VALUE.")
    if value != "null" and not value.startswith("["):
        return name, value
    try:
        found = json.loads(value)
        literal(found)
    except ValueError:
        raise Invalid(f"The value of {name} is no list as JSON has it.") from None
    return name, found


def _plain(value: date | datetime) -> str:
    return value.isoformat()
