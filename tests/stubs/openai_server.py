"""A server that speaks OpenAI's chat completions, for tests. The model's name says how it behaves.

Run it as `python tests/stubs/openai_server.py [--port N]`; it prints its base URL and serves until its end.
Requests that the official SDK's types do not know are answered 400, and answers are built from its types.

    ok         two parts            echo       the last message that waits, told back
    said:TEXT  TEXT                 think      an answer after thinking aloud
    empty      no text              truncated  finish_reason length
    refused    a refusal            filtered   finish_reason content_filter
    tool       a tool call          malformed  no JSON               shapeless  JSON of another kind
    status-N   that status, with the key in its body                 redirect   307 to /elsewhere
    slow       after 30 s           hangup     cuts the connection   huge       2 MB
    no-usage   an answer without figures                             lies       absurd figures

`GET /requests` lists what was asked: headers, body and path.
"""

import argparse
import asyncio
import json
import re
import time
from collections import deque
from typing import Any

from aiohttp import web
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

KNOWN = frozenset(CompletionCreateParamsNonStreaming.__annotations__) | frozenset(
    key for base in CompletionCreateParamsNonStreaming.__mro__ for key in getattr(base, "__annotations__", {})
)
PARAMS = TypeAdapter(CompletionCreateParamsNonStreaming)
MESSAGES = TypeAdapter(list[ChatCompletionMessageParam])
TEXTS = {
    "ok": "Sounds good!\n\nSee you there.",
    "think": "<think>They ask, so …</think>\nSure.",
    "empty": "  \n",
}
asked: deque[dict[str, Any]] = deque(maxlen=1000)


def text_of(model: str, body: dict[str, Any]) -> str:
    if model.startswith("said:"):
        return model.removeprefix("said:")
    if model == "echo":
        waiting = re.findall(r"<message[^>]*>(.*?)</message>", body["messages"][-1]["content"], re.DOTALL)
        return f"You wrote: {waiting[-1]}"
    return TEXTS.get(model, "Sure.")


def completion(model: str, text: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """An answer as the SDK's own type has it."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "total_tokens": 107,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None, **message},
                "finish_reason": finish,
                "logprobs": None,
            }
        ],
        "usage": usage,
    }
    ChatCompletion.model_validate(answer, strict=True)
    return answer


def answer_of(model: str, body: dict[str, Any]) -> dict[str, Any]:
    if model == "truncated":
        return completion(model, "I was about to", "length")
    if model == "refused":
        return completion(model, None, refusal="I cannot help with that.")
    if model == "filtered":
        return completion(model, "", "content_filter")
    if model == "tool":
        call = {"id": "c1", "type": "function", "function": {"name": "send", "arguments": "{}"}}
        return completion(model, None, "tool_calls", tool_calls=[call])
    answer = completion(model, text_of(model, body))
    if model == "no-usage":
        del answer["usage"]
    if model == "lies":
        answer["usage"] = {"prompt_tokens": 10**30, "completion_tokens": -5, "prompt_tokens_details": "x"}
    return answer


async def complete(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    body = json.loads(raw)
    asked.append({"path": request.path, "headers": dict(request.headers), "body": body})
    model = str(body.get("model"))
    try:
        PARAMS.validate_python(body)
        MESSAGES.validate_python(body["messages"])
        unknown = sorted(set(body) - KNOWN)
    except (ValidationError, KeyError) as error:
        return web.json_response({"error": {"message": str(error)}}, status=400)
    if unknown:
        return web.json_response(
            {"error": {"message": f"Unrecognized request arguments: {unknown}"}}, status=400
        )
    if (special := await misbehave(request, model)) is not None:
        return special
    return web.json_response(answer_of(model, body))


async def misbehave(request: web.Request, model: str) -> web.StreamResponse | None:
    if model.startswith("status-"):
        echo = {
            "error": {"message": f"Refused {request.headers.get('Authorization')}: {await request.text()}"}
        }
        return web.json_response(echo, status=int(model.removeprefix("status-")))
    if model == "slow":
        await asyncio.sleep(30)
    if model == "malformed":
        return web.Response(
            text='{"choices": [{"message": {"content": "Sure', content_type="application/json"
        )
    if model == "shapeless":
        return web.json_response({"error": {"message": "overloaded", "code": 502}})
    if model == "huge":
        return web.Response(body=b"x" * 2_000_000)
    if model == "redirect":
        return web.Response(status=307, headers={"Location": "/elsewhere"})
    if model == "hangup":
        assert request.transport is not None
        request.transport.close()
    return None


async def requests(_request: web.Request) -> web.Response:
    return web.json_response(list(asked))


async def serve(port: int) -> None:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_post("/elsewhere", complete)
    app.router.add_get("/requests", requests)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
