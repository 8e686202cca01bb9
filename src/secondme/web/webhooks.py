"""Meta's webhooks: believed only when signed, read tolerantly, answered with 200 once everything in them is durable."""

import time
from collections.abc import Sequence
from typing import Any

from secondme.channels.whatsapp_cloud import UNKNOWN_NUMBER, Number, Parsed, Poison, load, parse
from secondme.domain.errors import Invalid
from secondme.observe import metrics
from secondme.observe.logs import get_logger
from secondme.pipeline.inbox import Inbox
from secondme.ports import Clock
from secondme.stores.ledger.aside import Aside
from secondme.web.asgi import Careful, Request, Response, Route, answer

log = get_logger(__name__)
type _App = tuple[
    Number, dict[str, str]
]  # its first number here; account ids by the phone number ids of all of them
_OK = answer({"ok": True})
PATH = "/webhooks/whatsapp"
_LONGEST_CHALLENGE = 200  # characters
_SELDOM = 60.0  # seconds
_STRAYS = 5_000  # messages to numbers that are not set up here: an app may have others than ours


class MetaRoutes:
    """`GET` and `POST /webhooks/whatsapp`, and the same for each account by its id."""

    def __init__(self, numbers: Sequence[Number], inbox: Inbox, clock: Clock) -> None:
        self._numbers = numbers
        self._inbox = inbox
        self._clock = clock
        self._said_unknown = False
        self._said_refused = -_SELDOM

    def routes(self) -> dict[tuple[str, str], Route]:
        found = self._at(PATH, self._numbers)
        for number in self._numbers:
            found |= self._at(f"{PATH}/{number.account_id}", [number])
        return found

    def _at(self, path: str, numbers: Sequence[Number]) -> dict[tuple[str, str], Route]:
        apps = self._apps(numbers)

        async def verify(request: Request) -> Response:
            return _verify(request, numbers)

        async def take(request: Request) -> Response:
            return await self._take(request, apps)

        return {("GET", path): verify, ("POST", path): Careful(self._unsigned, take)}

    def _apps(self, numbers: Sequence[Number]) -> list[_App]:
        """Whose signatures are believed. Only the numbers whose app signed a body can be spoken of in it, and all of
        them, at whichever path: an app has one address for all its numbers.
        """
        firsts = {number.app_secret: number for number in reversed(numbers)}
        every = [*numbers, *self._numbers]
        return [
            (
                first,
                {
                    number.phone_number_id: number.account_id
                    for number in every
                    if number.app_secret == secret
                },
            )
            for secret, first in firsts.items()
        ]

    def _unsigned(self, head: Request) -> Response | None:
        """A refusal of what nobody signed, before any of its body is held."""
        return None if Number.may_sign(head.header(b"x-hub-signature-256")) else self._refused()

    async def _take(self, request: Request, apps: Sequence[_App]) -> Response:
        signature = request.header(b"x-hub-signature-256")
        app = next((app for app in apps if app[0].signed(request.body, signature)), None)
        if app is None:
            return self._refused()
        metrics.webhooks_believed.inc()
        first, accounts = app
        try:
            body = load(request.body)
        except Invalid as error:
            await self._inbox.keep_aside(first.account_id, request.body, str(error))
            return _OK
        await self._keep(parse(body, accounts, self._clock.now()))
        return _OK

    async def _keep(self, parsed: Parsed) -> None:
        await self._inbox.accept(parsed.messages)
        if parsed.statuses:
            await self._inbox.learn_statuses(parsed.statuses)
        await self._inbox.keep_all_aside([self._aside(item) for item in parsed.poison])
        for kind, count in parsed.other.items():
            metrics.webhook_others.labels(kind).inc(count)
        if parsed.other:
            self._tell(parsed)

    def _aside(self, item: Poison) -> Aside:
        sender = item.address and self._inbox.keyed(item.account_id, item.address)
        most = _STRAYS if item.error == UNKNOWN_NUMBER else None
        return Aside(item.account_id, item.payload, item.error, sender, most)

    def _refused(self) -> Response:
        """Anybody may post nonsense, and a wrong app secret looks the same: said, but not with every post."""
        metrics.webhooks_refused.labels("signature").inc()
        now = time.monotonic()
        if now - self._said_refused >= _SELDOM:
            self._said_refused = now
            log.warning("webhook.refused", status=401)
        return answer({"error": "The signature is missing or wrong."}, 401)

    def _tell(self, parsed: Parsed) -> None:
        if parsed.other[UNKNOWN_NUMBER] and not self._said_unknown:
            self._said_unknown = True
            log.warning("webhook.unknown_number", count=parsed.other[UNKNOWN_NUMBER])
        else:
            log.info("webhook.other", kinds=sorted(parsed.other), count=parsed.other.total())


def _verify(request: Request, numbers: Sequence[Number]) -> Response:
    """Meta asks whether this is ours: https://developers.facebook.com/docs/graph-api/webhooks/getting-started."""
    token, challenge = request.first("hub.verify_token") or "", request.first("hub.challenge") or ""
    known: list[Any] = [number.verifies(token) for number in numbers]  # all of them: no answer comes sooner
    if request.first("hub.mode") != "subscribe" or not any(known):
        metrics.webhooks_refused.labels("token").inc()
        return answer({"error": "The verify token is not the one that is set here."}, 403)
    if not 0 < len(challenge) <= _LONGEST_CHALLENGE or not challenge.isprintable():
        raise Invalid("hub.challenge is missing.")
    return Response(
        200, challenge.encode(), "text/plain; charset=utf-8", {"x-content-type-options": "nosniff"}
    )
