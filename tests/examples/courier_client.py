"""How words leave by Courier, an invented service: one POST a message, answered by `{"receipt": …}`."""

import aiohttp

from secondme.channels.wire import post_once
from secondme.domain.delivery import DeliveryKind, Outgoing, Sent


class CourierChannel:
    """ports.Channel for one account of Courier."""

    answer_timeout = 10.0  # seconds that the outbox may wait for an answer

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"X-Courier-Key": key}
        self._session: aiohttp.ClientSession | None = None

    async def send(self, outgoing: Outgoing, write_before: float) -> Sent:
        """Send once; `post_once` knows whether a byte has left and raises what ports.Channel says."""
        if outgoing.kind is not DeliveryKind.TEXT:
            return Sent(None)  # Courier knows neither ticks nor typing
        body = {"to": outgoing.address, "words": outgoing.text, "reference": str(outgoing.delivery_id)}
        if outgoing.quotes:
            body["inReplyTo"] = outgoing.quotes
        url = f"{self._base_url}/messages"
        answer = await post_once(
            self._open(), url, body, write_before, self.answer_timeout, headers=self._headers
        )
        receipt = answer.get("receipt")
        return Sent(receipt if isinstance(receipt, str) else None)

    async def ping(self) -> None:
        """Raises when Courier cannot be used."""
        timeout = aiohttp.ClientTimeout(2)
        async with self._open().get(f"{self._base_url}/health", timeout=timeout) as answer:
            answer.raise_for_status()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session
