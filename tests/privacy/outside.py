"""The outside world in a process of its own: a phone network and a model, both of which fail when told to.

`python outside.py` prints its port. What a text contains decides: `drop!` cuts the connection, `500!`, `404!` and
`429!` are answered so with the text told back, `page!` is answered with a web page; `mind400!`, `mindpage!` and
`mindempty!` do the same to the model. Anything else is taken, or answered by telling it back.
"""

import asyncio
import re

from aiohttp import web

taken: list[str] = []
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
    said = " / ".join(re.findall(r"<message[^>]*>(.*?)</message>", prompt, re.DOTALL))
    if "mind400!" in said:
        return web.json_response({"error": {"message": f"bad prompt: {prompt}"}}, status=400)
    if "mindpage!" in said:
        return web.Response(text=f"<html>{prompt}</html>", content_type="text/html")
    text = "" if "mindempty!" in said else f"You wrote {said}"
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return web.json_response({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice]})


async def seen(request: web.Request) -> web.StreamResponse:
    return web.json_response(taken)


async def main() -> None:
    app = web.Application()
    app.add_routes([
        web.post("/net/messages", send),
        web.post("/v1/chat/completions", think),
        web.get("/seen", seen),
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
