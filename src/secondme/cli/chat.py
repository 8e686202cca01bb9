"""`chat`: a phone in the terminal. What is typed goes through the real pipeline, as from any phone."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from secondme.cli import show, standing
from secondme.cli.opening import opened, tell
from secondme.cli.phone import Phone, phone
from secondme.cli.ports import answers
from secondme.domain.errors import NotFound
from secondme.domain.profile import Account
from secondme.loading import load
from secondme.stores.ledger import people, reading
from secondme.stores.ledger.people import Address, Whom
from secondme.web.dashboard.rules import rule
from secondme.wiring import App


@dataclass(frozen=True, slots=True)
class Reply:
    """How a message ended, and what was said to it."""

    parts: list[tuple[str, str]]  # delivery id and text
    outcome: str
    rule: str | None
    mind: str | None


async def chat(profile: str | None, name: str, once: str | None, *, as_json: bool) -> None:
    """Talk until the input ends; or say one thing, print what comes back and end."""
    settings = load()
    standing.follow(settings)
    alone = not await answers(settings.data_dir.expanduser(), "gateway", settings.gateway_port)
    async with opened(serves=alone) as app:
        tell(standing.differs(app.settings))
        account = _account(app, profile)
        whom = await _meet(app, account, name)
        async with phone(app, account, f"chat:{name}", name) as line:
            if once is None:
                await _talk(app, account, whom, line)
            else:
                _print_once(await _answer(app, whom, line, once), as_json=as_json)


def _account(app: App, profile: str | None) -> Account:
    """The simulator's account with this profile, else its first. Raises NotFound."""
    phones = [account for account in app.accounts.values() if account.channel == "simulator"]
    if not phones:
        raise NotFound(
            "`secondme chat` is a simulated phone, and no account here is on the simulator: write to the number from a"
            " real one, or add `- {id: try, channel: simulator, profile: clone}` to the accounts in secondme.yaml."
        )
    found = [account for account in phones if profile in (None, account.profile.name)]
    if not found:
        have = ", ".join(sorted({account.profile.name for account in phones}))
        raise NotFound(f"No account on the simulator has the profile {profile!r}; there are: {have}.")
    return found[0]


async def _meet(app: App, account: Account, name: str) -> Whom:
    """The chat's own contact, enabled: the owner is at the keyboard."""
    vault, network, address = app.ledger.vault, people.network_of(account.channel), f"chat:{name}"
    where = Address(account, network, vault.digest("address", network, address), address, name)
    async with app.ledger.transaction() as tx:
        whom = (await people.resolve(tx, vault, [where], app.clock.now()))[0]
    rows = [row for row in await app.control.everyone() if row.conversation_id == whom.conversation_id]
    if rows and not rows[0].enabled:
        await app.control.enable(whom.contact_id, True, account.id)
        tell(
            f"The contact of this chat ({address}) may be answered from now on: you are at the keyboard yourself."
        )
    return whom


def _print_once(reply: Reply, *, as_json: bool) -> None:
    texts = [text for _, text in reply.parts]
    if as_json:
        found: dict[str, Any] = {"reply": "\n".join(texts) or None, "parts": texts}
        show.as_json(found | {"outcome": reply.outcome, "rule": reply.rule, "mind": reply.mind})
    elif texts:
        print("\n".join(show.plain(text) for text in texts))
    else:
        print(_silence(reply))


def _silence(reply: Reply) -> str:
    known = rule(reply.rule)
    return f"(no answer: {known.short if known else reply.rule or reply.outcome})"


async def _talk(app: App, account: Account, whom: Whom, line: Phone) -> None:
    """Line by line. What was said to an earlier line is not printed again."""
    tell(f"You are talking to {account.id} ({account.profile.name}; mind: {app.mind_name}). Ctrl-D ends.")
    shown: set[str] = set()
    async with _typed() as lines:
        async for text in lines:
            if not text.strip():
                continue
            reply = await _answer(app, whom, line, text.rstrip("\n"))
            for delivery, said in reply.parts:
                if delivery not in shown:
                    print(f"{account.id}> {show.plain(said)}", flush=True)
                shown.add(delivery)
            if not reply.parts:
                print(_silence(reply), flush=True)


@asynccontextmanager
async def _typed() -> AsyncIterator[AsyncIterator[str]]:
    """Lines of standard input, read by a thread that nobody has to wait for."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        for text in sys.stdin:
            loop.call_soon_threadsafe(queue.put_nowait, text)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    async def lines() -> AsyncIterator[str]:
        while True:
            if sys.stdin.isatty():
                print("You> ", end="", flush=True)
            if (text := await queue.get()) is None:
                return
            yield text

    threading.Thread(target=read, daemon=True, name="keyboard").start()
    yield lines()


async def _answer(app: App, whom: Whom, line: Phone, text: str) -> Reply:
    """Say something and wait for what becomes of it. Raises what Phone raises."""
    message = await line.say(text)
    bubble = await line.ended(message, whom.conversation_id)
    async with app.ledger.transaction() as tx:
        why = await reading.why(tx, app.ledger.vault, UUID(bubble.id)) or {}
        thread = await reading.thread(tx, app.ledger.vault, whom.conversation_id, limit=100)
    left = {str(delivery["id"]) for delivery in why.get("deliveries", ())}
    parts = [(b.id, b.text) for b in thread if b.by == "bot" and b.id in left and b.text]
    return Reply(parts, bubble.status, bubble.rule, why.get("mind"))
