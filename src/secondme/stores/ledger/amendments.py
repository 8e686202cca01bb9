"""Edits and deletions: what they change in what was said before. The caller holds the conversations' locks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from secondme.domain.message import Kind, Outcome
from secondme.stores.ledger import arrivals, due
from secondme.stores.ledger.arrivals import Arrival
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.pool import Connection
from secondme.stores.ledger.taken import keep_reply
from secondme.stores.vault import seal, unseal

_ALWAYS = 3  # edits of one message that are composed anew however long it has waited


@dataclass(frozen=True, slots=True)
class _Target:
    """The message that is meant. `turn` has committed to answer it; `waits`: it has no receipt yet."""

    id: UUID
    turn: UUID | None
    waits: bool


async def early(tx: Connection, fresh: Sequence[Arrival]) -> list[Arrival]:
    """Edits and deletions that came before the new message that they are about, in their order, as if they came now."""
    by_id = {a.id: a for a in fresh}
    rows = await tx.fetch(
        """SELECT e.id, e.content_type, e.text, m.id AS target FROM messages m
           JOIN messages e ON e.conversation_id = m.conversation_id AND e.concerns = m.source_message_id
             AND e.direction = m.direction AND e.content_type IN ('edit', 'deletion') AND e.seq < m.seq
           WHERE m.id = ANY($1) ORDER BY e.seq""",
        list(by_id),
    )
    found = []
    for row in rows:
        a = by_id[row["target"]]
        text = unseal(a.whom.key, row["text"], f"messages:{row['id']}:text") if row["text"] else ""
        item = replace(a.item, kind=Kind(row["content_type"]), text=text, target=a.item.provider_id)
        found.append(replace(a, id=row["id"], item=item, concerns=a.digest))
    return found


async def apply(tx: Connection, a: Arrival, now: datetime) -> list[Receipt]:
    """Do what an edit or a deletion says, and name in its own row what became of it.

    Returns the messages that ended by it.
    """
    rule, ended = await (_edit if a.item.kind is Kind.EDIT else _delete)(tx, a, now)
    await tx.execute("UPDATE messages SET rule = $2 WHERE id = $1 AND outcome = 'silent'", a.id, rule)
    return ended


async def _edit(tx: Connection, a: Arrival, now: datetime) -> tuple[str, list[Receipt]]:
    """Until its receipt the target's text is replaced; whether it is composed anew is another matter."""
    target = await _target(tx, a)
    if target is None:
        return "message.edit_unknown", []
    if not (target.waits or a.item.from_me):
        return "message.edit_late", []
    await tx.execute(
        "UPDATE messages SET text = $2, edited_at = $3 WHERE id = $1",
        target.id,
        seal(a.whom.key, a.item.text, f"messages:{target.id}:text"),
        now,
    )
    if not target.waits or not await _may_recompose(tx, a, now):
        return "message.edit", []
    ended = await _send_back(tx, a, target, now)
    await tx.execute(
        """UPDATE conversations c SET due_at = greatest(c.due_at, least($2::timestamptz + a.debounce,
             a.debounce_cap + (SELECT min(m.created_at) FROM messages m WHERE m.conversation_id = c.id
               AND m.direction = 'incoming' AND m.outcome IS NULL AND m.turn_id IS NULL)))
           FROM accounts a WHERE c.id = $1 AND a.id = c.account_id AND c.due_at IS NOT NULL""",
        a.whom.conversation_id,
        now,
    )
    return "message.edit", ended


async def _may_recompose(tx: Connection, a: Arrival, now: datetime) -> bool:
    """Somebody who never stops editing costs no more than somebody who never stops writing, and is answered too."""
    edits: int = await tx.fetchval(
        "SELECT count(*) FROM messages WHERE conversation_id = $1 AND concerns = $2 AND content_type = 'edit'",
        a.whom.conversation_id,
        a.concerns,
    )
    if edits > _ALWAYS and not await arrivals.patient(tx, [a.whom.conversation_id], now):
        return False
    limit = a.account.profile.rate_limit
    written: int = await tx.fetchval(
        """SELECT count(*) FROM messages WHERE conversation_id = $1 AND direction = 'incoming'
             AND created_at > $2::timestamptz - interval '60 s'
             AND content_type NOT IN ('deletion', 'reaction', 'system')""",
        a.whom.conversation_id,
        now,
    )
    return not limit or written <= limit


async def _delete(tx: Connection, a: Arrival, now: datetime) -> tuple[str, list[Receipt]]:
    """The target's content goes, and its edits'; unanswered, it ends silent."""
    target = await _target(tx, a)
    if target is None:
        gone = a.item.from_me and await _unsay(tx, a, now)
        return "message.deletion" if gone else "message.deletion_unknown", []
    ended = await _send_back(tx, a, target, now) if target.waits else []
    rows = await tx.fetch(
        """UPDATE messages SET text = NULL, raw_payload = NULL, reply_text = NULL, erased_at = $2,
             rule = CASE WHEN outcome IS NULL AND turn_id IS NULL AND direction = 'incoming' THEN 'message.deleted'
                         ELSE rule END,
             settled_at = coalesce(settled_at, CASE WHEN turn_id IS NULL THEN $2::timestamptz END),
             outcome = CASE WHEN outcome IS NULL AND turn_id IS NULL AND direction = 'incoming' THEN 'silent'
                            ELSE outcome END
           WHERE id = $1 OR (conversation_id = $3 AND content_type = 'edit' AND concerns = $4 AND direction = $5)
           RETURNING id, user_id, outcome, rule, created_at""",
        target.id,
        now,
        a.whom.conversation_id,
        a.concerns,
        "outgoing" if a.item.from_me else "incoming",
    )
    if target.waits:
        await due.recompute(tx, [a.whom.conversation_id])
        ended += [
            Receipt(row["id"], row["user_id"], Outcome.SILENT, row["rule"], row["created_at"])
            for row in rows
            if row["id"] == target.id and row["outcome"]
        ]
    return "message.deletion", ended


async def _unsay(tx: Connection, a: Arrival, now: datetime) -> bool:
    """The owner deletes what we said: its words go, also from what later prompts and the thread repeat."""
    answers = await tx.fetchval(
        """UPDATE deliveries SET text = NULL, text_digest = NULL WHERE conversation_id = $1
             AND provider_message_id = $2 AND kind NOT IN ('typing', 'read')
             AND status IN ('sent', 'uncertain', 'failed')
           RETURNING answers""",
        a.whom.conversation_id,
        a.concerns,
    )
    if answers is None:
        return False
    await keep_reply(tx, a.whom.key, answers)
    await tx.execute(  # what the owner had ordered has its words there as well
        "UPDATE messages SET text = NULL, erased_at = $2 WHERE id = $1 AND direction = 'outgoing'",
        answers,
        now,
    )
    return True


async def _send_back(tx: Connection, a: Arrival, target: _Target, now: datetime) -> list[Receipt]:
    """Whoever composes it stops, and what is planned for it never leaves. Returns the messages that ended by it."""
    conversation = [a.whom.conversation_id]
    ended = []
    if target.turn is None:
        await due.revoke(tx, conversation)
    else:
        ended = await due.withdraw(tx, conversation, now, turn=target.turn)
    await due.recompute(tx, conversation)
    return ended


async def _target(tx: Connection, a: Arrival) -> _Target | None:
    """The message meant by an edit or deletion: of the same conversation and the same author."""
    row = await tx.fetchrow(
        """SELECT id, turn_id, direction = 'incoming' AND outcome IS NULL AS waits FROM messages
           WHERE conversation_id = $1 AND source_message_id = $2 AND direction = $3 AND erased_at IS NULL""",
        a.whom.conversation_id,
        a.concerns,
        "outgoing" if a.item.from_me else "incoming",
    )
    return _Target(row["id"], row["turn_id"], row["waits"]) if row else None
