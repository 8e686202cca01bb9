"""The gateway against its own description: whatever is posted, nothing breaks, and what it takes is there."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from secondme.channels.whatsapp_cloud import Number
from secondme.embedded import Addresses
from tests.stubs.meta_graph import APP_SECRET, PHONE_NUMBER_ID, VERIFY_TOKEN
from tests.stubs.meta_webhooks import signature
from tests.support.world import World
from tests.web.test_over_http import served

DOCUMENT = Path(__file__).parents[2] / "docs" / "gateway.openapi.yaml"
SCHEMA = schemathesis.openapi.from_path(DOCUMENT)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
FOUND: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr]
OPERATIONS = {f"{found.method.upper()} {found.path}": found for found in FOUND}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
HEALTH = {"service": "gateway", "status": "ok", "dependencies": {"postgres": "ok"}}


@dataclass
class Caller:
    """Whoever calls as the description allows; `taken` are the provider's ids of what was answered with 200."""

    base: str
    session: requests.Session = field(default_factory=requests.Session)
    taken: set[str] = field(default_factory=set)
    calls: int = 0

    def call(self, case: Case[Any]) -> None:
        """Once as generated and, where a signature is wanted, once signed."""
        wanted = case.as_transport_kwargs(base_url=self.base)
        prepared = self.session.prepare_request(requests.Request(**_known(wanted)))
        self._send(case, prepared)
        if case.path.startswith("/webhooks/") and case.method == "POST":
            prepared.headers["X-Hub-Signature-256"] = signature(_bytes(prepared.body), APP_SECRET)
            self._send(case, prepared)

    def _send(self, case: Case[Any], prepared: requests.PreparedRequest) -> None:
        self.calls += 1
        answer = self.session.send(prepared, timeout=20)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code == 200 and case.method == "POST":
            self.taken |= set(_ids(case.path, prepared.body, answer))


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()


def _known(wanted: dict[str, Any]) -> dict[str, Any]:
    names = ("method", "url", "headers", "data", "json", "params", "cookies")
    return {name: value for name, value in wanted.items() if name in names}


def _ids(path: str, sent: Any, answer: requests.Response) -> Iterator[str]:
    """Provider ids of the messages that an answer of 200 promises to keep."""
    if path == "/simulator/messages":
        yield answer.json()["messageId"]
    elif path == "/webhooks/whatsapp":
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            for entry in json.loads(sent)["entry"]:
                for change in entry.get("changes", ()):
                    if change["field"] == "messages":
                        yield from (m["id"] for m in change["value"].get("messages", ()) if _is_whole(m))


def _is_whole(message: Any) -> bool:
    """Nothing is missing that a text must have."""
    words = message.get("text")
    return (
        message.get("type") == "text"
        and isinstance(words, dict)
        and bool(words.get("body"))
        and all(message.get(name) for name in ("from", "id", "timestamp"))
    )


def _try(operation: Any, mode: GenerationMode, caller: Caller, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Case[Any]) -> None:
        caller.call(case)

    each()


@pytest.mark.timeout(300)
async def test_nothing_breaks_and_nothing_taken_is_lost(
    addresses: Addresses, template: str, tmp_path: Path, long: bool
) -> None:
    number = Number("main", PHONE_NUMBER_ID, "token", VERIFY_TOKEN, APP_SECRET)
    async with World.open(addresses, template, tmp_path, run=False) as world:
        world.accounts["main"] = replace(world.accounts["main"], channel="whatsapp_cloud")
        async with served(world, world.accounts, HEALTH, [number]) as port:
            caller = Caller(f"http://127.0.0.1:{port}")
            for operation, mode in product(OPERATIONS.values(), MODES):
                with suppress(Unsatisfiable):  # nothing can be wrong about a call without anything in it
                    await asyncio.to_thread(_try, operation, mode, caller, 400 if long else 30)
        digests = [world.ledger.vault.digest("message", taken) for taken in caller.taken]
        kept = await world.value(
            "SELECT count(DISTINCT source_message_id) FROM messages WHERE source_message_id = ANY($1)",
            digests,
        )
        aside = await world.value("SELECT count(*) FROM kept_aside")
    assert caller.calls >= 150
    assert len(caller.taken) >= 3
    assert len(set(digests)) - kept <= aside, "something was answered with 200 and is not there"


def test_every_route_is_described() -> None:
    assert set(OPERATIONS) >= {
        "POST /simulator/messages",
        "GET /simulator/messages",
        "POST /simulator/statuses",
        "GET /webhooks/whatsapp",
        "POST /webhooks/whatsapp",
        "GET /health",
        "GET /metrics",
    }
