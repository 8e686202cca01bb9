"""The one commit that ends a Turn."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from secondme.domain.delivery import DeliveryKind, Planned
from secondme.domain.turn import Turn
from secondme.stores.ledger import due
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal


class Superseded(Exception):
    """The Turn's token is gone: somebody newer decides."""


async def commit(
    tx: Connection,
    vault: Vault,
    turn: Turn,
    planned: Sequence[tuple[Planned, UUID]],
    why: Mapping[str, Any],
    now: datetime,
) -> None:
    """End a Turn in one commit: silences, plans, receipts, pause and release. Raises Superseded.

    `planned` pairs each delivery with the message that it speaks to. The token is checked here, under the row lock.
    """
    key = await _hold(tx, vault, turn)
    await _write_turn(tx, key, turn, why, now)
    if planned:
        await _plan(tx, vault, key, turn, planned, now)
    verdict = turn.verdict
    if verdict and verdict.pause:
        reason, length = verdict.pause
        await tx.execute(
            "INSERT INTO pauses (id, user_id, reason, since, until) VALUES ($1, $2, $3, $4, $5)",
            uuid4(),
            turn.contact.id,
            reason,
            now,
            now + length,
        )
    if not planned:
        await due.recompute(tx, [turn.conversation_id])


async def _hold(tx: Connection, vault: Vault, turn: Turn) -> bytes:
    """Check that the Turn still holds its conversation; returns the contact's key. Raises Superseded."""
    wrapped = await tx.fetchval(
        """SELECT k.key FROM conversations c JOIN contacts k ON k.id = c.user_id
           WHERE c.id = $1 AND c.lease_token = $2 FOR UPDATE OF c""",
        turn.conversation_id,
        turn.token,
    )
    if wrapped is None:
        raise Superseded
    return vault.contact_key(turn.contact.id, wrapped)


async def _write_turn(tx: Connection, key: bytes, turn: Turn, why: Mapping[str, Any], now: datetime) -> None:
    """The Turn's own row, the messages that end with it, and the release, in one statement."""
    verdict, draft = turn.verdict, turn.draft
    ended = [(m, "silent", rule) for m, rule in turn.silenced]
    if verdict and verdict.failed:
        ended += [(m.id, "failed", verdict.rule) for m in turn.messages]
    await tx.execute(
        """WITH turn AS (
             INSERT INTO turns (id, conversation_id, user_id, created_at, rule, mind, tokens, timings, why,
               quotes_when_overtaken) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)),
           ended AS (
             UPDATE messages m SET outcome = e.outcome, rule = e.rule, settled_at = $4
             FROM unnest($11::uuid[], $12::text[], $13::text[]) AS e (id, outcome, rule)
             WHERE m.id = e.id AND m.outcome IS NULL)
           UPDATE conversations SET lease_token = NULL, lease_until = NULL, claims = 0, due_at = NULL,
             not_before = $14, attempts = $15 WHERE id = $2""",
        turn.id,
        turn.conversation_id,
        turn.contact.id,
        now,
        verdict.rule if verdict else "",
        draft.mind if draft else None,
        draft.tokens if draft else 0,
        dict(turn.timings),
        seal(key, json.dumps(why), f"turns:{turn.id}:why"),
        turn.account.profile.quotes_when_overtaken,
        [m for m, _, _ in ended],
        [outcome for _, outcome, _ in ended],
        [rule for _, _, rule in ended],
        verdict.hold_until if verdict else None,
        turn.attempts + 1 if verdict and verdict.retry else 0,
    )


async def _plan(
    tx: Connection,
    vault: Vault,
    key: bytes,
    turn: Turn,
    planned: Sequence[tuple[Planned, UUID]],
    now: datetime,
) -> None:
    """The deliveries in the order in which they leave, and their claim on the messages that they answer.

    delivery_answers is the uniqueness that guards against a second answer: one for each message and part.
    """
    rows = [_planned_row(vault, key, p, answers) for p, answers in planned]
    links = _links(turn, planned)
    taken = await tx.fetch(
        """WITH plans AS (
             INSERT INTO deliveries (account_id, conversation_id, user_id, turn_id, status, created_at, id, kind, part,
               answers, quotes, text, text_digest, not_before, typing_ms)
             SELECT $1, $2, $3, $4, 'planned', $5, p.id, p.kind, p.part, p.answers, p.quotes, p.text, p.digest,
               p.not_before, p.typing_ms
             FROM unnest($6::uuid[], $7::text[], $8::int[], $9::uuid[], $10::uuid[], $11::bytea[], $12::text[],
               $13::timestamptz[], $14::int[]) WITH ORDINALITY
               AS p (id, kind, part, answers, quotes, text, digest, not_before, typing_ms, place)
             ORDER BY p.place),
           answered AS (
             INSERT INTO delivery_answers (message_id, part, delivery_id)
             SELECT * FROM unnest($15::uuid[], $16::int[], $17::uuid[]))
           UPDATE messages SET turn_id = $4 WHERE id = ANY($15) AND outcome IS NULL AND turn_id IS NULL RETURNING id""",
        turn.account.id,
        turn.conversation_id,
        turn.contact.id,
        turn.id,
        now,
        *zip(*rows, strict=True),
        [message for message, _, _ in links],
        [part for _, part, _ in links],
        [delivery for _, _, delivery in links],
    )
    if len(taken) < len(turn.messages):
        raise Superseded  # one of them has ended since it was loaded


def _links(turn: Turn, planned: Sequence[tuple[Planned, UUID]]) -> list[tuple[UUID, int, UUID]]:
    """(message, part, delivery): each message with the parts that speak to it, or with the first part of all."""
    texts = [(p, answers) for p, answers in planned if p.kind is DeliveryKind.TEXT]
    links = [(answers, p.part, p.id) for p, answers in texts]
    spoken_to = {answers for _, answers in texts}
    first = texts[0][0]
    return links + [(m.id, first.part, first.id) for m in turn.messages if m.id not in spoken_to]


def _planned_row(vault: Vault, key: bytes, p: Planned, answers: UUID) -> tuple[object, ...]:
    return (
        p.id,
        p.kind,
        p.part,
        answers,
        p.quotes,
        seal(key, p.text, f"deliveries:{p.id}:text") if p.text else None,
        vault.digest("echo", p.text) if p.text else None,
        p.not_before,
        p.typing_ms,
    )
