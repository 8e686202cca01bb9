"""Somebody's life with the product, in hundreds of words: everything that leaves some behind, at whatever place."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import batched
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable
from typing import Any

import asyncpg

from tests.privacy.canaries import Canaries
from tests.privacy.product import Product, outwait
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_webhooks import body, envelope, signature, wamid

_TOGETHER = 25  # items in one webhook
_OPEN = """SELECT (SELECT count(*) FROM messages WHERE direction = 'incoming' AND outcome IS NULL)
  + (SELECT count(*) FROM deliveries WHERE status IN ('planned', 'in_flight'))
  + (SELECT count(*) FROM messages WHERE learned_at IS NULL)"""


@contextmanager
def meta(log: Path) -> Iterator[Meta]:
    """The stub of Meta's network in a process of its own."""
    with Popen([executable, "-m", "tests.stubs.meta_network", log], stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Meta(process.stdout.readline().strip())
        finally:
            process.kill()


def posts(product: Product, items: Sequence[dict[str, Any]]) -> list[bytes]:
    """Have Meta deliver these; returns the bodies, so that they can be delivered again."""
    made = [body(envelope([{"id": wamid(), **item} for item in some])) for some in batched(items, _TOGETHER)]
    for one in made:
        assert again(product, one) == 200
    return made


def again(product: Product, one: bytes) -> int:
    return product.post(one, "/webhooks/whatsapp", **{"X-Hub-Signature-256": signature(one)})[0]


def settled(product: Product) -> None:
    """Everything has its receipt, and memory has looked at it."""

    async def open_() -> int:
        connection = await asyncpg.connect(product.addresses.database_url)
        try:
            return int(await connection.fetchval(_OPEN))
        finally:
            await connection.close()

    outwait(lambda: asyncio.run(open_()) == 0, 40, lambda: f"{asyncio.run(open_())} are open")


class Person:
    """One who writes, and is written about. `number` is in digits, `words` are all theirs."""

    def __init__(self, product: Product, number: str, words: Canaries) -> None:
        self.product = product
        self.number = number
        self.words = words
        self.name = words("name").capitalize()
        self.bodies: list[bytes] = []

    def _tell(self, items: Sequence[dict[str, Any]]) -> None:
        whose = {"from": self.number, "user_id": f"US.{self.number}", "name": self.name}
        self.bodies += posts(self.product, [{**whose, **item} for item in items])
        settled(self.product)

    def writes(self, texts: int = 60, facts: int = 25) -> None:
        """Texts, some of which say something that a model finds; answered, edited afterwards, reacted to, quoted."""
        new, ids = self.words.several, [wamid() for _ in range(texts)]
        said = [f"{word} is what I say" for word in new("text", texts)]
        self._tell([{"kind": "text", "id": id, "text": text} for id, text in zip(ids, said, strict=True)])
        towns, friends, firms, meals = (new(what, facts) for what in ("town", "friend", "firm", "note"))
        learned = [f"I have just moved to {town.capitalize()}" for town in towns]
        learned += [employed(*pair) for pair in zip(friends, firms, strict=True)]
        learned += [f"you know that I cannot eat {meal}" for meal in meals]
        self._tell([{"kind": "text", "text": text} for text in learned])
        some = iter(ids)
        self._tell(
            [{"kind": "edit", "of": next(some), "text": word} for word in new("edit", 15)]
            + [{"kind": "reaction", "of": next(some), "emoji": f"👍{word}"} for word in new("reaction", 10)]
            + [{"kind": "text", "reply_to": next(some), "text": word} for word in new("quoting", 10)]
        )

    def sends(self) -> None:
        """What is no text: captions, files by name, buttons, cards; a profile; ids that say something."""
        new = self.words.several
        kinds: list[dict[str, Any]] = [{"kind": "image", "caption": word} for word in new("caption", 16)]
        kinds += [
            {"kind": "document", "filename": f"{word}.pdf", "caption": "see"} for word in new("file", 6)
        ]
        for kind in ("button", "list_reply", "button_reply", "order"):
            kinds += [{"kind": kind, "text": word} for word in new(kind, 5)]
        kinds += [{"kind": "text", "text": "my id", "id": f"wamid.{word}"} for word in new("id", 6)]
        self._tell(kinds)
        raw: list[dict[str, Any]] = [
            {"type": "contacts", "contacts": [{"name": {"formatted_name": word}}]} for word in new("card", 6)
        ]
        raw += [
            {"type": "location", "location": {"latitude": 1, "longitude": 2, "name": word}}
            for word in new("place", 6)
        ]
        raw += [{"type": "hologram", "hologram": word} for word in new("unknown kind", 4)]
        self._tell([{"kind": "poison", "message": self._raw(one)} for one in raw])
        poison = [{"type": "text", "text": {"body": [word]}} for word in new("poison", 12)]
        self._tell([{"kind": "poison", "message": self._raw(one)} for one in poison])
        self._tell([{"kind": "text", "text": word, "number": "999"} for word in new("to another number", 5)])

    def _raw(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"from": self.number, "id": wamid(), "timestamp": str(int(time.time())), **message}

    def is_written_to(self) -> None:
        """Replies that fail, then the owner's own words, which pause; what is said meanwhile ends silent."""
        new = self.words.several
        for fault in ("131026", "500"):
            asyncio.run(self._failing(fault, new("not delivered", 3)))
        self._tell([{"kind": "echo", "text": f"we meet {word}"} for word in new("owner's word", 30)])
        self._tell([{"kind": "text", "text": word} for word in new("held", 10)])

    async def _failing(self, fault: str, words: list[str]) -> None:
        async with Meta(self.product.env["WHATSAPP_API_BASE_URL"]) as network:
            await network.fault(fault, only="message")
            await asyncio.to_thread(self._tell, [{"kind": "text", "text": word} for word in words])


def chat(folder: Path, title: str, lines: Sequence[str]) -> Path:
    """A chat as Android exports it: `AUTHOR: TEXT`, ten minutes apart."""
    at, path = datetime(2026, 1, 30, 9), folder / f"WhatsApp Chat with {title}.txt"
    path.write_text(
        "".join(f"{at + timedelta(minutes=10 * n):%d/%m/%Y, %H:%M} - {x}\n" for n, x in enumerate(lines))
    )
    return path


def told(name: str, words: Canaries, count: int) -> list[str]:
    """Lines of somebody's that rules learn from."""
    towns = [
        f"{name}: I have just moved to {word.capitalize()}" for word in words.several("imported town", count)
    ]
    pairs = zip(words.several("imported friend", count), words.several("imported firm", count), strict=True)
    return towns + [f"{name}: {employed(*pair)}" for pair in pairs]


def employed(friend: str, firm: str) -> str:
    """Something to learn, by rules as by a model."""
    return f"my friend {friend.capitalize()} works at {firm.capitalize()}"


def answers(name: str, words: Canaries, count: int) -> list[str]:
    """What they said, and what the owner said to it: so that anybody may hear it, and so that only they may."""
    lines = []
    for plain, secret in zip(
        words.several("kept for all", count), words.several("kept for them", count), strict=True
    ):
        lines += [f"{name}: are you coming?", f"Lena: sounds good, {plain} then"]
        lines += [f"{name}: and the other thing?", f"Lena: as {secret.capitalize()} told me, yes"]
    return lines


def imports(product: Product, file: Path, *more: str) -> None:
    code, said = product.command("import", str(file), "--me", "Lena", *more)
    assert code == 0, said
    file.unlink()


def contact_of(product: Product, name: str) -> str:
    rows = json.loads(product.command("contacts", "--json")[1])
    return str(next(row["id"] for row in rows if row["name"] == name))
