"""Threads as a phone shows them, for the simulator's API."""

from typing import Any

from secondme.stores.ledger import Ledger, people, reading
from secondme.stores.ledger.reading import Bubble


class Threads:
    """Reads conversations by the address of the other side."""

    def __init__(self, ledger: Ledger, networks: dict[str, str]) -> None:
        """`networks` maps account id to identities.channel."""
        self._ledger = ledger
        self._networks = networks

    async def with_address(self, account_id: str, address: str) -> list[dict[str, Any]]:
        """The documented items, oldest first; an unknown address has an empty thread."""
        vault, network = self._ledger.vault, self._networks[account_id]
        digest = vault.digest("address", network, address)
        async with self._ledger.transaction() as tx:
            conversation = await people.conversation_with(tx, account_id, network, digest)
            if conversation is None:
                return []
            bubbles = await reading.thread(tx, vault, conversation)
        refs = {bubble.id: bubble.ref or bubble.id for bubble in bubbles}
        return [_item(bubble, refs) for bubble in bubbles]


def _item(bubble: Bubble, refs: dict[str, str]) -> dict[str, Any]:
    return {
        "id": refs[bubble.id],
        "direction": "incoming" if bubble.incoming else "outgoing",
        "by": bubble.by,
        "text": bubble.text,
        "kind": bubble.kind,
        "at": bubble.at.isoformat(),
        "quotes": refs.get(bubble.quotes, bubble.quotes) if bubble.quotes else None,
        "status": bubble.status,
        "rule": bubble.rule,
    }
