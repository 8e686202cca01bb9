"""`export` and `forget`: what is kept about somebody, and that it goes."""

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import typer

from secondme.cli import show
from secondme.cli.knowing import memory_of
from secondme.cli.opening import opened
from secondme.cli.people import name_of
from secondme.domain.errors import Invalid, NotFound
from secondme.owner.remembering import Remembering
from secondme.wiring import App

_FOLLOWS = 3  # the exit code where the graph's part is not done


async def export(wanted: str, out: Path | None) -> None:
    """Everything that is kept about a contact, as JSON."""
    async with opened(reads=True) as app:
        rows = await app.control.find(wanted, imported=True)
        found = await memory_of(app).export(rows[0].id)
    if out is None:
        show.as_json(found)
    else:
        _write(out, found)
        print(f"Written to {out}.")


def _write(out: Path, found: dict[str, Any]) -> None:
    """Into a file that did not exist and that nobody else may read. Raises Invalid."""
    try:
        file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Invalid(f"{out} cannot be written: {error.strerror}.") from None
    with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace") as stream:
        json.dump(found, stream, ensure_ascii=False, indent=2, default=str)


async def forget(wanted: str, *, sure: bool) -> int:
    """Erase a contact, or a fact; prints the receipt. Returns the exit code."""
    async with opened(reads=True) as app:
        memory = memory_of(app)
        if wanted.startswith("fact_"):
            return await _forget_fact(memory, wanted, sure)
        contact, name = await _whom(app, wanted)
        _ask(f"everything about {name}", sure)
        receipt = await memory.forget(contact)
    went = [
        show.count(number, noun.removesuffix("s") if noun != "deliveries" else "delivery", noun)
        for noun, number in receipt["erased"].items()
        if number
    ]
    print(f"{name} is forgotten{': ' if went else ''}{', '.join(went)}.")
    _say_what_remains(receipt["importsThatRemain"])
    return _say_of_memory(receipt)


async def _forget_fact(memory: Remembering, fact_id: str, sure: bool) -> int:
    fact = (await memory.why(fact_id)).fact
    _ask(f"the fact `{show.plain(fact.text)}`", sure)
    receipt = await memory.forget_fact(fact_id)
    said = receipt["memory"]["facts"]
    again = f", which was said {said} times; those messages are" if said > 1 else "; its message is"
    print(f"The fact is forgotten{again} not learned again.")
    code = _say_of_memory(receipt)
    if others := receipt["others"]:
        say = "1 other says" if len(others) == 1 else f"{len(others)} others say"
        print(f"{say} the same, told by somebody else: {', '.join(others)}.")
    return code


async def _whom(app: App, wanted: str) -> tuple[UUID, str]:
    """Who is meant; by an id also somebody whom the graph alone may still have."""
    try:
        rows = await app.control.find(wanted, imported=True)
    except NotFound:
        try:
            return UUID(wanted), wanted
        except ValueError:
            pass
        raise
    return rows[0].id, name_of(rows)


def _ask(what: str, sure: bool) -> None:
    if sure:
        return
    if not sys.stdin.isatty():
        raise Invalid(
            "Erasing is for good: without a terminal to ask at, say `secondme forget CONTACT --yes`."
        )
    typer.confirm(f"Erase {what}, for good?", abort=True, err=True)


def _say_of_memory(receipt: dict[str, Any]) -> int:
    gone = receipt["memory"]
    if gone is None:
        print(f"Memory is not done yet: {receipt['memoryFollows']}")
        return _say_again(receipt, "when the graph answers: only then are its files")
    facts, entities = gone["facts"], gone["entities"]
    known = show.count(entities, "thing that only they named", "things that only they named")
    print(f"From memory went {show.count(facts, 'fact')} and {known}; its files were written anew.")
    if receipt.get("filesFollow"):
        print(f"What was erased still lies in files of the other stores: {receipt['filesFollow']}")
        return _say_again(receipt, "then: only after that are they")
    print(f"Receipt: {receipt['forgotten']}, finished {receipt['finishedAt']}.")
    return 0


def _say_again(receipt: dict[str, Any], when: str) -> int:
    print(f"Say this again {when} sure to be rid of it, with a receipt.")
    print(f"  {show.command(f'forget {receipt["forgotten"]}')}")
    return _FOLLOWS


def _say_what_remains(remain: list[dict[str, Any]]) -> None:
    if not remain:
        return
    kept = sum(one["keptReplies"] for one in remain)
    chats = show.count(len(remain), "imported chat")
    names = "another name remains" if len(remain) == 1 else "other names remain"
    if not kept:
        print(f"{chats} under {names}.")
        return
    print(
        f"{chats} under {names}, with {show.count(kept, 'kept reply', 'kept replies')}. If one is a chat with them, "
        "import it again without --keep-voice: that takes its replies back."
    )
