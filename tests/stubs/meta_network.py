"""Meta's WhatsApp Cloud API, as a process of its own: takes sends, delivers webhooks, and keeps a log.

`python -m tests.stubs.meta_network LOG` prints its base URL and serves until its end; tests.stubs.meta_driver speaks
to it. LOG is that of tests.stubs.phone_network, with the same two kinds of lines, so that who reads one reads both:

    {"what": "request", "first": …, "last": …, "wall": …, "whole": true, "id": "wamid.…", "taken": true,
     "body": {"to": "+1555…" or "US.…", "type": "text", "text": …, "quotes": …, "callback": …}, "meta": {as it came},
     "fault": null, "status": 200}
    {"what": "accepted", "at": …, "from": "+1555…" or "US.…", "id": "wamid.…", "text": "…", "tries": 1}

Read receipts have the type `read` or `typing` and no callback: Meta's carry none. What is refused is logged with
`taken` false. Meta's own paths, of any version, with its constants in tests.stubs.meta_graph:

    POST /{version}/{phone_number_id}/messages    strict: anything that Meta does not document is refused, code 100
    GET  /{version}/{phone_number_id}?fields=…    what doctor may ask
    GET  /{version}/{waba_id}/message_templates   the templates of tests.stubs.meta_templates, two a page
    GET  /{version}/{waba_id}/subscribed_apps, /{version}/debug_token   what tests.stubs.meta_apps knows

And for tests:

    GET  /health, /state    {"accepted", "posting", "whole", "taken", "answered": {"200": 7}, "given_up", "faults"}
    GET  /sends             the `request` lines so far, refused ones too
    POST /control           any of phone_network's wishes (gateway, people, quota, think, delay, statuses), and
        statuses  which statuses follow a taken send: true (sent, delivered), false, or a list such as
                  ["sent", "failed:131026"]
        batch     items that one POST of people's messages and statuses holds at most (default 1)
        reset     true: forget all that was sent, asked for and set, before anything else
        path      of the webhook (default /webhooks/whatsapp)
        token, secret   other than the usual; an `appsecret_proof` has to fit both
        proof     whether the app requires one with every request, as its owner can set it (default false)
        apps      ids of the apps subscribed to the business account (default: the token's alone)
        inspects  whether the token may ask debug_token about itself (default true)
        skew      seconds by which the Date header is wrong
        faults    list of {"fault": …, "times": 1, "only": "message" | "read" | "any", …}, for what comes next:
                  a code of ERRORS (with "http" and "headers" if wanted), "500" (no body), "hang", "close", "half",
                  "drip" (over "seconds"), "garbage" (200 and no JSON), "slow" (after "seconds"). "taken": whether
                  the message goes out nevertheless, in which case "statuses" may replace the usual ones.
                  Errors, 500, hang and close are not taken unless that is said; the rest is.
    POST /deliver           {"items": […], "times": 1, "shuffle": false, "seed": null, "batch": 1, "concurrent": 1,
                  "group": "changes" | "values" | "entries", "signature": "right" | "wrong" | "none",
                  "patience": 60} → {"ids": […], "answers": [[last status, tries], … one a POST]}.
                  Items are those of tests.stubs.meta_webhooks. Each is delivered `times` times, with others in one
                  POST if `batch` says so, and again until it is answered with 200 or patience ends.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.stubs.meta_apps import APP_ID, inspected, subscribed, unproven
from tests.stubs.meta_faults import Faults
from tests.stubs.meta_graph import (
    ACCOUNT_ID,
    ERRORS,
    PHONE_NUMBER_ID,
    TOKEN,
    Read,
    RefusedError,
    Send,
    error_object,
    number_fields,
    parse,
)
from tests.stubs.meta_http import Answer, Connection, Request
from tests.stubs.meta_people import MetaPeople
from tests.stubs.meta_templates import listing
from tests.stubs.meta_webhooks import wamid
from tests.stubs.phone_network import Log

_PATH = re.compile(
    r"/v\d+\.\d+/(?P<id>\d+|debug_token)(?P<edge>/messages|/message_templates|/subscribed_apps)?"
)
_OF_THE_ACCOUNT = ("/message_templates", "/subscribed_apps")
_NOT_TAKEN = ("500", "hang", "close")


def _say(status: int, body: Any, **more: Any) -> Answer:
    return Answer(status, json.dumps(body).encode(), **more)


class MetaNetwork:
    """The API and the controls of the stub."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._reset()

    def _reset(self) -> None:
        self._people = MetaPeople(self._log)
        self._faults = Faults()
        self._sends: list[dict[str, Any]] = []
        self._token, self._proof = TOKEN, False
        self._apps, self._inspects = [APP_ID], True
        self._delay = self._skew = 0.0
        self._statuses: list[str] = []
        self._taken = 0

    async def respond(self, request: Request) -> Answer:
        """The answer, when its moment has come."""
        graph = _PATH.fullmatch(request.path)
        if graph is not None:
            answer = await self._graph(request, graph["id"], graph["edge"] or "")
            return replace(answer, skew=self._skew)
        match request.method, request.path:
            case "POST", "/control":
                return await self._control(json.loads(request.body))
            case "POST", "/deliver":
                return _say(200, await self._people.deliver(json.loads(request.body)))
            case "GET", "/sends":
                return _say(200, self._sends)
            case "GET", "/state":
                return _say(200, self._state())
            case "GET", "/health":
                return _say(200, {"ok": True})
        return _say(404, error_object(100, f"Unknown path: {request.method} {request.path}"))

    async def _graph(self, request: Request, node: str, edge: str) -> Answer:
        try:
            self._authenticate(request)
            if node == "debug_token" and not edge:
                return _say(
                    200, self._told(inspected, request.query, self._token if self._inspects else None)
                )
            if node != (ACCOUNT_ID if edge in _OF_THE_ACCOUNT else PHONE_NUMBER_ID):
                raise RefusedError(100, f"Object with id {node} does not exist or may not be seen.")
            match request.method, edge:
                case "POST", "/messages":
                    return await self._take(request)
                case "GET", "":
                    return _say(200, number_fields(request.query))
                case "GET", "/message_templates":
                    return _say(200, self._told(listing, request.query))
                case "GET", "/subscribed_apps":
                    return _say(200, self._told(subscribed, request.query, self._apps))
            raise RefusedError(100, f"Unsupported method {request.method}.")
        except RefusedError as refusal:
            status = ERRORS[refusal.code][0]
            if edge == "/messages":
                self._note(
                    request, {"error": refusal.details}, refusal.code, None, taken=False, status=status
                )
            return _say(status, refusal.body or error_object(refusal.code, refusal.details))

    def _told(self, tell: Callable[..., dict[str, Any]], *asked: Any) -> dict[str, Any]:
        try:
            return tell(*asked)
        except ValueError as error:
            raise RefusedError(100, str(error)) from error

    def _authenticate(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            raise RefusedError(190, "The access token is missing or wrong.")
        secret = self._people.post.secret
        if error := unproven(request.query, self._token, secret, required=self._proof):
            raise RefusedError(100, error["error"]["message"], error)

    async def _take(self, request: Request) -> Answer:
        """Read receipts and messages, perhaps with a fault."""
        asked = parse(request.body, request.headers.get("content-type", ""), self._people.known)
        fault = self._faults.next("message" if isinstance(asked, Send) else "read") or {}
        name = str(fault.get("fault", ""))
        taken = fault.get("taken", not (name.isdigit() or name in _NOT_TAKEN))
        answer, message_id = self._answer(asked, fault, name)
        message_id = message_id if taken else None
        self._note(request, self._simply(asked), name, message_id, taken=taken, status=answer.status)
        if message_id is not None:
            self._people.known.add(message_id)
        await asyncio.sleep(self._delay + (fault.get("seconds", 0.0) if name == "slow" else 0.0))
        if taken and isinstance(asked, Send):
            self._report(asked, message_id or "", fault.get("statuses", self._statuses))
        return answer

    def _answer(self, asked: Send | Read, fault: dict[str, Any], name: str) -> tuple[Answer, str | None]:
        if name.isdigit() and int(name) in ERRORS:
            status = fault.get("http", ERRORS[int(name)][0])
            return _say(status, error_object(int(name)), headers=fault.get("headers", {})), None
        if name == "500":
            return Answer(500, b""), None
        message_id, said = None, _say(200, {"success": True})
        if isinstance(asked, Send):
            message_id = wamid()
            said = _say(200, self._accepted(asked, message_id))
        if name == "garbage":
            return Answer(200, b"<html>Please log in to this wireless network.</html>"), message_id
        manner = name if name in ("hang", "close", "half", "drip") else "whole"
        return replace(said, manner=manner, seconds=fault.get("seconds", 1.0)), message_id

    def _accepted(self, asked: Send, message_id: str) -> dict[str, Any]:
        contact = {"input": asked.to or asked.recipient}
        contact |= {"wa_id": asked.to} if asked.to else {"user_id": asked.recipient}
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": message_id}]}

    def _report(self, asked: Send, message_id: str, statuses: list[str]) -> None:
        item = {"of": message_id, "callback": asked.biz_opaque_callback_data}
        whom = {"from": asked.to} if asked.to else {"user_id": asked.recipient}
        if statuses:
            self._people.report_as(statuses, item | whom)

    def _simply(self, asked: Send | Read) -> dict[str, Any]:
        """As the phone network would have it."""
        if isinstance(asked, Read):
            kind = "typing" if asked.typing_indicator else "read"
            return {"to": None, "type": kind, "quotes": asked.message_id, "callback": None}
        number = asked.to or self._people.numbers.get(asked.recipient or "")
        simply = {"to": f"+{number}" if number else asked.recipient, "type": asked.type}
        return simply | {
            "text": asked.text.body if asked.text else None,
            "quotes": asked.context.message_id if asked.context else None,
            "callback": asked.biz_opaque_callback_data,
        }

    def _note(
        self,
        request: Request,
        simply: dict[str, Any],
        fault: str | int,
        message_id: str | None,
        *,
        taken: bool,
        status: int,
    ) -> None:
        try:
            came = json.loads(request.body)
        except ValueError:
            came = None
        self._taken += taken
        line: dict[str, Any] = {
            "first": request.first,
            "last": request.last,
            "wall": time.time_ns(),
            "whole": True,
        }
        line |= {
            "body": {"callback": None, "to": None, "type": None} | simply,
            "meta": came,
            "id": message_id,
        }
        line |= {"taken": taken, "fault": fault or None, "status": status}
        self._sends.append(line)
        self._log.write("request", **line)

    def _state(self) -> dict[str, Any]:
        people = self._people
        return {
            "accepted": people.accepted,
            "posting": people.posting,
            "whole": len(self._sends),
            "taken": self._taken,
            "answered": dict(people.post.answered),
            "given_up": people.post.given_up,
            "faults": len(self._faults.coming),
        }

    async def _control(self, wish: dict[str, Any]) -> Answer:
        if wish.get("reset"):
            await self._people.end()
            self._reset()
        self._delay = wish.get("delay", self._delay)
        self._skew = wish.get("skew", self._skew)
        self._token, self._proof = wish.get("token", self._token), wish.get("proof", self._proof)
        self._apps = wish.get("apps", self._apps)
        self._inspects = wish.get("inspects", self._inspects)
        self._faults.add(wish.get("faults", []))
        statuses = wish.get("statuses", self._statuses)
        self._statuses = ["sent", "delivered"] if statuses is True else statuses or []
        people = self._people
        people.batch = wish.get("batch", people.batch)
        people.post.path = wish.get("path", people.post.path)
        people.post.secret = wish.get("secret", people.post.secret)
        await people.change(wish.get("gateway"), wish.get("people", 0), wish.get("quota"), wish.get("think"))
        return _say(200, {"ok": True})


async def serve(path: Path) -> None:
    log = Log(path)
    network = MetaNetwork(log)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(network.respond, log), "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("log", type=Path)
    asyncio.run(serve(parser.parse_args().log))
