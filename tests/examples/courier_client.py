"""How words leave by Courier, an invented service: one POST a message, answered by `{"receipt": …}`."""

from secondme.channels.wire import Wire
from secondme.domain.delivery import DeliveryKind, Outgoing, Sent
from secondme.observe.gate import Gate


class CourierChannel:
    """ports.Channel for one account of Courier."""

    answer_timeout = 10.0  # seconds that the outbox may wait for an answer

    def __init__(self, base_url: str, key: str) -> None:
        self.gate = Gate("courier")
        self._wire = Wire(base_url.rstrip("/"), {"X-Courier-Key": key}, gate=self.gate)

    async def reach(self, count: int) -> None:
        """A send has a second, and a connection can take all of it: so they are opened ahead."""
        await self._wire.reach(count)

    async def send(self, outgoing: Outgoing, write_before: float) -> Sent:
        """Send once; `Wire.post` knows whether a byte has left and raises what ports.Channel says."""
        if outgoing.kind is not DeliveryKind.TEXT:
            return Sent(None)  # Courier knows neither ticks nor typing
        body = {"to": outgoing.address, "words": outgoing.text, "reference": str(outgoing.delivery_id)}
        if outgoing.quotes:
            body["inReplyTo"] = outgoing.quotes
        answer = await self._wire.post("/messages", body, write_before, self.answer_timeout)
        receipt = answer.get("receipt")
        return Sent(receipt if isinstance(receipt, str) else None)

    async def ping(self) -> None:
        """Raises when Courier cannot be used."""
        async with self._wire.get("/health", 2.0) as answer:
            answer.raise_for_status()

    async def close(self) -> None:
        await self._wire.close()
