"""Commands about what is known. Names and words in it are others': they are printed as plain text."""

import sys
from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from secondme.cli import show
from secondme.cli.opening import opened
from secondme.cli.people import name_of
from secondme.domain.contact import ContactRow
from secondme.domain.errors import Invalid, MindFailed, NotFound
from secondme.domain.fact import EVERYONE, Fact
from secondme.memory.answers import Answer
from secondme.owner.remembering import Remembering, called, plain
from secondme.stores.graph import QueryRefused
from secondme.wiring import App

_COLUMNS = ("fact", "told by", "since", "until", "heard by", "id")


async def facts(wanted: str, as_json: bool) -> None:
    """What a contact told, and what they may hear."""
    async with opened(reads=True) as app:
        rows = await _whose(app, wanted)
        memory = memory_of(app)
        found = await memory.facts(rows[0].id)
        if as_json:
            show.as_json([plain(fact) for fact in found])
        elif not found:
            print(f"Nothing is known from {name_of(rows)}.")
        else:
            await _table(app, memory, found)


async def _whose(app: App, wanted: str) -> list[ContactRow]:
    try:
        return await app.control.find(wanted, imported=True)
    except NotFound:
        if not wanted.startswith("fact_"):
            raise
        raise NotFound(f"That is a fact: `secondme facts --why {wanted}`.") from None


async def why(fact_id: str, as_json: bool) -> None:
    """Where a fact comes from, who may hear it and why, and what it ended."""
    async with opened(reads=True) as app:
        memory = memory_of(app)
        found = await memory.why(fact_id)
        fact, ender = found.fact, found.ended_by
        if as_json:
            show.as_json(
                {
                    **plain(fact),
                    "sharedWith": found.shared_with,
                    "ended": [plain(one) for one in found.ended],
                    "endedBy": plain(ender) if ender else None,
                }
            )
            return
        names, zone = await memory.names(), app.settings.timezone
        was_there = [called(names, id) for id in fact.audience if id not in found.shared_with]
        shared = [called(names, id) for id in found.shared_with]
        lines = [
            ("fact", fact.text),
            ("told by", f"{called(names, fact.teller)}, {show.moment(fact.said_at, zone)}"),
            ("message", fact.source),
            ("holds since", _day(fact.valid_from, zone)),
            ("held until", _day(fact.valid_to, zone)),
            ("how sure", f"{fact.confidence:.0%}"),
            ("heard by", ", ".join(was_there)),
            ("shared with", ", ".join(shared)),
            ("ended by", f"{ender.text} ({ender.id})" if ender else ""),
            *(("ended", f"{one.text} ({one.id})") for one in found.ended),
        ]
        show.table(("", ""), [line for line in lines if line[1]])


async def ask(question: str, as_json: bool, *, by_model: bool) -> None:
    """What answers the owner's question: in words where a model is set and may answer, with the facts it rests on."""
    if not any(sign.isalnum() for sign in question):
        raise Invalid('Ask something, such as `secondme ask "who works at Acme?"`.')
    async with opened(reads=True) as app:
        memory = memory_of(app)
        found: Sequence[Fact] = await _found(app, memory, question)
        answer = await _answer(app, memory, question, found) if by_model and found else None
        shown = answer.facts if answer else found
        if as_json:
            said = {"answer": answer.text, "mind": answer.mind} if answer else {"answer": None, "mind": None}
            show.as_json({**said, "facts": [plain(fact) for fact in shown]})
        elif not shown:
            print("Nothing is known that answers this.")
        else:
            if answer:
                print(f"{show.plain(answer.text)}\n\n{answer.mind} says so, of these facts:")
            await _table(app, memory, shown)


async def _found(app: App, memory: Remembering, question: str) -> list[Fact]:
    try:
        return await memory.ask(question, app.minds.embedder)
    except (MindFailed, QueryRefused):
        raise Invalid(
            "Only by its form could this be answered, such as `who works at NAME?`: this shell's embeddings are not"
            " to be had, or not those of the graph."
        ) from None


async def _answer(app: App, memory: Remembering, question: str, found: Sequence[Fact]) -> Answer | None:
    """None where nobody answers: the facts then speak for themselves."""
    if app.minds.extractor is None:
        return None
    try:
        return await memory.answer(question, found, app.minds.extractor)
    except MindFailed as error:
        print(f"secondme: not answered in words: {error}", file=sys.stderr)
        return None


async def share(fact_id: str, whom: str) -> None:
    """Let a contact, or everyone, hear a fact."""
    async with opened(reads=True) as app:
        rows = await app.control.find(whom, imported=True) if whom != EVERYONE else []
        who = name_of(rows) if rows else "Everyone, also who comes later,"
        if await memory_of(app).share(fact_id, rows[0].id if rows else None):
            print(f"{who} may hear it from now on.")
        else:
            print(f"{who} hears it already: they were there when it was said.")


async def unshare(fact_id: str, whom: str) -> None:
    """Take that back."""
    async with opened(reads=True) as app:
        rows = await app.control.find(whom, imported=True) if whom != EVERYONE else []
        await memory_of(app).unshare(fact_id, rows[0].id if rows else None)
        print(f"It is not shared with {name_of(rows) if rows else 'everyone'} any more.")


async def merge(one: str, other: str) -> None:
    """Say that two are one."""
    async with opened(reads=True) as app:
        names = await memory_of(app).merge(one, other)
        if names is None:
            print("These are one already.")
        else:
            both = " and ".join(map(show.plain, names))
            print(f"{both} are one from now on. Every fact keeps who may hear it.")


async def unmerge(one: str, other: str) -> None:
    """Take that back."""
    async with opened(reads=True) as app:
        names = map(show.plain, await memory_of(app).unmerge(one, other))
        print(f"{' and '.join(names)} are two again.")


def memory_of(app: App) -> Remembering:
    """The owner's rights over memory, on what is open."""
    return Remembering(app.ledger, app.graph, app.mirror, app.control, app.effects, app.clock)


async def _table(app: App, memory: Remembering, found: Sequence[Fact]) -> None:
    names, zone = await memory.names(), app.settings.timezone
    show.table(_COLUMNS, [_row(several, names, zone) for several in _together(found)])


def _together(found: Sequence[Fact]) -> list[list[Fact]]:
    """What one teller said again and again of one time is a row: by what is said, and until when it held."""
    said: dict[tuple[str, str, datetime | None], list[Fact]] = {}
    for fact in found:
        said.setdefault((fact.teller, fact.text.casefold(), fact.valid_to), []).append(fact)
    return list(said.values())


def _row(several: Sequence[Fact], names: dict[str, str], zone: ZoneInfo) -> tuple[str, ...]:
    last = max(several, key=lambda fact: fact.said_at)
    often = f" (said {len(several)} times, last on {_day(last.said_at, zone)})" if len(several) > 1 else ""
    heard = dict.fromkeys(called(names, id) for fact in several for id in fact.audience)
    return (
        last.text + often,
        called(names, last.teller),
        _day(min(fact.valid_from for fact in several), zone),
        _day(last.valid_to, zone),
        ", ".join(heard),
        last.id,
    )


def _day(at: datetime | None, zone: ZoneInfo) -> str:
    """The owner's day; a day that the message itself names is midnight in UTC, wherever the owner is."""
    if at is None:
        return ""
    return (at if at.time() == time() else at.astimezone(zone)).strftime("%Y-%m-%d")
