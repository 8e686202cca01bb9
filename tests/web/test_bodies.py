"""Bodies that come whole, in pieces, too late or not at all."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from secondme.web import asgi
from secondme.web.asgi import Bare, Request, Response


async def _show(request: Request) -> Response:
    return Response(200, request.body, request.header(b"x-kind"))


async def _post(pieces: Sequence[bytes], pause: float | None) -> tuple[int, bytes]:
    """Post these, each after a pause of so many seconds, None for none; returns the status and the answer."""
    said, rest = list[Any](), list(pieces)

    async def receive() -> dict[str, Any]:
        if pause is not None:
            await asyncio.sleep(pause)
        piece = rest.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(rest)}

    async def send(event: Any) -> None:
        said.append(event)

    headers = [(b"x-kind", b"first"), (b"x-kind", b"last")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    await Bare({("POST", "/"): _show})(scope, receive, send)
    if said[0]["status"] == 200:
        assert (b"content-type", b"last") in tuple(said[0]["headers"])
    return said[0]["status"], said[1]["body"]


@pytest.mark.parametrize("pause", [None, 0, 0.01])
async def test_a_body_is_read_whole_however_it_comes(pause: float | None) -> None:
    assert await _post([b"whole"], pause) == (200, b"whole")
    assert await _post([b"in ", b"", b"pieces"], pause) == (200, b"in pieces")


async def test_a_body_that_comes_too_late_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asgi.PATIENCE == 10, "as docs/architecture.md says"
    monkeypatch.setattr(asgi, "PATIENCE", 0.1)
    status, said = await _post([b"late"] * 10, 0.05)
    assert (status, b"whole within" in said) == (408, True)


async def test_who_stops_a_request_that_waits_stops_it() -> None:
    waiting = asyncio.create_task(_post([b"never"], 60))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
