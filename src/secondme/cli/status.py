"""`status`: how things stand, in one look."""

import asyncio
from collections.abc import Sequence
from typing import Any

from secondme.cli import show, standing
from secondme.cli.opening import opened
from secondme.cli.ports import answers
from secondme.domain.errors import StoreUnavailable
from secondme.domain.pause import Pause, PauseReason
from secondme.stores.ledger import pauses
from secondme.web.neighbours import all_health, ports_of, troubles
from secondme.wiring import App

_WHY = {
    PauseReason.SWITCH: "you stopped everything",
    PauseReason.MANUAL: "you paused it",
    PauseReason.OWNER_WORD: "you wrote there yourself",
    PauseReason.RATE_LIMIT: "too many messages in a minute",
    PauseReason.BUDGET: "its budget is spent, and a person was promised",
}
_COUNTS = {
    "waiting": "messages without a receipt",
    "due": "conversations due now",
    "open_deliveries": "deliveries on their way",
    "uncertain": "deliveries that may or may not have arrived",
    "kept_aside": "items that could not be read",
}


async def status(as_json: bool) -> None:
    """Print it."""
    async with opened(reads=True) as app:
        found = await _collect(app)
    if as_json:
        show.as_json(found)
    else:
        _print(found)


async def _collect(app: App) -> dict[str, Any]:
    now = app.clock.now()
    state = await app.control.status()
    async with app.ledger.transaction() as tx:
        running = await pauses.active(tx, now)
    names = {row.id: row.name or row.address for row in await app.control.everyone()}
    services = await _services(app)
    found = await all_health({name: one["port"] for name, one in services.items() if one["answers"]})
    note = standing.found(app.settings.data_dir) or standing.of(app)
    return {
        "accounts": [
            {"id": id_, "channel": channel, "profile": profile} for id_, channel, profile in note.accounts
        ],
        "mind": note.mind,
        "offline": note.mind == "offline",
        "switch": await _switch(app, running),
        "pauses": [_pause(app, p, names.get(p.contact_id)) for p in running if p.contact_id],
        "counts": {name: state[name] for name in _COUNTS},
        "receipts": state["receipts"],
        "services": services,
        "channels": _told(found, "channels"),
        "webhooks": _told(found, "webhooks"),
        "troubles": troubles(found),
        "dependencies": (await app.health())["dependencies"],
    }


async def _switch(app: App, running: Sequence[Pause]) -> dict[str, Any]:
    """`stopped` None: nobody knows, and so nothing is sent."""
    stops = [p for p in running if p.contact_id is None]
    if stops:
        until = None if any(p.until is None for p in stops) else max(p.until for p in stops if p.until)
        since = min(p.since for p in stops)
        return {"stopped": True, "since": _local(app, since), "until": _local(app, until)}
    try:
        return {"stopped": await app.switch.held(), "since": None, "until": None}
    except StoreUnavailable:
        return {"stopped": None, "since": None, "until": None}


def _pause(app: App, pause: Pause, name: str | None) -> dict[str, Any]:
    return {
        "contact": str(pause.contact_id),
        "name": name,
        "reason": pause.reason.value,
        "since": _local(app, pause.since),
        "until": _local(app, pause.until),
    }


def _local(app: App, moment: Any) -> Any:
    return moment.astimezone(app.settings.timezone) if moment else None


async def _services(app: App) -> dict[str, Any]:
    ports, folder = ports_of(app.settings), app.settings.data_dir
    found = await asyncio.gather(*(answers(folder, name, port) for name, port in ports.items()))
    return {
        name: {"port": port, "answers": answer}
        for (name, port), answer in zip(ports.items(), found, strict=True)
    }


def _told(found: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """What the gateway says under this name; nothing where none runs here."""
    return next((one.get(name, {}) for one in found if one["service"] == "gateway"), {})


def _print(found: dict[str, Any]) -> None:
    accounts = ", ".join(f"{a['id']} ({a['profile']}, {a['channel']})" for a in found["accounts"])
    mind = "offline: no model is set, it repeats what you have said" if found["offline"] else found["mind"]
    rows = [
        ("accounts", accounts),
        ("mind", mind),
        ("switch", _switch_line(found["switch"])),
        *((name, _service_line(service)) for name, service in found["services"].items()),
        *((f"channel of {account}", state) for account, state in found["channels"].items()),
        *_webhooks(found),
        *((name, state) for name, state in found["dependencies"].items()),
        *((_COUNTS[name], f"{number:,}") for name, number in found["counts"].items()),
    ]
    show.table(("", ""), rows)
    if found["troubles"]:
        show.table(("to mend: run `secondme doctor`", ""), [(trouble, "") for trouble in found["troubles"]])
    if found["pauses"]:
        pauses_shown = [(p["name"] or p["contact"], _WHY[p["reason"]], _until(p)) for p in found["pauses"]]
        show.table(("paused", "because", "how long"), pauses_shown)
    if found["receipts"]:
        show.table(("how the last day's messages ended", ""), _endings(found["receipts"]))
    else:
        print("No message has ended in the last day.")


def _webhooks(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What was posted to the gateway since it began, where Meta posts there."""
    if (
        not any(account["channel"] == "whatsapp_cloud" for account in found["accounts"])
        or not found["webhooks"]
    ):
        return []
    good, bad = found["webhooks"]["believed"], found["webhooks"]["unsigned"]
    return [("webhooks", f"{good:,} with a good signature, {bad:,} with a bad one")]


def _endings(receipts: dict[str, int]) -> list[tuple[str, str]]:
    return [(ending.replace(" ", ", by "), f"{number:,}") for ending, number in receipts.items()]


def _switch_line(switch: dict[str, Any]) -> str:
    if switch["stopped"] is None:
        return "unknown, a store does not answer: nothing is sent"
    if not switch["stopped"]:
        return "running"
    return f"everything is stopped {_until(switch)}"


def _until(pause: dict[str, Any]) -> str:
    return f"until {pause['until']:%Y-%m-%d %H:%M %Z}" if pause["until"] else "until you resume"


def _service_line(service: dict[str, Any]) -> str:
    return f"answers on port {service['port']}" if service["answers"] else f"not on port {service['port']}"
