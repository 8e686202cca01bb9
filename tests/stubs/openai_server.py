"""A server that speaks OpenAI's chat completions and embeddings, for tests. The model's name says how it behaves.

Run it as `python -m tests.stubs.openai_server [--port N]`; it prints its base URL and serves until its end.
Requests with a key anywhere in them that the official SDK's types do not know are answered 400, and answers are built
from its types.

    ok         two parts            echo       the last message that waits, told back
    said:TEXT  TEXT                 think      an answer after thinking aloud
    empty      no text              truncated  finish_reason length
    refused    a refusal            filtered   finish_reason content_filter
    tool       a tool call          malformed  no JSON               shapeless  JSON of another kind
    status-N   that status, with the key in its body                 redirect   307 to /elsewhere
    slow       after 30 s           hangup     cuts the connection   huge       10 MB
    no-usage   an answer without figures                             lies       absurd figures
    drip       a byte every 50 ms        wrong-type  a list          no-system  400 to a system message
    no-schema  400 to a JSON schema      no-format   400 to any response_format
    misfit-N   a form filled in wrongly N times   misfit:TEXT  TEXT in place of a form
    switch     as `POST /switch` said last
    number-N   every number in a form is N
    talk:… settings:… request:…  a refusal of refusals.py

Forms (`response_format` of type json_schema, or a schema in the system message) are filled in from the schema.
Embeddings: `embed` has 1536 numbers or `dimensions`; `embed-N` has N; `embed-short` leaves one out and
`embed-vast` has a number that is too large.
`GET /requests` lists what was asked: headers, body and path; `DELETE` forgets it.
`GET /api/tags` is Ollama's list of models.
"""

import argparse
import asyncio
import json
import re
import time
from collections import deque
from typing import Any

from aiohttp import web
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.embedding_create_params import EmbeddingCreateParams

from tests.stubs.forms import filled_in
from tests.stubs.official import Official
from tests.stubs.prompted import last_message
from tests.stubs.refusals import OPENAI, refused

CHAT, EMBEDDINGS = Official(CompletionCreateParamsNonStreaming), Official(EmbeddingCreateParams)
TEXTS = {
    "ok": "Sounds good!\n\nSee you there.",
    "think": "<think>They ask, so …</think>\nSure.",
    "empty": "  \n",
}
MARK = {"type": "ephemeral"}
asked: deque[dict[str, Any]] = deque(maxlen=1000)
misfits: dict[str, int] = {}
told = {"model": "ok"}


def model_of(body: dict[str, Any]) -> str:
    return told["model"] if body.get("model") == "switch" else str(body.get("model"))


def schema_of(body: dict[str, Any]) -> Any:
    """The schema of the form that is asked for, wherever it stands."""
    described = body.get("response_format", {}).get("json_schema")
    if described:
        return described["schema"]
    first = body["messages"][0]["content"]
    found = (
        re.search(r"fits this schema, and with nothing else:\n(\{.*\})", first)
        if isinstance(first, str)
        else None
    )
    return json.loads(found.group(1)) if found else None


def text_of(model: str, body: dict[str, Any]) -> str:
    if (schema := schema_of(body)) is not None:
        if model.startswith("misfit-"):
            misfits[model] = misfits.get(model, 0) + 1
            if misfits[model] <= int(model.rpartition("-")[2]):
                return '{"people": "CANARY-MISFIT"}'
        if model.startswith("misfit:"):
            return model.removeprefix("misfit:")
        number = int(model.removeprefix("number-")) if model.startswith("number-") else 3
        return json.dumps(filled_in(schema, number))
    if model.startswith("said:"):
        return model.removeprefix("said:")
    if model == "echo":
        return f"You wrote: {last_message(body)}"
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
    model = model_of(body)
    if (complaint := CHAT.complaint(as_openai_knows_it(request, body))) is not None:
        return web.json_response({"error": {"message": complaint}}, status=400)
    if (complaint := refusal(model, body)) is not None:
        return web.json_response({"error": {"message": complaint}}, status=400)
    if (special := refused(OPENAI, model, raw.decode()) or await misbehave(request, model)) is not None:
        return special
    return web.json_response(answer_of(model, body))


def as_openai_knows_it(request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
    """The body without the one thing that OpenRouter adds: https://openrouter.ai/docs/features/prompt-caching."""
    if "X-Title" not in request.headers:
        return body
    found: dict[str, Any] = json.loads(json.dumps(body))
    for message in found["messages"]:
        for part in message["content"] if isinstance(message["content"], list) else ():
            assert part.pop("cache_control", MARK) == MARK
    return found


def refusal(model: str, body: dict[str, Any]) -> str | None:
    """What a server says of a request that its model cannot serve."""
    kind = body.get("response_format", {}).get("type")
    if model == "no-system" and body["messages"][0]["role"] == "system":
        return "System role not supported"
    if (model == "no-schema" and kind == "json_schema") or (model == "no-format" and kind):
        return f"This model does not support response format `{kind}`. See response_format."
    return None


async def misbehave(request: web.Request, model: str) -> web.StreamResponse | None:
    if model.startswith("status-"):
        echo = {
            "error": {"message": f"Refused {request.headers.get('Authorization')}: {await request.text()}"}
        }
        _, status, *wait = model.split("-")
        headers = {"Retry-After": wait[0]} if wait else {}
        return web.json_response(echo, status=int(status), headers=headers)
    if model == "slow":
        await asyncio.sleep(30)
    if model == "malformed":
        return web.Response(
            text='{"choices": [{"message": {"content": "Sure', content_type="application/json"
        )
    if model == "shapeless":
        return web.json_response({"error": {"message": "overloaded", "code": 502}})
    if model == "huge":
        return web.Response(body=b"x" * 10_000_000)
    if model == "wrong-type":
        return web.json_response([1, 2])
    if model == "drip":
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(600):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response
    if model == "redirect":
        return web.Response(status=307, headers={"Location": "/elsewhere"})
    if model == "hangup":
        assert request.transport is not None
        request.transport.close()
    return None


async def embed(request: web.Request) -> web.StreamResponse:
    body = json.loads(await request.read())
    asked.append({"path": request.path, "headers": dict(request.headers), "body": body})
    model, texts = model_of(body), body.get("input")
    if (complaint := EMBEDDINGS.complaint(body)) is not None:
        return web.json_response({"error": {"message": complaint}}, status=400)
    if not texts or not all(texts) or len(texts) > 2048:
        return web.json_response({"error": {"message": "Invalid input"}}, status=400)
    if (special := await misbehave(request, model)) is not None:
        return special
    size = body.get("dimensions") or 1536
    if model.removeprefix("embed-").isdigit():
        size = int(model.removeprefix("embed-"))
    rows: list[Any] = [
        {"object": "embedding", "index": n, "embedding": [(len(text) + n) / 100 + 0.5] * size}
        for n, text in enumerate(texts)
    ]
    rows = rows[1:] if model == "embed-short" else rows[::-1]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    answer = {"object": "list", "model": model, "data": rows, "usage": usage}
    CreateEmbeddingResponse.model_validate(answer, strict=True)
    if model == "embed-vast":
        rows[0]["embedding"][0] = 10**400
    return web.json_response(answer)


async def tags(_request: web.Request) -> web.Response:
    """Ollama's list, which begins with a model that only embeds."""
    names = {"nomic-embed-text:latest": "nomic-bert", "ok": "llama", "echo": "llama"}
    return web.json_response(
        {
            "models": [
                {"name": name, "model": name, "details": {"family": kind}} for name, kind in names.items()
            ]
        }
    )


async def switch(request: web.Request) -> web.Response:
    told["model"] = await request.text()
    return web.Response()


async def requests(_request: web.Request) -> web.Response:
    return web.json_response(list(asked))


async def forget(_request: web.Request) -> web.Response:
    asked.clear()
    return web.Response()


async def serve(port: int) -> None:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_post("/elsewhere", complete)
    app.router.add_post("/v1/embeddings", embed)
    app.router.add_post("/switch", switch)
    app.router.add_get("/api/tags", tags)
    app.router.add_get("/requests", requests)
    app.router.add_delete("/requests", forget)
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
