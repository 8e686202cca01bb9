"""Forgetting somebody where the ledger's rows do not reach: in chats that wait to be learned, and in the graph."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag

from secondme.domain.fact import Forgotten
from secondme.stores import sealed_chat
from secondme.stores.graph import Graph
from secondme.stores.graph.forgetting import forget_contact
from secondme.stores.ledger import Ledger, Lock, imports
from secondme.stores.ledger.imports import Job


async def forget_in_chats(ledger: Ledger, folder: Path, keys: Iterable[bytes], contact: str) -> None:
    """After the ledger has forgotten the chats of these keys, and a contact who may be heard in chats of others.

    What lies on another machine goes as its worker comes by. Raises StoreUnavailable.
    """
    for key in keys:
        sealed_chat.place_of(folder, ledger.vault, key).unlink(missing_ok=True)
    async with ledger.light() as light:
        waiting = await imports.waiting(light, ledger.vault)
    for job in waiting:
        if contact in job.tellers:
            await _silence(ledger, folder, job, contact)


async def _silence(ledger: Ledger, folder: Path, job: Job, contact: str) -> None:
    """Take what they said out of a chat of several. Whoever is learning from it begins again with its next chunk."""
    path = sealed_chat.place_of(folder, ledger.vault, job.key)
    places = [place for place, teller in enumerate(job.tellers) if teller == contact]
    try:
        beside, key = await asyncio.to_thread(sealed_chat.silenced, path, job.key, places)
    except (OSError, InvalidTag):  # not here, learned meanwhile, or damaged: its worker says so
        return
    try:
        async with ledger.transaction() as tx:
            if await imports.rekey(tx, ledger.vault, job, key):
                beside.rename(sealed_chat.place_of(folder, ledger.vault, key))
    finally:
        beside.unlink(missing_ok=True)
    path.unlink(missing_ok=True)


async def forget_in_graph(ledger: Ledger, graph: Graph, contact: str) -> Forgotten:
    """Take away what the graph has of a contact whom the ledger has no more. A second time finds nothing.

    Raises StoreUnavailable; QueryRefused by a server that may not write its files anew.
    """
    async with ledger.alone(Lock.KNOWING):
        pass  # who writes from here on sees that they are gone
    return await forget_contact(graph, contact)
