"""The outside world in a process of its own: a phone network and a model, both of which fail when told to.

`python outside.py` prints its port. What a text contains decides: `drop!` cuts the connection, `500!`, `404!` and
`429!` are answered so with the text told back, `page!` is answered with a web page; `mind400!`, `mindpage!` and
`mindempty!` do the same to the model. Anything else is taken, or answered by telling it back. Asked what messages say,
the model finds friends, homes and what somebody cannot eat; with `hang!` in one of them it thinks until `POST /go`, and
`GET /hanging` says how often it has begun to.
"""

import asyncio
import json
import re
from typing import Any

from aiohttp import web

taken: list[str] = []
hanging: list[str] = []
went_on = asyncio.Event()
STATUSES = ("500!", "404!", "429!")


async def send(request: web.Request) -> web.StreamResponse:
    text = str((await request.json()).get("text", ""))
    taken.append(text)
    if "drop!" in text:
        assert request.transport is not None
        request.transport.abort()
    if "page!" in text:
        return web.Response(text=f"<html>{text}</html>", content_type="text/html")
    for mark in STATUSES:
        if mark in text:
            return web.json_response({"error": {"message": f"cannot send {text}"}}, status=int(mark[:3]))
    return web.json_response({"messageId": f"net-{len(taken)}"})


async def think(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    prompt = str(body["messages"][-1]["content"])
    messages = re.findall(r"<message[^>]*>(.*?)</message>", prompt, re.DOTALL)
    if "response_format" in body:
        if "hang!" in prompt:
            hanging.append(prompt)
            await went_on.wait()
        return answered(
            json.dumps({"messages": [read(number, text) for number, text in enumerate(messages, 1)]})
        )
    said = " / ".join(messages)
    if "mind400!" in said:
        return web.json_response({"error": {"message": f"bad prompt: {prompt}"}}, status=400)
    if "mindpage!" in said:
        return web.Response(text=f"<html>{prompt}</html>", content_type="text/html")
    return answered("" if "mindempty!" in said else f"You wrote {said}")


def read(number: int, text: str) -> dict[str, Any]:
    """What a message says, as the form has it."""
    entities, statements = [], []
    for friend, firm in re.findall(r"friend (\w+) works at (\w+)", text):
        entities += [{"type": "Person", "name": friend}, {"type": "Company", "name": firm}]
        statements.append({"predicate": "WORKS_AT", "subject": friend, "object": firm})
    for home in re.findall(r"moved to (\w+)", text):
        entities.append({"type": "Location", "name": home})
        statements.append({"predicate": "LIVES_IN", "subject": "speaker", "object": home})
    for note in re.findall(r"cannot eat \w+", text):
        statements.append({"predicate": "NOTE", "subject": "speaker", "value": note})
    return {"message": number, "entities": entities, "statements": statements, "dates": []}


def answered(text: str) -> web.Response:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return web.json_response({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice]})


async def go(request: web.Request) -> web.StreamResponse:
    went_on.set()
    return web.json_response({})


async def seen(request: web.Request) -> web.StreamResponse:
    return web.json_response(taken)


async def hangs(request: web.Request) -> web.StreamResponse:
    return web.json_response(len(hanging))


async def main() -> None:
    app = web.Application()
    app.add_routes([
        web.post("/net/messages", send),
        web.post("/v1/chat/completions", think),
        web.post("/go", go),
        web.get("/seen", seen),
        web.get("/hanging", hangs),
        web.get("/net/health", seen),
    ])  # fmt: skip
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
