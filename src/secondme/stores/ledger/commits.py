"""The one commit that ends Turns, together where several end within the same moment."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from secondme.domain.delivery import DeliveryKind, Planned
from secondme.domain.turn import Turn
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal

_ENDED_MEANWHILE = "SM001"


class Superseded(Exception):
    """The Turn's token is gone, or a message of it has ended since: somebody newer decides."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How one Turn ends. `planned` pairs each delivery with the message that it speaks to; `why` is for the owner."""

    turn: Turn
    planned: Sequence[tuple[Planned, UUID]]
    why: Mapping[str, Any]
    now: datetime


async def commit_all(tx: Connection, vault: Vault, endings: Sequence[Ending]) -> set[UUID]:
    """End Turns in one commit: silences, plans, receipts, pauses and releases. Returns the ids of those that ended.

    Each token is checked there, under the row lock; whose token is gone is passed over. delivery_answers is the
    uniqueness that guards against a second answer: one for each message and part. Raises Superseded where a message
    has ended since it was loaded, and UniqueViolationError for a second answer: then none has ended.
    """
    columns = [
        *_columns([_turn_row(vault, e) for e in endings], 14),
        *_columns([row for e in endings for row in _ended_rows(e.turn)], 4),
        *_columns([row for e in endings for row in _planned_rows(vault, e)], 11),
        *_columns([row for e in endings if e.planned for row in _links(e)], 4),
        *_columns([row for e in endings for row in _pause_rows(e)], 4),
    ]
    try:
        rows = await tx.fetch(_COMMIT, *columns)
    except asyncpg.PostgresError as error:
        if error.sqlstate == _ENDED_MEANWHILE:
            raise Superseded from None
        raise
    return {row["committed"] for row in rows}


_COMMIT = f"SELECT committed FROM commit_turns({', '.join(f'${n}' for n in range(1, 38))})"


def _columns(rows: Iterable[tuple[object, ...]], width: int) -> Iterable[Sequence[object]]:
    """Rows as columns, for unnest."""
    return list(zip(*rows, strict=True)) or [()] * width


def _turn_row(vault: Vault, e: Ending) -> tuple[object, ...]:
    turn, verdict, draft = e.turn, e.turn.verdict, e.turn.draft
    return (
        turn.id,
        turn.conversation_id,
        turn.token,
        turn.contact.id,
        e.now,
        verdict.rule if verdict else "",
        draft.mind if draft else None,
        draft.tokens if draft else 0,
        dict(turn.timings),
        seal(_key(vault, turn), json.dumps(e.why), f"turns:{turn.id}:why"),
        turn.account.profile.quotes_when_overtaken,
        verdict.hold_until if verdict else None,
        turn.attempts + verdict.retry if verdict and verdict.hold_until else 0,
        len(turn.messages) if e.planned else 0,
    )


def _key(vault: Vault, turn: Turn) -> bytes:
    return vault.contact_key(turn.contact.id, turn.contact.key)


def _ended_rows(turn: Turn) -> Iterable[tuple[object, ...]]:
    """(turn, message, outcome, rule) of the messages that end with the Turn itself."""
    for message_id, rule in turn.silenced:
        yield turn.id, message_id, "silent", rule
    if turn.verdict and turn.verdict.failed:
        for message in turn.messages:
            yield turn.id, message.id, "failed", turn.verdict.rule


def _planned_rows(vault: Vault, e: Ending) -> Iterable[tuple[object, ...]]:
    """The deliveries in the order in which they leave."""
    key = _key(vault, e.turn)
    for p, answers in e.planned:
        yield (
            e.turn.id,
            p.id,
            e.turn.account.id,
            p.kind,
            p.part,
            answers,
            p.quotes,
            seal(key, p.text, f"deliveries:{p.id}:text") if p.text else None,
            vault.digest("echo", p.text) if p.text else None,
            p.not_before,
            p.typing_ms,
        )


def _links(e: Ending) -> Iterable[tuple[object, ...]]:
    """(turn, message, part, delivery): each message with the parts that speak to it, or with the first part of all."""
    texts = [(p, answers) for p, answers in e.planned if p.kind is DeliveryKind.TEXT]
    spoken_to = {answers for _, answers in texts}
    first = texts[0][0]
    for p, answers in texts:
        yield e.turn.id, answers, p.part, p.id
    for message in e.turn.messages:
        if message.id not in spoken_to:
            yield e.turn.id, message.id, first.part, first.id


def _pause_rows(e: Ending) -> Iterable[tuple[object, ...]]:
    if e.turn.verdict and e.turn.verdict.pause:
        reason, length = e.turn.verdict.pause
        yield e.turn.id, uuid4(), reason, e.now + length
