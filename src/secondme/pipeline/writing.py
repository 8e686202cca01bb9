"""One group into the ledger: runs of new messages in bulk, and one by one what concerns others or is the owner's."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from uuid import UUID

from secondme.domain.delivery import Sent
from secondme.domain.event import PauseEvent
from secondme.domain.message import Accepted, Kind
from secondme.domain.pause import PauseReason
from secondme.stores.ledger import Connection, amendments, arrivals, due, ingest, people, settling
from secondme.stores.ledger.arrivals import Arrival
from secondme.stores.vault import Vault

type Key = tuple[str, str, str | None, bool]  # by which the inbox remembers somebody's place
_CONCERNING = {
    Kind.EDIT: "message.edit",
    Kind.DELETION: "message.deletion",
    Kind.REACTION: "message.reaction",
    Kind.SYSTEM: "message.system",
}


@dataclass(slots=True)
class Group:
    """What one transaction did, told to the world after its commit."""

    met: dict[Key, people.Whom] = field(default_factory=dict)
    moved: int = 0  # how often a number had moved when they were met
    fresh: list[Arrival] = field(default_factory=list)
    pauses: list[PauseEvent] = field(default_factory=list)
    receipts: list[due.Receipt] = field(default_factory=list)


async def write_runs(
    tx: Connection, vault: Vault, batch: list[Arrival], told: Group, now: datetime
) -> dict[UUID, Accepted]:
    """In order of arrival: runs of new messages in bulk, everything else one by one."""
    ids: dict[UUID, Accepted] = {}
    await due.lock(tx, [a.whom.conversation_id for a in batch])
    for simple, run in groupby(batch, key=_is_simple):
        if simple:
            ids |= await _write_new(tx, list(run), told, now)
        else:
            for a in run:
                ids[a.id] = await _write_other(tx, vault, a, told, now)
    return ids


async def write_known(
    connection: Connection, batch: list[Arrival], told: Group, now: datetime, moved: int
) -> dict[UUID, Accepted] | None:
    """The same for new messages alone, in one trip that is a transaction of its own; None where it takes more."""
    if not all(map(_is_simple, batch)):
        return None
    fresh = await ingest.write_alone(connection, batch, now, moved)
    return None if fresh is None else await _accepted(connection, batch, fresh, told)


async def _write_new(tx: Connection, run: list[Arrival], told: Group, now: datetime) -> dict[UUID, Accepted]:
    written = await ingest.write(tx, run, now)
    told.receipts += written.ended
    if written.early:
        for a in await amendments.early(tx, [a for a in run if a.id in written.early]):
            told.receipts += await amendments.apply(tx, a, now)
    return await _accepted(tx, run, written.fresh, told)


async def _accepted(
    tx: Connection, run: list[Arrival], fresh: set[UUID], told: Group
) -> dict[UUID, Accepted]:
    new = [a for a in run if a.id in fresh]
    told.fresh += new
    ids = {a.id: Accepted(a.id, new=True) for a in new}
    if len(new) < len(run):
        again = [a for a in run if a.id not in fresh]
        rows = await arrivals.known(tx, again)
        ids |= {
            a.id: Accepted(rows.get((a.item.account_id, a.whom.identity_id, a.digest)), new=False)
            for a in again
        }
    return ids


async def _write_other(tx: Connection, vault: Vault, a: Arrival, told: Group, now: datetime) -> Accepted:
    if a.item.from_me and a.item.kind not in _CONCERNING and await _is_echo(tx, vault, a, told, now):
        return Accepted(None, new=False)
    seq = (await arrivals.insert(tx, [a], now, silent_rule=_CONCERNING.get(a.item.kind))).get(a.id)
    if seq is None:
        return Accepted(None, new=False)
    told.fresh.append(a)
    if a.item.kind in (Kind.EDIT, Kind.DELETION):
        told.receipts += await amendments.apply(tx, a, now)
    elif a.item.from_me and a.item.kind is not Kind.REACTION:
        await _owner_spoke(tx, vault, a, seq, told, now)
    return Accepted(a.id, new=True)


async def _is_echo(tx: Connection, vault: Vault, a: Arrival, told: Group, now: datetime) -> bool:
    """Our own send coming back is settled by it and is nobody's word."""
    receipts = await settling.settle_by_word(
        tx,
        vault,
        a.item.account_id,
        callback=a.item.callback,
        conversation_id=a.whom.conversation_id,
        text=a.item.text,
        result=Sent(a.item.provider_id),
        now=now,
    )
    told.receipts += receipts or []
    return receipts is not None


async def _owner_spoke(
    tx: Connection, vault: Vault, a: Arrival, seq: int, told: Group, now: datetime
) -> None:
    told.receipts += await arrivals.owner_spoke(tx, a, seq, now)
    length = a.account.profile.owner_word_pause
    if length is not None:
        until = await arrivals.pause_for_owner(tx, a.whom.contact_id, now, length)
        told.pauses.append(PauseEvent("pause.started", a.whom.contact_id, until, PauseReason.OWNER_WORD))


def _is_simple(a: Arrival) -> bool:
    return not a.item.from_me and a.item.kind not in _CONCERNING and a.concerns is None
