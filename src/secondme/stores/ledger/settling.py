"""What is known of a delivery after the fence: not sent, uncertain, refused, or settled by a later word."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from secondme.domain.delivery import DeliveryKind, Sent, StatusUpdate
from secondme.stores.ledger import due, holding
from secondme.stores.ledger.deliveries import ELSEWHERE, MET_PAUSE, PLAN_LIVES, Ready, open_in_flight
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.pool import Connection
from secondme.stores.ledger.taken import keep_reply, mark_sent
from secondme.stores.vault import Vault

_ECHO_WITHIN = timedelta(minutes=10)  # later, the same words are the owner's
# What may hold a plan back: by which rule, the first that holds, and which column of the next statement tells.
# $2 is now, $3 the moment before which a plan is stale, $4 since when who wrote has an open window.
_CAUSES = (
    ("switch.pressed", "stopped"),
    ("contact.paused", "paused"),
    ("contact.disabled", "disabled"),
    ("owner.stepped_in", "stepped_in"),
    ("contact.elsewhere", "elsewhere"),
    (None, "stale"),
    ("window.closed", "closed"),
)
_WHY = f"""SELECT NOT c.enabled AS disabled, d.not_before <= $3 AS stale,
    c.last_owner_at >= d.created_at AND d.kind NOT IN ('template', 'media') AS stepped_in,
    d.kind IN ('text', 'media') AND NOT coalesce(c.last_inbound_at > $4, $4::timestamptz IS NULL) AS closed,
    EXISTS (SELECT 1 FROM pauses p WHERE p.user_id IS NULL AND {MET_PAUSE}) AS stopped,
    EXISTS (SELECT 1 FROM pauses p WHERE p.user_id = d.user_id AND {MET_PAUSE}) AS paused,
    EXISTS (SELECT 1 FROM deliveries e WHERE e.conversation_id = c.id AND e.seq < d.seq
      AND e.status IN ('planned', 'in_flight')) AS behind, {ELSEWHERE} AS elsewhere,
    ARRAY(SELECT w.id FROM messages w WHERE w.turn_id = d.turn_id AND w.outcome IS NULL) AS answered
  FROM deliveries d JOIN conversations c ON c.id = d.conversation_id JOIN messages m ON m.id = d.answers
  JOIN identities i ON i.id = c.identity_id JOIN accounts a ON a.id = c.account_id
  WHERE d.id = $1 AND d.status = 'planned'"""
_OURS = """SELECT d.id, d.user_id, d.conversation_id, d.turn_id, d.answers, k.key
  FROM deliveries d JOIN contacts k ON k.id = d.user_id
  WHERE d.account_id = $1 AND d.kind NOT IN ('typing', 'read') AND d.status IN ('in_flight', 'uncertain', 'sent')"""


async def not_sent(
    tx: Connection,
    delivery: Ready,
    retry_at: datetime | None,
    error: str,
    now: datetime,
    *,
    patience: holding.Patience | None = None,
    rule: str | None = None,
) -> tuple[list[Receipt], bool]:
    """No byte left: planned again for `retry_at`, or failed for good by `rule`. Presence is never tried again.

    One that a press has named uncertain meanwhile ends failed: it is now known that nothing left. One that was
    overtaken while it was in flight (a newer message of the burst, an edit, a deletion) is sent back. With
    `patience` it is no fault of the message and counts as no try; if it would be too old by `retry_at` it is sent back,
    to be composed no sooner, and ends failed once its account's patience is spent.
    """
    await due.lock(tx, [delivery.conversation_id])
    row = await tx.fetchrow(
        """UPDATE deliveries SET status = CASE
             WHEN $4::timestamptz IS NULL OR kind IN ('typing', 'read') OR status = 'uncertain' THEN 'failed'
             ELSE 'planned' END, not_before = coalesce($4, not_before), error = $2, settled_at = $3,
             attempts = attempts - $5, rule = $6
           WHERE id = $1 AND status IN ('in_flight', 'uncertain') RETURNING status, kind""",
        delivery.id,
        error,
        now,
        retry_at,
        int(patience is not None),
        rule,
    )
    if row and not DeliveryKind(row["kind"]).speaks:
        # A tick that failed is no reason to compose anew: what is to be said has a fence of its own.
        return await _after_ending(tx, delivery, now, send_back=False)
    planned = row is not None and row["status"] == "planned"
    if planned and patience is not None and retry_at and await holding.outlived(tx, delivery, retry_at):
        ended = await holding.send_back(tx, delivery, patience, now, retry_at)
        return await _after_ending(tx, delivery, now, ended=ended)
    failed = row is not None and row["status"] == "failed"
    return await _after_ending(tx, delivery, now, send_back=failed or await _overtaken(tx, delivery))


async def _overtaken(tx: Connection, delivery: Ready) -> bool:
    """Whether what it answers was edited or deleted while it was in flight, or a burst has gone on."""
    return bool(
        await tx.fetchval(
            """SELECT EXISTS (SELECT 1 FROM deliveries d JOIN conversations c ON c.id = d.conversation_id
                 JOIN accounts a ON a.id = c.account_id WHERE d.id = $1 AND d.kind = 'text' AND (
                   (a.takes = 'burst' AND EXISTS (
                     SELECT 1 FROM messages n WHERE n.conversation_id = c.id AND n.created_at > d.in_flight_at
                       AND n.seq > (SELECT seq FROM messages WHERE id = d.answers) AND n.direction = 'incoming'
                       AND n.content_type NOT IN ('edit', 'deletion', 'reaction', 'system')))
                   OR EXISTS (SELECT 1 FROM messages m WHERE m.turn_id = d.turn_id
                       AND greatest(m.edited_at, m.erased_at) > d.in_flight_at)))""",
            delivery.id,
        )
    )


async def uncertain(tx: Connection, delivery: Ready, error: str, now: datetime) -> tuple[list[Receipt], bool]:
    """Bytes may have left. A presence row that is uncertain matters to nobody and counts as failed."""
    await due.lock(tx, [delivery.conversation_id])
    status = await tx.fetchval(
        """UPDATE deliveries SET status = CASE WHEN kind IN ('typing', 'read') THEN 'failed' ELSE 'uncertain' END,
             error = $2, settled_at = $3 WHERE id = $1 AND status = 'in_flight' RETURNING status""",
        delivery.id,
        error,
        now,
    )
    return await _after_ending(tx, delivery, now, send_back=status == "uncertain")


async def broken(tx: Connection, delivery: Ready, error: str, now: datetime) -> tuple[list[Receipt], bool]:
    """One that cannot even be read ends failed, so that it does not stand before all that comes after it."""
    await due.lock(tx, [delivery.conversation_id])
    await tx.execute(
        "UPDATE deliveries SET status = 'failed', error = $2, settled_at = $3 WHERE id = $1 "
        "AND status IN ('planned', 'in_flight')",
        delivery.id,
        error,
        now,
    )
    return await _after_ending(tx, delivery, now, send_back=True)


async def _after_ending(
    tx: Connection, delivery: Ready, now: datetime, *, send_back: bool = False, ended: Sequence[Receipt] = ()
) -> tuple[list[Receipt], bool]:
    """Receipts, and whether the conversation is due again. A part goes only when the one before it is sent:
    after one that did not, the rest of its Turn is sent back."""
    receipts = list(ended)
    if send_back:
        receipts += await due.withdraw(tx, [delivery.conversation_id], now, turn=delivery.turn_id)
    receipts += await due.settle_turns(tx, [delivery.turn_id], now)
    return receipts, bool(await due.recompute(tx, [delivery.conversation_id]))


async def sweep(tx: Connection, now: datetime) -> list[Receipt]:
    """Deliveries whose sender must be gone: nobody knows whether they arrived."""
    receipts: list[Receipt] = []
    for lost in await open_in_flight(tx, older_than=now):
        receipts += (await uncertain(tx, lost, "sender.gone", now))[0]
    return receipts


async def refused(
    tx: Connection, delivery: Ready, now: datetime, open_since: datetime | None = None
) -> list[Receipt]:
    """The fence said no: find out why and end what that ends. A plan that is only stale goes back to the judge.

    `open_since` closes the provider's window. Without any reason it was somebody's for a moment, and stays planned.
    """
    await due.lock(tx, [delivery.conversation_id])
    row = await tx.fetchrow(
        _WHY,
        delivery.id,
        now,
        now - PLAN_LIVES,
        open_since,
    )
    if row is None or row["behind"]:
        return []
    found = [rule for rule, column in _CAUSES if row[column]]
    if not found:
        return []
    rule = found[0]
    receipts = await due.withdraw(tx, [delivery.conversation_id], now)
    if delivery.kind.ordered:
        receipts += await due.withdraw(
            tx, [delivery.conversation_id], now, turn=delivery.turn_id, orders=rule or holding.LATE
        )
    if rule is not None:
        receipts += await due.silence(tx, [delivery.conversation_id], rule, now, only=row["answered"])
    await due.recompute(tx, [delivery.conversation_id])
    return receipts


async def settle_by_word(
    tx: Connection,
    vault: Vault,
    account_id: str,
    *,
    result: Sent,
    now: datetime,
    callback: str | None = None,
    conversation_id: UUID | None = None,
    text: str | None = None,
) -> list[Receipt] | None:
    """An echo or a status about something of ours settles it as sent; None where it is not ours.

    By the provider's id, by our id that it returned, or, while the provider's id of a delivery of that conversation
    is not known, by a keyed digest of its text.
    """
    row = await tx.fetchrow(
        f"""{_OURS} AND ($4::uuid IS NULL OR d.conversation_id = $4)
             AND (d.provider_message_id = $2 OR d.id = $3
               OR ($4 IS NOT NULL AND d.text_digest = $5 AND d.in_flight_at > $6
                 AND (d.status <> 'sent' OR d.provider_message_id IS NULL)))
           ORDER BY d.seq LIMIT 1""",
        account_id,
        vault.digest("message", result.provider_id) if result.provider_id else None,
        delivery_id(callback),
        conversation_id,
        vault.digest("echo", text) if text else None,
        now - _ECHO_WITHIN,
    )
    if row is None:
        return None
    await due.lock(tx, [row["conversation_id"]])
    key = vault.contact_key(row["user_id"], row["key"])
    await mark_sent(tx, vault, key, row["id"], result, now)
    await _progress(tx, row["id"], result.progress)
    await keep_reply(tx, key, row["answers"])
    receipts = await due.settle_turns(tx, [row["turn_id"]], now)
    await due.recompute(tx, [row["conversation_id"]])
    return receipts


async def settle_by_status(
    tx: Connection, vault: Vault, update: StatusUpdate, now: datetime
) -> list[Receipt]:
    """A provider's status: any good word proves that it arrived; `failed` is its final no.

    A no to what has arrived is not believed. After a no the rest of its Turn is sent back, and nothing claims that
    it was said.
    """
    result = Sent(update.provider_id, update.progress)
    if update.progress != "failed":
        receipts = await settle_by_word(
            tx, vault, update.account_id, result=result, now=now, callback=update.callback
        )
        return receipts or []
    row = await tx.fetchrow(
        f"""{_OURS} AND (d.provider_message_id = $2 OR d.id = $3)
             AND coalesce(d.progress, 'sent') NOT IN ('delivered', 'read') LIMIT 1""",
        update.account_id,
        vault.digest("message", update.provider_id) if update.provider_id else None,
        delivery_id(update.callback),
    )
    if row is None:
        return []
    conversation, turn = row["conversation_id"], row["turn_id"]
    await due.lock(tx, [conversation])
    # The provider's own words may quote a number: only that it said so is kept.
    await tx.execute(
        """UPDATE deliveries SET status = 'failed', settled_at = $2, error = 'status.failed', progress = 'failed',
             rule = $3 WHERE id = $1""",
        row["id"],
        now,
        update.rule,
    )
    await keep_reply(tx, vault.contact_key(row["user_id"], row["key"]), row["answers"])
    receipts = await due.withdraw(tx, [conversation], now, turn=turn)
    receipts += await due.settle_turns(tx, [turn], now)
    await due.recompute(tx, [conversation])
    return receipts


async def _progress(tx: Connection, delivery_id: UUID, word: str) -> None:
    """Delivered or read: later words only ever move it forward."""
    await tx.execute(
        """UPDATE deliveries SET progress = $2 WHERE id = $1
             AND array_position(ARRAY['sent', 'delivered', 'read'], $2)
               > coalesce(array_position(ARRAY['sent', 'delivered', 'read'], progress), 0)""",
        delivery_id,
        word,
    )


def delivery_id(text: str | None) -> UUID | None:
    """What a provider returned as our delivery's id; None where it is no id."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
