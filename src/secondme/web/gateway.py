"""The gateway's routes: webhooks in. A 2xx means that every item in that body is durable."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from secondme.channels.simulator import parse_message, parse_status
from secondme.channels.whatsapp_cloud import Number
from secondme.domain.address import normalise
from secondme.domain.errors import Invalid, NotFound
from secondme.domain.profile import Account
from secondme.pipeline.inbox import Inbox
from secondme.pipeline.threads import Threads
from secondme.ports import Clock
from secondme.web.asgi import Bare, Request, Response, Route, answer, common
from secondme.web.webhooks import MetaRoutes


def create_gateway(
    accounts: Mapping[str, Account],
    inbox: Inbox,
    threads: Threads,
    clock: Clock,
    health: Callable[[], Awaitable[dict[str, Any]]],
    numbers: Sequence[Number] = (),
) -> Bare:
    """The gateway as an ASGI application; `numbers` are those on Meta's API. A channel's paths exist only where an
    account uses it."""
    routes: dict[tuple[str, str], Route] = common(health)
    phones = {a.id: a for a in accounts.values() if a.channel == "simulator"}
    if phones:
        routes |= SimulatorRoutes(phones, inbox, threads, clock).routes()
    if numbers:
        routes |= MetaRoutes(numbers, inbox, clock).routes()
    return Bare(routes)


class SimulatorRoutes:
    """The simulated phones' side of the simulator channel; for callers on this machine."""

    def __init__(self, phones: Mapping[str, Account], inbox: Inbox, threads: Threads, clock: Clock) -> None:
        self._phones = phones
        self._inbox = inbox
        self._threads = threads
        self._clock = clock

    def routes(self) -> dict[tuple[str, str], Route]:
        return {
            ("POST", "/simulator/messages"): _guarded(self.post),
            ("GET", "/simulator/messages"): _guarded(self.thread),
            ("POST", "/simulator/statuses"): _guarded(self.status),
        }

    async def post(self, request: Request) -> Response:
        """Take one message; answered after its commit."""
        body = request.json()
        item = parse_message(
            body, self._account(body.get("account") if isinstance(body, dict) else None), self._now()
        )
        await self._inbox.accept([item])
        return answer({"messageId": item.provider_id})

    async def status(self, request: Request) -> Response:
        """Take a network's later word about one of our messages."""
        body = request.json()
        update = parse_status(body, self._account(body.get("account") if isinstance(body, dict) else None))
        await self._inbox.learn_status(update)
        return answer({"ok": True})

    async def thread(self, request: Request) -> Response:
        """The thread with one phone, oldest first."""
        who = request.first("with")
        if not who:
            raise Invalid(
                "Say whose thread: /simulator/messages?with=%2B15550100 (and account=… where there are several)."
            )
        return answer(
            await self._threads.with_address(self._account(request.first("account")), normalise(who))
        )

    def _account(self, named: Any) -> str:
        if named is None:
            return next(iter(self._phones))
        if not isinstance(named, str):
            raise Invalid('"account" must be a text.')
        if named not in self._phones:
            raise NotFound(f"No simulator account has this id; there are: {', '.join(self._phones)}.")
        return named

    def _now(self) -> datetime:
        return self._clock.now()


def _guarded(route: Route) -> Route:
    """Refuse what a web page elsewhere could send: a foreign Host, or a body that is no JSON (Request.json)."""

    async def run(request: Request) -> Response:
        if not request.from_loopback_page:
            return answer(
                {"error": "The simulator answers on this machine only: use 127.0.0.1 or localhost."}, 403
            )
        return await route(request)

    return run
