"""Meta's side of the webhooks: the people who write, and the post that delivers until it is answered with 200."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aiohttp

from tests.stubs.meta_graph import APP_SECRET
from tests.stubs.meta_webhooks import Item, body, envelope, signature, wamid
from tests.stubs.phone_network import Log, People

_PATIENCE = aiohttp.ClientTimeout(total=5)
_AGAIN = (0.05, 0.25)  # seconds until the second delivery; later ones wait longer, at most _LONGEST
_LONGEST = 2.0
_LINGER = 0.02  # seconds in which items gather to one POST
_UNIDENTIFIED = ("status", "raw", "poison")


class Post:
    """Delivers signed bodies, again and again: at least once, in no promised order."""

    def __init__(self) -> None:
        self.path = "/webhooks/whatsapp"
        self.secret = APP_SECRET
        self.answered: Counter[str] = Counter()
        self.given_up = 0
        self._session: aiohttp.ClientSession | None = None

    async def deliver(
        self, gateway: str, raw: bytes, *, signed: str = "right", patience: float | None = None
    ) -> list[int]:
        """[last status, tries]; the status is 0 when nobody answered. `signed`: right, wrong or none.

        It gives up after `patience` seconds, of which 0 means after the first try, and None never.
        """
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if signed != "none":
            secret = self.secret if signed == "right" else f"not {self.secret}"
            headers["X-Hub-Signature-256"] = signature(raw, secret)
        began, tries, wait = time.monotonic(), 0, random.uniform(*_AGAIN)
        while True:
            tries += 1
            status = await self._post(f"{gateway}{self.path}", raw, headers)
            self.answered[str(status)] += 1
            if status == 200:
                return [status, tries]
            if patience is not None and time.monotonic() + wait > began + patience:
                self.given_up += 1
                return [status, tries]
            await asyncio.sleep(wait)
            wait = min(_LONGEST, wait * random.uniform(1, 2))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, raw: bytes, headers: dict[str, str]) -> int:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=_PATIENCE)
        try:
            async with self._session.post(url, data=raw, headers=headers) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0


class MetaPeople(People):
    """People whose messages come as webhooks: with a number, with an id of Meta's, or with both."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.post = Post()
        self.batch = 1  # items of one POST at most
        self.known: set[str] = set()  # ids that a client may refer to
        self.numbers: dict[str, str] = {}  # by business-scoped id
        self._waiting: list[tuple[Item, asyncio.Future[int]]] = []
        self._gathering: asyncio.Task[None] | None = None

    async def end(self) -> None:
        """Nobody writes or delivers any more."""
        for task in (*self._living, *self._beside):
            task.cancel()
        await self.post.close()

    def _message(self, person: int, number: int) -> dict[str, str]:
        message = super()._message(person, number) | {"messageId": f"wamid.p{person}-{number}"}
        return message | ({"from": f"US.p{person}"} if person % 4 == 3 else {})

    async def _deliver(self, path: str, body: dict[str, str]) -> int:
        return await self.mail(_item(path, body))

    async def mail(self, item: Item) -> int:
        """Deliver one item, perhaps with others in one POST; returns how often that was tried."""
        self._note(item)
        if self.batch == 1:
            return (await self.post.deliver(self.gateway, body(envelope([item]))))[1]
        taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, taken))
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.create_task(self._gather())
        return await taken

    async def _gather(self) -> None:
        await asyncio.sleep(_LINGER)
        while self._waiting:
            chosen, self._waiting = self._waiting[: self.batch], self._waiting[self.batch :]
            self._start(self._mail_together(chosen))

    async def _mail_together(self, chosen: Sequence[tuple[Item, "asyncio.Future[int]"]]) -> int:
        group = random.choice(("changes", "values", "entries"))
        raw = body(envelope([item for item, _ in chosen], group))
        _, tries = await self.post.deliver(self.gateway, raw)
        for _, taken in chosen:
            taken.set_result(tries)
        return tries

    def report_as(self, statuses: Sequence[str], item: Item) -> None:
        """Tell the gateway, one after the other, that one of its messages was sent, delivered, read, `failed:CODE`."""
        self._start(self._report(statuses, item))

    async def _report(self, statuses: Sequence[str], item: Item) -> int:
        tries = 0
        for status in statuses:
            name, _, code = status.partition(":")
            more = {"kind": "status", "status": name} | ({"code": int(code)} if code else {})
            tries += await self.mail(dict(item) | more)
        return tries

    async def deliver(self, order: dict[str, Any]) -> dict[str, Any]:
        """What `POST /deliver` asks for; see meta_network."""
        items = [_identified(item) for item in order.get("items", [])]
        for item in items:
            self._note(item)
        copies, chance = items * order.get("times", 1), random.Random(order.get("seed"))
        if order.get("shuffle"):
            chance.shuffle(copies)
        size, at_once = order.get("batch", 1), asyncio.Semaphore(order.get("concurrent", 1))
        how = {"signed": order.get("signature", "right"), "patience": order.get("patience", 60.0)}

        async def one(batch: Sequence[Item]) -> list[int]:
            async with at_once:
                raw = body(envelope(batch, order.get("group", "changes")))
                answer = await self.post.deliver(self.gateway, raw, **how)
                if answer[0] == 200:
                    self._log_accepted(batch, answer[1])
                return answer

        batches = [copies[start : start + size] for start in range(0, len(copies), size)]
        answers = await asyncio.gather(*(one(batch) for batch in batches))
        return {"ids": [item.get("id") for item in items], "answers": answers}

    def _note(self, item: Item) -> None:
        if isinstance(item.get("id"), str):
            self.known.add(item["id"])
        if item.get("from") and item.get("user_id"):
            self.numbers[item["user_id"]] = item["from"]

    def _log_accepted(self, batch: Sequence[Item], tries: int) -> None:
        for item in batch:
            if item["kind"] == "text":
                who = f"+{item['from']}" if item.get("from") else item.get("user_id")
                fields = {"from": who, "id": item["id"], "text": item["text"], "tries": tries}
                self._log.write("accepted", at=time.monotonic_ns(), **fields)


def _identified(item: Item) -> Item:
    return item if item["kind"] in _UNIDENTIFIED else {"id": wamid(), "at": time.time(), **item}


def _item(path: str, said: dict[str, str]) -> Item:
    """A message or a status of the phone network, as an item."""
    person = said.get("from", "")
    if path == "statuses":
        return {
            "kind": "status",
            "of": said["messageId"],
            "status": said["status"],
            "callback": said["callback"],
        }
    item = {
        "kind": "text",
        "id": said["messageId"],
        "text": said["text"],
        "name": said["name"],
        "at": time.time(),
    }
    if not person.startswith("+"):
        return item | {"user_id": person}
    digits = person[1:]
    both = {"from": digits, "user_id": f"US.{digits}"}
    bare = {"from": digits, "contacts": False}
    return item | ({"from": digits}, both, bare)[int(digits[-4:]) % 4 % 3]
