"""How words reach a simulated phone: at once on this machine, or over HTTP to a network in a process of its own."""

import time

from secondme.channels.wire import Wire
from secondme.domain.delivery import DeliveryKind, Outgoing, Sent
from secondme.domain.errors import NotSent, Rejected

_LOOK = 2.0  # seconds that the network may take to say how it is


class SimulatorChannel:
    """Without a network of its own the phones are the ledger's threads, and everything sent has arrived.

    With one (SIMULATOR_API_BASE_URL) each delivery is one `POST {base}/messages`, answered by `{"messageId"}`.
    """

    answer_timeout = 10.0
    gate = None

    def __init__(self, base_url: str | None = None) -> None:
        self._wire = Wire(base_url.rstrip("/")) if base_url else None

    async def reach(self, count: int) -> None:
        """Open connections for so many sends; see ports.Channel."""
        if self._wire is not None:
            await self._wire.reach(count)

    async def send(self, outgoing: Outgoing, write_before: float) -> Sent:
        """Send once; see ports.Channel for what it raises. Templates and media are refused: these phones have none."""
        if outgoing.kind.ordered:
            raise Rejected("A simulated phone takes neither templates nor media.")
        if self._wire is None:
            if time.monotonic() >= write_before:
                raise NotSent("The moment to send had passed.")
            progress = "delivered" if outgoing.kind is DeliveryKind.TEXT else "sent"
            return Sent(f"sim-{outgoing.delivery_id}", progress)
        answer = await self._wire.post("/messages", _body(outgoing), write_before, self.answer_timeout)
        provider_id = answer.get("messageId")
        return Sent(provider_id if isinstance(provider_id, str) else None)

    async def ping(self) -> None:
        """The network's `/health`, where there is one."""
        if self._wire is not None:
            async with self._wire.get("/health", _LOOK) as answer:
                answer.raise_for_status()

    async def close(self) -> None:
        if self._wire is not None:
            await self._wire.close()


def _body(outgoing: Outgoing) -> dict[str, str]:
    body = {
        "account": outgoing.account_id,
        "to": outgoing.address,
        "type": str(outgoing.kind),
        "callback": str(outgoing.delivery_id),
    }
    if outgoing.kind is DeliveryKind.TEXT:
        body["text"] = outgoing.text
    if outgoing.quotes and outgoing.kind is not DeliveryKind.TYPING:
        body["quotes"] = outgoing.quotes
    return body
