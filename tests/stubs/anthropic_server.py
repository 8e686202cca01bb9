"""A server that speaks Anthropic's messages, for tests. The model's name says how it behaves.

Run it as `python -m tests.stubs.anthropic_server [--port N]`; it prints its base URL and serves until its end.
Requests with a key anywhere in them that the official SDK's types do not know are answered 400, and answers are built
from its types. What is marked with cache_control is written to a cache with all before it, and read from it by whatever
begins the same.

    ok         two blocks of text        echo       the last message that waits, told back
    said:TEXT  TEXT                      empty      no text
    truncated  stop_reason max_tokens    refused    stop_reason refusal
    tool       a tool call unasked       malformed  no JSON               wrong-type  a list
    status-N[-S]  that status, with Retry-After S, and the key in its body
    slow       after 30 s                hangup     cuts the connection   huge        10 MB
    drip       a byte every 50 ms        no-usage   no figures            lies        absurd figures
    misfit-N   a form filled in wrongly N times                      switch     as `POST /switch` said last
    talk:… settings:… request:…  a refusal of refusals.py

`GET /requests` lists what was asked: headers, body and path; `DELETE` forgets it, and what is cached.
"""

import argparse
import asyncio
import hashlib
import json
from collections import deque
from typing import Any

from aiohttp import web
from anthropic._constants import ANTHROPIC_API_VERSION
from anthropic.types import Message
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from tests.stubs.forms import filled_in
from tests.stubs.official import Official
from tests.stubs.prompted import last_message
from tests.stubs.refusals import ANTHROPIC, refused

MESSAGES = Official(MessageCreateParamsNonStreaming)
asked: deque[dict[str, Any]] = deque(maxlen=1000)
cached: set[str] = set()
misfits: dict[str, int] = {}
told = {"model": "ok"}
_LOOKS_BACK = 20  # blocks


def problem_with(request: web.Request, body: dict[str, Any]) -> str | None:
    """What the real one would refuse. https://docs.anthropic.com/en/api/messages"""
    if request.headers.get("anthropic-version") not in ("2023-06-01", ANTHROPIC_API_VERSION):
        return "anthropic-version: header is required"
    if (complaint := MESSAGES.complaint(body)) is not None:
        return complaint
    if body["messages"][0]["role"] != "user":
        return "messages: first message must use the user role"
    for line in body["messages"]:
        blocks = line["content"]
        texts = [blocks] if isinstance(blocks, str) else [b["text"] for b in blocks if b["type"] == "text"]
        if not texts or not all(text.strip() for text in texts):
            return "messages: text content blocks must contain non-whitespace text"
    if json.dumps(body).count("cache_control") > 4:
        return "A maximum of 4 blocks with cache_control may be provided."
    return None


def blocks_of(body: dict[str, Any]) -> list[tuple[str, bool]]:
    """Everything that is sent, in the order in which it is cached: each block, and whether it is marked."""
    found = [(tool, tool) for tool in body.get("tools", [])]
    system = body.get("system") or []
    lines = [{"role": "system", "content": system}, *body["messages"]]
    for line in lines:
        content = line["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            found.append(({"role": line["role"], "text": block["text"]}, block))
    return [(json.dumps(said, sort_keys=True), "cache_control" in block) for said, block in found]


def usage_of(body: dict[str, Any]) -> dict[str, Any]:
    """Figures as the real one gives them: what is cached is not in input_tokens.

    A mark keeps all that stands before it. What is read is the longest beginning that was kept before and ends at a
    mark or at one of the twenty blocks before it.
    https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
    """
    read = kept = taken = 0
    known: list[tuple[int, int]] = []  # the block's place, and the tokens up to it
    beginning = ""
    for place, (block, marked) in enumerate(blocks_of(body)):
        beginning = hashlib.sha256((beginning + block).encode()).hexdigest()
        taken += len(block) // 4
        if beginning in cached:
            known.append((place, taken))
        if marked:
            read = max([read, *(tokens for at, tokens in known if at >= place - _LOOKS_BACK)])
            kept = taken
            cached.add(beginning)
    return {
        "input_tokens": taken - kept,
        "output_tokens": 5,
        "cache_creation_input_tokens": kept - read,
        "cache_read_input_tokens": read,
    }


def message(model: str, body: dict[str, Any], blocks: list[dict[str, Any]], stop: str) -> dict[str, Any]:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage_of(body),
    }
    Message.model_validate(answer)
    return answer


def text_of(model: str, body: dict[str, Any]) -> list[str]:
    if model.startswith("said:"):
        return [model.removeprefix("said:")]
    if model == "echo":
        return [f"You wrote: {last_message(body)}"]
    return {"ok": ["Sounds good!\n\n", "See you there."], "empty": [" "]}.get(model, ["Sure."])


def answer_of(model: str, body: dict[str, Any]) -> Any:
    if model == "wrong-type":
        return [1, 2]
    if tools := body.get("tools"):
        form = filled_in(tools[0]["input_schema"])
        if model.startswith("misfit-"):
            misfits[model] = misfits.get(model, 0) + 1
            form = {"people": "CANARY"} if misfits[model] <= int(model.rpartition("-")[2]) else form
        block = {"type": "tool_use", "id": "toolu_1", "name": tools[0]["name"], "input": form}
        return message(model, body, [block], "max_tokens" if model == "truncated" else "tool_use")
    if model == "tool":
        block = {"type": "tool_use", "id": "toolu_1", "name": "send", "input": {}}
        return message(model, body, [block], "tool_use")
    stop = {"truncated": "max_tokens", "refused": "refusal"}.get(model, "end_turn")
    blocks = [{"type": "text", "text": text, "citations": None} for text in text_of(model, body)]
    answer = message(model, body, blocks, stop)
    if model == "no-usage":
        del answer["usage"]
    if model == "lies":
        answer["usage"] = {"input_tokens": 10**30, "output_tokens": -5, "cache_read_input_tokens": "x"}
    return answer


def error(status: int, kind: str, said: str, **headers: str) -> web.Response:
    body = {"type": "error", "error": {"type": kind, "message": said}, "request_id": "req_1"}
    return web.json_response(body, status=status, headers=headers)


async def misbehave(request: web.Request, model: str) -> web.StreamResponse | None:
    if model.startswith("status-"):
        _, status, *wait = model.split("-")
        headers = {"Retry-After": wait[0]} if wait else {}
        said = f"Refused {request.headers.get('x-api-key')}: {await request.text()}"
        return error(int(status), "overloaded_error", said, **headers)
    if model == "slow":
        await asyncio.sleep(30)
    if model == "malformed":
        return web.Response(
            text='{"content": [{"type": "text", "text": "Sur', content_type="application/json"
        )
    if model == "huge":
        return web.Response(body=b"x" * 10_000_000)
    if model == "drip":
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(600):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response
    if model == "hangup":
        assert request.transport is not None
        request.transport.close()
    return None


async def messages(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    body = json.loads(raw)
    asked.append({"path": request.path, "headers": dict(request.headers), "body": body})
    # Documented is x-api-key; the SDK of 2026 sends the same key as a bearer.
    if not request.headers.get("x-api-key") and not request.headers.get("Authorization"):
        return error(401, "authentication_error", "x-api-key header is required")
    if (problem := problem_with(request, body)) is not None:
        return error(400, "invalid_request_error", problem)
    model = told["model"] if body["model"] == "switch" else str(body["model"])
    if (special := refused(ANTHROPIC, model, raw.decode()) or await misbehave(request, model)) is not None:
        return special
    return web.json_response(answer_of(model, body))


async def switch(request: web.Request) -> web.Response:
    told["model"] = await request.text()
    return web.Response()


async def requests(_request: web.Request) -> web.Response:
    return web.json_response(list(asked))


async def forget(_request: web.Request) -> web.Response:
    asked.clear()
    cached.clear()
    return web.Response()


async def serve(port: int) -> None:
    app = web.Application()
    app.router.add_post("/v1/messages", messages)
    app.router.add_post("/switch", switch)
    app.router.add_get("/requests", requests)
    app.router.add_delete("/requests", forget)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
