"""Deliveries: what may go next, the fence that every byte passes, and what is known afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag

from secondme.domain.delivery import DeliveryKind, Outgoing
from secondme.domain.errors import ConfigError
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, unseal

SWITCH_LOCK = 7103003
CONTACT_LOCK = 7103004
# A plan that missed its moment by so much (the mouth was away) goes back to the judge: it may be late or night now.
PLAN_LIVES = timedelta(minutes=2)

# A pause that ended after the message arrived still forbids the answer: what met a pause is never answered.
MET_PAUSE = "coalesce(least(p.until, p.lifted_at), 'infinity') > least(m.created_at, $2)"

# They are known by an id alone, and it is another business's: from this account it leads nowhere, or to somebody else.
ELSEWHERE = """coalesce((SELECT bool_and(b.scope <> a.scope) FROM provider_ids b
  WHERE b.identity_id = i.id AND b.key = i.channel_user_key), false)"""


@dataclass(frozen=True, slots=True)
class Ready:
    """A planned delivery whose moment has come and before which nothing in its conversation is open."""

    id: UUID
    account_id: str
    contact_id: UUID
    conversation_id: UUID
    turn_id: UUID
    attempts: int
    kind: DeliveryKind = DeliveryKind.TEXT


@dataclass(frozen=True, slots=True)
class InFlight:
    """A delivery whose intent is committed: what to send, and what the audit log may say of it."""

    outgoing: Outgoing
    ready: Ready
    message_id: UUID
    alone: bool  # the only part that speaks to its message
    typing_ms: int
    mind: str | None
    tokens: int
    arrived: datetime
    key: bytes  # the contact's, opened
    more: bool  # something comes after it in its conversation


async def ready(
    tx: Connection, accounts: list[str], busy: list[UUID], full: list[UUID], until: datetime, limit: int
) -> list[tuple[datetime, Ready]]:
    """What may go by `until`, with its moment: the first open delivery of each conversation that is not `busy` here.

    Of each account in turn, so that one which is down, and tries what it has again and again, hides no other's.
    `full` are conversations in which nothing that speaks may leave just now; ticks and typing may.
    """
    rows = await tx.fetch(
        """SELECT r.* FROM unnest($2::text[]) AS a (id) CROSS JOIN LATERAL (
             SELECT d.id, d.account_id, d.user_id, d.conversation_id, d.turn_id, d.attempts, d.kind, d.not_before
             FROM deliveries d
             WHERE d.status = 'planned' AND d.not_before <= $1 AND d.account_id = a.id
               AND NOT (d.conversation_id = ANY($3))
               AND NOT (d.conversation_id = ANY($5) AND d.kind NOT IN ('typing', 'read')) AND NOT EXISTS (
                 SELECT 1 FROM deliveries e WHERE e.conversation_id = d.conversation_id AND e.seq < d.seq
                   AND e.status IN ('planned', 'in_flight'))
             ORDER BY d.not_before LIMIT $4) r
           ORDER BY row_number() OVER (PARTITION BY r.account_id ORDER BY r.not_before), r.not_before LIMIT $4""",
        until,
        accounts,
        busy,
        limit,
        full,
    )
    return [(row["not_before"], _ready(row)) for row in rows]


def _ready(r: asyncpg.Record) -> Ready:
    return Ready(
        r["id"],
        r["account_id"],
        r["user_id"],
        r["conversation_id"],
        r["turn_id"],
        r["attempts"],
        DeliveryKind(r["kind"]),
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What an account's channel asks of a fence."""

    until: datetime  # when nobody can still be sending it
    open_since: datetime | None = None  # a conversation without an inbound since then gets templates only


async def pass_fences(
    tx: Connection, vault: Vault, group: Sequence[Ready], terms: Mapping[str, Terms], now: datetime
) -> dict[UUID, InFlight | Exception]:
    """Commit the intents to send, each if everything still allows it; what is forbidden is absent.

    The statement is `pass_fences` of migration 0016: it shares everybody's lock and those of the contacts, and then
    sees whatever a press has committed before them. A plan that somebody is just changing is passed over, too. One
    whose sealed values cannot be opened is in flight as well; the error stands in its place. `terms` by account.
    """
    rows = await tx.fetch(
        "SELECT * FROM pass_fences($1, $2, $3, $4, $5, $6)",
        [d.id for d in group],
        sorted({d.contact_id for d in group}),
        [terms[d.account_id].until for d in group],
        [terms[d.account_id].open_since for d in group],
        now,
        now - PLAN_LIVES,
    )
    by_id = {d.id: d for d in group}
    return {row["delivery"]: _in_flight(vault, by_id[row["delivery"]], row) for row in rows}


def _in_flight(vault: Vault, delivery: Ready, row: asyncpg.Record) -> InFlight | Exception:
    try:
        key = vault.contact_key(delivery.contact_id, row["key_"])
        text, source = row["text_"], row["source_"]
        outgoing = Outgoing(
            delivery_id=delivery.id,
            account_id=delivery.account_id,
            address=unseal(key, row["address_"], f"identities:{row['identity']}:address"),
            kind=DeliveryKind(row["kind_"]),
            text=unseal(key, text, f"deliveries:{delivery.id}:text") if text else "",
            quotes=unseal(key, source, f"messages:{row['about']}:source") if source else None,
        )
    except (InvalidTag, ConfigError, ValueError, TypeError) as error:
        return error
    return InFlight(
        outgoing,
        delivery,
        row["answers_"],
        row["alone"],
        row["typing"],
        row["mind_"],
        row["tokens_"],
        row["arrived"],
        key,
        row["more"],
    )


async def open_in_flight(
    tx: Connection, contact_id: UUID | None = None, older_than: datetime | None = None
) -> list[Ready]:
    """What is in flight, by conversation: all of it, one contact's, or what nobody can still be sending."""
    rows = await tx.fetch(
        """SELECT id, account_id, user_id, conversation_id, turn_id, attempts, kind FROM deliveries
           WHERE status = 'in_flight' AND ($1::uuid IS NULL OR user_id = $1)
             AND ($2::timestamptz IS NULL OR in_flight_until < $2) ORDER BY conversation_id""",
        contact_id,
        older_than,
    )
    return [_ready(row) for row in rows]
