"""Who is who in an imported chat: the owner, those who write to us already, and those known from there alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from secondme.domain.address import is_phone, normalise
from secondme.domain.errors import Invalid
from secondme.domain.fact import GROUP, OWNER
from secondme.memory.exports.authors import same_name
from secondme.stores.ledger import Connection, imports
from secondme.stores.vault import Vault

BEGINNING = 5  # lines of others by which a group is known again; nobody who was not there can know them all


@dataclass(frozen=True, slots=True)
class Cast:
    """Whose chat it is, and who each author is, by their place.

    `partner`: the other one, where there is but one; `linked`: who also writes to us.
    """

    audience: str
    tellers: tuple[str, ...]
    partner: UUID | None
    linked: bool


async def cast(
    tx: Connection,
    vault: Vault,
    authors: Sequence[str],
    me: str,
    title: str | None,
    beginning: Sequence[str],
    whom: UUID | None,
    now: datetime,
) -> Cast | None:
    """Who is who. `whom` is the other one, if the owner says so; `title` the chat's name, if it has one; `beginning`
    the first `BEGINNING` lines of others, each as `line` has it.

    None where nobody is there to have heard it. Raises Invalid where `whom` is said of a chat of several.
    """
    mine = same_name(me)
    others = [name for name in authors if same_name(name) != mine] or ([title] if title else [])
    if not others:
        return None
    if whom is not None:
        if len(others) > 1:
            raise Invalid(
                "Who the other one is can be said where there is but one, and this chat has several others."
            )
        known = {others[0]: whom}
    else:
        known = await imports.authors(tx, vault, {name: partner_key(name) for name in others}, now)
    tellers = tuple(str(known[name]) if name in known else OWNER for name in authors)
    if len(others) > 1:
        # Not by its name alone, which any member may change to that of another group: its audience would hear all.
        known_by = vault.digest("group", partner_key(title or ""), *beginning)
        return Cast(f"{GROUP}{known_by}", tellers, None, True)
    partner = known[others[0]]
    return Cast(str(partner), tellers, partner, await imports.writes(tx, partner))


def line(minute: int, author: str, text: str) -> str:
    """What is compared of a line: who said what, in which minute since 1970 by the phone's own clock."""
    return json.dumps([minute, partner_key(author), text])


def partner_key(name: str) -> str:
    """How the other side of an imported chat is compared with a contact: by number, else by name."""
    try:
        address = normalise(name)
    except Invalid:
        return name.casefold().strip()
    return address if is_phone(address) else " ".join(name.casefold().split())
