"""The gateway against its own description: whatever is posted, nothing breaks, and what it takes is there."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
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
from secondme.stores.vault import unseal
from tests.stubs.meta_graph import APP_SECRET, PHONE_NUMBER_ID, VERIFY_TOKEN
from tests.stubs.meta_webhooks import signature
from tests.support.world import World
from tests.web.test_over_http import served

DOCUMENT = Path(__file__).parents[2] / "docs" / "gateway.openapi.yaml"


def _short(described: Any) -> Any:
    """The same with lists of three items at most: longer ones take long to make up and show no more."""
    if isinstance(described, list):
        return [_short(one) for one in described]
    if not isinstance(described, dict):
        return described
    bound = {"maxItems": 3} if described.get("type") == "array" else {}
    return {name: _short(one) for name, one in described.items()} | bound


SCHEMA = schemathesis.openapi.from_dict(_short(yaml.safe_load(DOCUMENT.read_text("utf-8"))))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
FOUND: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr]
OPERATIONS = {f"{found.method.upper()} {found.path}": found for found in FOUND}
# How many different ones must have been taken at each path for the test to say something.
TAKEN = {"/simulator/messages": 3, "/webhooks/whatsapp": 25, "/webhooks/whatsapp/{account}": 25}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
HEALTH = {"service": "gateway", "status": "ok", "dependencies": {"postgres": "ok"}}


@dataclass
class Caller:
    """Whoever calls as the description allows, and the provider's ids of what was answered with 200.

    What was `taken` by its path must be among the messages. `other` are those of webhooks that break the description:
    they may have been kept aside.
    """

    base: str
    session: requests.Session = field(default_factory=requests.Session)
    taken: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    other: set[str] = field(default_factory=set)
    mode: GenerationMode = GenerationMode.POSITIVE
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
            self._remember(case.path, prepared.body, answer)

    def _remember(self, path: str, sent: Any, answer: requests.Response) -> None:
        if path == "/simulator/messages":
            self.taken[path].add(answer.json()["messageId"])
        elif path.startswith("/webhooks/"):
            found = self.taken[path] if self.mode is GenerationMode.POSITIVE else self.other
            found.update(message["id"] for message in _messages(sent))


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()


def _known(wanted: dict[str, Any]) -> dict[str, Any]:
    names = ("method", "url", "headers", "data", "json", "params", "cookies")
    return {name: value for name, value in wanted.items() if name in names}


def _messages(sent: Any) -> Iterator[dict[str, Any]]:
    """The messages with an id in a webhook's body, up to where it is built otherwise."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        for entry in json.loads(sent)["entry"]:
            for change in entry["changes"]:
                if change["field"] == "messages":
                    yield from (m for m in change["value"].get("messages", ()) if _has_id(m))


def _has_id(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("id"), str)


_FUZZ = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _try(operation: Any, mode: GenerationMode, caller: Caller, examples: int) -> None:
    @settings(_FUZZ, max_examples=examples)
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Case[Any]) -> None:
        caller.call(case)

    each()


@pytest.mark.timeout(900)
async def test_nothing_breaks_and_nothing_taken_is_lost(
    addresses: Addresses, template: str, tmp_path: Path, long: bool
) -> None:
    number = Number("main", PHONE_NUMBER_ID, "token", VERIFY_TOKEN, APP_SECRET)
    async with World.open(addresses, template, tmp_path, run=False) as world:
        world.accounts["main"] = replace(world.accounts["main"], channel="whatsapp_cloud")
        async with served(world, world.accounts, HEALTH, [number]) as port:
            caller = Caller(f"http://127.0.0.1:{port}")
            for operation, mode in product(OPERATIONS.values(), MODES):
                caller.mode = mode
                with suppress(Unsatisfiable):  # nothing can be wrong about a call without anything in it
                    await asyncio.to_thread(_try, operation, mode, caller, 400 if long else 30)
        for path, at_least in TAKEN.items():
            assert len(caller.taken[path]) >= at_least, f"{path}: too few were taken to show anything"
        lost = await _not_kept(world, set().union(*caller.taken.values()))
        assert not lost, "answered with 200 and not among the messages"
        strange, aside = await _not_kept(world, caller.other), await _aside(world)
        lost = {one for one in strange if json.dumps(one) not in aside}
        assert not lost, "answered with 200 and neither among the messages nor kept aside"
    assert caller.calls >= 200


async def _not_kept(world: World, ids: set[str]) -> set[str]:
    """Those of the provider's ids that no message has."""
    digests = {world.ledger.vault.digest("message", one): one for one in ids}
    kept = await world.value(
        "SELECT array_agg(DISTINCT source_message_id) FROM messages WHERE source_message_id = ANY($1)",
        list(digests),
    )
    return ids - {digests[one] for one in kept or ()}


async def _aside(world: World) -> str:
    """Everything that was kept aside, as JSON; without the bodies that are none."""
    rows = await world.value("SELECT array_agg((id::text, encode(payload, 'hex'))) FROM kept_aside")
    key, found = world.ledger.vault.owner_key, []
    for row, sealed in rows or ():
        with suppress(UnicodeDecodeError):
            found.append(unseal(key, bytes.fromhex(sealed), f"kept_aside:{row}:payload"))
    return "\n".join(found)


def _nested(levels: int) -> Any:
    return {"id": "wamid.deep", "from": "15550100001", "in": _nested(levels - 1)} if levels else {}


_SENDER: dict[str, Any] = {"from": "15550100001", "timestamp": "1790000000", "type": "text"}
NO_ID = st.one_of(
    st.none(), st.integers(), st.just(""), st.just("x" * 301), st.just("a\nb"), st.lists(st.none())
)
# What is among Meta's messages or statuses and is none that anybody could read.
POISON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.builds(lambda unusable: _SENDER | {"id": unusable}, NO_ID),
    st.builds(
        lambda text: {"id": "wamid.nobody", "type": "text", "text": {"body": text}}, st.text(max_size=9)
    ),
    st.integers(60, 400).map(_nested),
)


@dataclass
class Poisoner:
    """Posts bodies of the description's own, signed, with poison among what is in them."""

    base: str
    good: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)

    def post(self, body: dict[str, Any], draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        change = body["entry"][0]["changes"][0]
        change["field"] = "messages"
        self.good.update(message["id"] for message in _messages(json.dumps(body)))
        for place in ("messages", "statuses"):
            items = change["value"].setdefault(place, [])
            for poison in draw(st.lists(POISON, min_size=1, max_size=3)):
                items.insert(draw(st.integers(0, len(items))), poison)
                self.bad.add(json.dumps(poison, sort_keys=True))
        raw = json.dumps(body).encode()
        headers = {"X-Hub-Signature-256": signature(raw, APP_SECRET), "Content-Type": "application/json"}
        answer = requests.post(f"{self.base}/webhooks/whatsapp", raw, headers=headers, timeout=20)
        assert answer.status_code == 200, answer.text

    def counted(self) -> float:
        """How much its metrics say was kept aside."""
        page = requests.get(f"{self.base}/metrics", timeout=20).text
        return float(re.findall(r"^secondme_kept_aside_total (\S+)$", page, re.MULTILINE)[0])


@pytest.mark.timeout(900)
async def test_poison_is_kept_aside_and_counted_and_the_rest_goes_on(
    addresses: Addresses, template: str, tmp_path: Path, long: bool
) -> None:
    number = Number("main", PHONE_NUMBER_ID, "token", VERIFY_TOKEN, APP_SECRET)
    bodies = OPERATIONS["POST /webhooks/whatsapp"].as_strategy(generation_mode=GenerationMode.POSITIVE)

    def poison(poisoner: Poisoner) -> None:
        @settings(_FUZZ, max_examples=200 if long else 25)
        @given(case=bodies, data=st.data())
        def each(case: Case[Any], data: st.DataObject) -> None:
            poisoner.post(json.loads(json.dumps(case.body)), data.draw)

        each()

    async with World.open(addresses, template, tmp_path, run=False) as world:
        world.accounts["main"] = replace(world.accounts["main"], channel="whatsapp_cloud")
        async with served(world, world.accounts, HEALTH, [number]) as port:
            poisoner = Poisoner(f"http://127.0.0.1:{port}")
            before = await asyncio.to_thread(poisoner.counted)
            await asyncio.to_thread(poison, poisoner)
            counted = await asyncio.to_thread(poisoner.counted) - before
        assert len(poisoner.good) >= 20 and len(poisoner.bad) >= 20, "too few to show anything"
        assert not await _not_kept(world, poisoner.good), "lost beside poison"
        aside = (await _aside(world)).split("\n")
        assert poisoner.bad <= set(aside), "what the description allows beside it may be poison too"
        assert counted == len(aside)


def test_every_route_is_described() -> None:
    assert set(OPERATIONS) >= {
        "POST /simulator/messages",
        "GET /simulator/messages",
        "POST /simulator/statuses",
        "GET /webhooks/whatsapp",
        "POST /webhooks/whatsapp",
        "POST /webhooks/whatsapp/{account}",
        "GET /health",
        "GET /metrics",
    }
