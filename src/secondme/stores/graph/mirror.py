"""User, Contact and Persona nodes: what the ledger knows, under the documented names, for whoever asks the graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import batched
from typing import Any

from secondme.domain.fact import EVERYONE, GROUP, OWNER
from secondme.stores.graph.client import Graph

OWNER_ID = "user-1"  # the documented one: an instance has one owner
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class UserNode:
    """The owner. `phone` is empty where no channel has told it; sleep is local time, None where none is set."""

    phone: str
    default_persona: str
    sleep_start: time | None
    sleep_end: time | None


@dataclass(frozen=True, slots=True)
class PersonaNode:
    """A way of speaking, as the ledger has it."""

    id: str
    name: str
    style_guide: str
    tone: str
    examples: tuple[str, ...]
    applicable_to: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ContactNode:
    """A contact. `phone` is their address where they have no number; `name` the address where they have no name."""

    id: str
    phone: str
    name: str
    relationship: str
    enabled: bool  # and not everything is paused: the documented rule
    persona_id: str | None
    last_at: datetime | None
    created_at: datetime


async def put_user(graph: Graph, user: UserNode, now: datetime) -> None:
    """Write the owner's node, and what they attended, as the facts have it."""
    await graph.query(
        "mirror_user",
        phoneNumber=user.phone,
        defaultPersona=user.default_persona,
        sleepHoursStart=_clock(user.sleep_start),
        sleepHoursEnd=_clock(user.sleep_end),
        at=now,
    )
    for events in batched((row[0] for row in await graph.query("attended")), _BATCH):
        await graph.query("owner_attended", events=events)


async def put_personas(graph: Graph, personas: Sequence[PersonaNode]) -> None:
    """Write these; whichever else the graph has goes."""
    await graph.query(
        "mirror_personas", ids=[p.id for p in personas], personas=[_persona(p) for p in personas]
    )


async def put_contacts(graph: Graph, contacts: Sequence[ContactNode], now: datetime) -> None:
    """Write these, as `updatedAt` now."""
    for start in range(0, len(contacts), _BATCH):
        batch = [_contact(contact) for contact in contacts[start : start + _BATCH]]
        await graph.query("mirror_contacts", contacts=batch, at=now)


async def known(graph: Graph) -> set[str]:
    """The ids of all contacts that were written from the ledger, or of whom something was learned."""
    found = await graph.query("known_contacts", owner=OWNER, everyone=EVERYONE, group=GROUP)
    return {row[0] for row in found}


def _clock(local: time | None) -> str | None:
    return local.strftime("%H:%M:%S") if local is not None else None


def _persona(persona: PersonaNode) -> dict[str, Any]:
    return {
        "id": persona.id,
        "name": persona.name,
        "styleGuide": persona.style_guide,
        "tone": persona.tone,
        "exampleMessages": persona.examples,
        "applicableTo": persona.applicable_to,
        "createdAt": persona.created_at,
        "updatedAt": persona.updated_at,
    }


def _contact(contact: ContactNode) -> dict[str, Any]:
    return {
        "id": contact.id,
        "phoneNumber": contact.phone,
        "name": contact.name,
        "relationshipType": contact.relationship,
        "botEnabled": contact.enabled,
        "assignedPersona": contact.persona_id,
        "lastInteraction": contact.last_at,
        "createdAt": contact.created_at,
    }
