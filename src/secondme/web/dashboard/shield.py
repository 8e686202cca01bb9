"""What every request passes first, and what every answer carries: a page elsewhere must not reach in."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from secondme.web import asgi
from secondme.web.dashboard.auth import Sessions

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS = frozenset({"/start", "/health", "/api/health", "/metrics", "/favicon.ico"})
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_UPLOADS = frozenset({"/api/import", "/api/import/inspect"})
_MAX_JSON = 64 * 1024  # bytes; uploads are bounded where they are read
SLOWEST = 16 * 1024  # bytes a second that an upload must keep up with, once its first seconds are over

_TOO_SLOW = f"The upload came too slowly, below {SLOWEST // 1024} KiB a second; nothing was taken. Try again."

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

Unknown = Callable[[Request], Response]


class Shield:
    """Bare ASGI, so that streams pass through it untouched."""

    def __init__(self, app: ASGIApp, sessions: Sessions, unknown: Unknown) -> None:
        """`unknown` answers a page asked for without a session."""
        self._app = app
        self._sessions = sessions
        self._unknown = unknown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        dressed = _dressing(path_of(request), send)
        refusal = await self._refusal(request)
        if refusal is not None:
            await refusal(scope, receive, dressed)
        else:
            await self._app(scope, _bounded(request, receive), dressed)

    async def _refusal(self, request: Request) -> Response | None:
        if host_of(request.headers.get("host", "")) not in LOOPBACK:
            return refuse(
                421, "This address is not ours: open the dashboard as http://127.0.0.1 on this machine."
            )
        if request.method in _CHANGING and (problem := _foreign(request)):
            return problem
        path = path_of(request)
        if path in OPEN_PATHS or path.startswith("/static/"):
            return None
        if await self._sessions.good(request.cookies.get(self._sessions.cookie)):
            return None
        if path.startswith("/api/"):
            return refuse(401, "This page is signed out. Run `secondme link` and open the new link.")
        return self._unknown(request)


def _foreign(request: Request) -> Response | None:
    """A change must come from our own page, in a form that no plain HTML form elsewhere can send."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if (site is not None and site != "same-origin") or (origin is not None and not own):
        return refuse(403, "This request came from another site and was refused.")
    if site is None and origin is None:
        return refuse(403, "Send an Origin header that names this dashboard.")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    takes_file = path_of(request) in _UPLOADS and kind == "multipart/form-data"
    if kind != "application/json" and not takes_file:
        return refuse(415, "Send application/json, or multipart/form-data for a chat to import.")
    return None


def path_of(request: Request) -> str:
    """The path that routes see. `request.url` is put together from the Host header, which the sender chooses."""
    path: str = request.scope["path"]
    return path


def host_of(header: str) -> str:
    """The name in a Host header, without its port and brackets; empty where it cannot be read."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def refuse(status: int, sentence: str) -> Response:
    """An answer that says no, as the API says it."""
    return JSONResponse({"error": sentence}, status)


def _bounded(request: Request, receive: Receive) -> Receive:
    """A body is waited for no longer than asgi.PATIENCE; an upload earns some of that back with each piece. What is no
    upload ends at 64 KiB, whatever its Content-Length said. That its caller leaves, after it, has no limit.
    """
    uploads, clock = path_of(request) in _UPLOADS, asyncio.get_running_loop().time
    patience: float | None = asgi.PATIENCE
    size = 0

    async def take() -> Message:
        nonlocal patience, size
        begun = clock()
        try:
            async with asyncio.timeout(patience):
                event = await receive()
        except TimeoutError:
            said = _TOO_SLOW if uploads else asgi.too_late()
            raise HTTPException(408, said, {"connection": "close"}) from None
        came = len(event.get("body", b""))
        size += came
        if size > _MAX_JSON and not uploads:
            raise HTTPException(413, "A body has at most 64 KiB.")
        if not event.get("more_body"):
            patience = None
        elif patience is not None:
            earned = came / SLOWEST if uploads else 0.0
            patience = min(asgi.PATIENCE, patience - (clock() - begun) + earned)
        return event

    return take


def _dressing(path: str, send: Send) -> Callable[[MutableMapping[str, Any]], Awaitable[None]]:
    async def dressed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if path.startswith("/static/"):
                headers["cache-control"] = "no-cache"
            else:
                headers["cache-control"] = "no-store"
        await send(message)

    return dressed
