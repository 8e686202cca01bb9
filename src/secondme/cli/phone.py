"""The simulated phone behind `chat`: by the running gateway's door, else with a pipeline of its own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol
from uuid import UUID, uuid4

import aiohttp

from secondme.channels.simulator import parse_message
from secondme.cli.ports import answers
from secondme.domain.errors import SecondMeError, StoreUnavailable
from secondme.domain.profile import Account
from secondme.pipeline.inbox import Inbox
from secondme.services import ended, gateway, orchestrator
from secondme.stores.ledger import reading
from secondme.stores.ledger.reading import Bubble
from secondme.wiring import App

_PATIENCE = 30.0  # seconds that an answer may take
_LOOK_EVERY = 0.1
_HTTP = aiohttp.ClientTimeout(total=10)
_UNDER_WAY = ("waiting", "answering")


class NoAnswer(SecondMeError):
    """A message was taken and has not ended within the time that one waits at a keyboard."""


class Take(Protocol):
    """How a message gets into the inbox: returns once it is durable."""

    async def __call__(self, body: dict[str, Any]) -> None: ...


class Phone:
    """One simulated phone that talks to one account."""

    def __init__(self, app: App, take: Take, address: str, name: str) -> None:
        self._app = app
        self._take = take
        self._about = {"from": address, "name": name}

    async def say(self, text: str) -> str:
        """Send; returns the phone's own id of the message. Raises StoreUnavailable when nothing was taken."""
        message = f"chat-{uuid4()}"
        await self._take(self._about | {"text": text, "messageId": message})
        return message

    async def ended(self, message: str, conversation_id: UUID) -> Bubble:
        """The message with its receipt. Raises NoAnswer after half a minute."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            found = await self._find(message, conversation_id)
            if found and found.status not in _UNDER_WAY:
                return found
            await asyncio.sleep(_LOOK_EVERY)
        raise NoAnswer(
            f"No answer within {_PATIENCE:.0f} s: the message waits, for quiet hours, a full minute, a mind that"
            " fails, or an orchestrator that does not run. See `secondme status`."
        )

    async def _find(self, message: str, conversation_id: UUID) -> Bubble | None:
        async with self._app.ledger.transaction() as tx:
            thread = await reading.thread(tx, self._app.ledger.vault, conversation_id, limit=50)
        return next((bubble for bubble in thread if bubble.incoming and bubble.ref == message), None)


@asynccontextmanager
async def phone(app: App, account: Account, address: str, name: str) -> AsyncIterator[Phone]:
    """A phone for as long as the block lasts."""
    about = {"account": account.id}
    if await answers(app.settings.data_dir, "gateway", app.settings.gateway_port):
        async with aiohttp.ClientSession(timeout=_HTTP) as session:

            async def post(body: dict[str, Any]) -> None:
                await _post(session, app.settings.gateway_port, body | about)

            yield Phone(app, post, address, name)
        return
    inbox = Inbox(app.ledger, app.accounts, app.effects, app.clock)

    async def accept(body: dict[str, Any]) -> None:
        await inbox.accept([parse_message(body, account.id, app.clock.now())])

    async with _pipeline(app):
        yield Phone(app, accept, address, name)


async def _post(session: aiohttp.ClientSession, port: int, body: dict[str, Any]) -> None:
    """Raises StoreUnavailable when the gateway took nothing."""
    try:
        async with session.post(f"http://127.0.0.1:{port}/simulator/messages", json=body) as answer:
            said = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise StoreUnavailable(f"The gateway on port {port} broke off ({type(error).__name__}).") from error
    if answer.status != 200:
        raise StoreUnavailable(f"The gateway did not take it: {said.get('error', answer.status)}")


@asynccontextmanager
async def _pipeline(app: App) -> AsyncIterator[None]:
    """Ears, mind and mouth in this process; nobody is there to be impressed by typing."""
    app.settings.pacing = "none"
    services = [gateway(app), orchestrator(app)]
    tasks = [asyncio.create_task(start()) for service in services for _, start in service.tasks]
    try:
        yield
    finally:
        for service in services:
            if service.drain:
                await service.drain(2)
        await ended(tasks)
        for service in services:
            for close in service.close:
                await close()
