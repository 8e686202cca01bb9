"""Commands about contacts, and the link to the page that shows them."""

import shlex
from collections.abc import Sequence
from typing import Any

from secondme.cli import show
from secondme.cli.opening import opened
from secondme.cli.ports import answers
from secondme.domain.contact import ContactRow
from secondme.domain.errors import NotFound
from secondme.domain.pause import ContactState, Pause, effective_state
from secondme.stores.ledger import pauses
from secondme.web.dashboard.auth import make_link
from secondme.web.dashboard.looking import longest
from secondme.wiring import App

_COLUMNS = ("name", "address", "account", "relationship", "may be answered", "last wrote", "id")


async def link() -> None:
    """A fresh link. Raises NotFound where no dashboard would take it."""
    async with opened(reads=True) as app:
        port = app.settings.dashboard_port
        if not await answers(app.settings.data_dir, "dashboard", port):
            raise NotFound(
                f"No dashboard of this instance answers on port {port}: start it with `secondme up`."
            )
        print(await make_link(app))


async def contacts(as_json: bool) -> None:
    """Everybody, one row an account."""
    async with opened(reads=True) as app:
        rows, running = await app.control.everyone(imported=True), await pauses_now(app)
        if as_json:
            show.as_json([_machine(app, row, running) for row in rows])
        elif not rows:
            print("Nobody has written yet.")
        else:
            columns = len(_COLUMNS) if show.has_room() else len(_COLUMNS) - 1
            show.table(_COLUMNS[:columns], [_line(app, row, running)[:columns] for row in rows])


async def pauses_now(app: App) -> list[Pause]:
    """The pauses that run."""
    async with app.ledger.transaction() as tx:
        return await pauses.active(tx, app.clock.now())


def _pause_of(row: ContactRow, running: Sequence[Pause]) -> Pause | None:
    return longest([pause for pause in running if pause.covers(row.id)])


def _machine(app: App, row: ContactRow, running: Sequence[Pause]) -> dict[str, Any]:
    pause = _pause_of(row, running)
    return {
        "id": str(row.id),
        "name": row.name,
        "address": row.address,
        "account": row.account_id,
        "relationship": row.relationship,
        "persona": row.persona_id,
        "enabled": row.enabled,
        "imported": row.imported,
        "state": effective_state(row.enabled, [pause] if pause else [], app.clock.now()).value,
        "pausedUntil": pause.until.isoformat() if pause and pause.until else None,
        "pauseReason": pause.reason.value if pause else None,
        "lastAt": row.last_at.isoformat() if row.last_at else None,
    }


def _line(app: App, row: ContactRow, running: Sequence[Pause]) -> tuple[str, ...]:
    persona = f" ({row.persona_id})" if row.persona_id else ""
    return (
        row.name or "",
        row.address if row.address != row.name else "",
        "from an import" if row.imported else row.account_id,
        row.relationship + persona,
        _state(app, row, _pause_of(row, running)),
        show.moment(row.last_at, app.settings.timezone),
        str(row.id),
    )


def _state(app: App, row: ContactRow, pause: Pause | None) -> str:
    state = effective_state(row.enabled, [pause] if pause else [], app.clock.now())
    if state is ContactState.DISABLED:
        return "no"
    if state is ContactState.ENABLED or pause is None:
        return "yes"
    if pause.contact_id is None:
        return "no: everything is stopped"
    until = show.moment(pause.until, app.settings.timezone)
    return f"paused until {until}" if until else "paused until resumed"


def name_of(rows: Sequence[ContactRow]) -> str:
    """How to speak of a contact on the owner's own terminal."""
    row = rows[0]
    if row.imported:
        return show.plain(f"{row.name} (from an import)")
    return show.plain(f"{row.name} ({row.address})" if row.name else row.address)


async def enable(wanted: str, enabled: bool) -> None:
    """Let a contact be answered, or never, on every account."""
    async with opened(reads=True) as app:
        rows = await app.control.find(wanted)
        leaving = await app.control.enable(rows[0].id, enabled)
        if not enabled:
            print(f"{name_of(rows)} is not answered any more.")
            if leaving:
                begun = show.count(len(leaving), "delivery", "deliveries")
                print(f"{begun} had begun and may still arrive: {', '.join(map(str, leaving))}")
            return
        print(f"{name_of(rows)} may be answered from now on.")
        pause = _pause_of(rows[0], await pauses_now(app))
        if pause and pause.contact_id is None:
            print("Everything is stopped at the moment: `secondme resume all` lifts that.")
        elif pause:
            print(f"A pause of theirs still runs: `secondme resume {shlex.quote(rows[0].address)}` lifts it.")


async def relate(wanted: str, relationship: str | None, persona: str | None) -> None:
    """Say how the owner knows a contact, and by which persona they are answered if not by that."""
    async with opened(reads=True) as app:
        rows = await app.control.find(wanted)
        relationship = relationship or rows[0].relationship
        if persona is not None:
            persona = f"persona-{persona.removeprefix('persona-')}"
        await app.control.relate(rows[0].id, relationship, persona)
        voice = f"the persona {persona}" if persona else "the persona that fits"
        print(f"{name_of(rows)}: {relationship}, answered by {voice}.")
