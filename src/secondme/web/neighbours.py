"""What the services of this instance say of themselves: asked over loopback, for each may be a process of its own."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import aiohttp

from secondme.observe.health import UNKNOWN
from secondme.settings import Settings
from secondme.wiring import App

_PATIENCE = aiohttp.ClientTimeout(total=4)  # seconds
_LOOKS_EVERY = 10.0  # seconds


def ports_of(settings: Settings) -> dict[str, int]:
    """Service to port."""
    return {
        "gateway": settings.gateway_port,
        "orchestrator": settings.orchestrator_port,
        "graph-worker": settings.graph_worker_port,
        "dashboard": settings.dashboard_port,
    }


async def health_of(port: int) -> dict[str, Any] | None:
    """What `/health` on this port of this machine answers; empty where that is none of ours, None for nobody."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.get(f"http://127.0.0.1:{port}/health") as answer,
        ):
            found = await answer.json(content_type=None)
    except aiohttp.ClientConnectorError:
        return None
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


async def all_health(ports: Mapping[str, int]) -> list[dict[str, Any]]:
    """What these services (name to port) answer, without those that do not."""
    found = await asyncio.gather(*map(health_of, ports.values()))
    return [one for name, one in zip(ports, found, strict=True) if one and one.get("service") == name]


def troubles(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """What keeps them from hearing, answering or sending, in a few words each, each once."""
    return list(dict.fromkeys(said for one in found for said in _told(one)))


async def watch(app: App) -> None:
    """Keep `app.troubles` as the services tell them."""
    while True:
        app.troubles = troubles(await all_health(ports_of(app.settings)))
        await asyncio.sleep(_LOOKS_EVERY)


def _told(health: Mapping[str, Any]) -> Iterator[str]:
    for account, state in health.get("channels", {}).items():
        if state not in ("ok", UNKNOWN):
            yield f"channel of {account}: {state}"
    posts = health.get("webhooks", {})
    if posts.get("unsigned") and not posts.get("believed"):  # beside good ones it is some stranger
        yield f"webhooks: {posts['unsigned']:,} with a bad signature, none with a good one"
    yield from health.get("minds", {}).values()
