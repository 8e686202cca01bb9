"""Compares what the phone network logged with what the ledger says: two witnesses who never met."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from secondme.stores.ledger import Ledger
from secondme.stores.vault import KeyRing, unseal
from tests.faults.instance import Instance

_LEFT = ("sent", "uncertain")


@dataclass
class Audit:
    """What was found. `breaches` are sentences; `figures` are for the report."""

    breaches: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def check(self, found: Iterable[object], what: str) -> None:
        """Note a breach if anything was found; ids only."""
        some = list(found)
        if some:
            self.breaches.append(f"{len(some)} {what}: {some[:5]}")


@dataclass(frozen=True)
class Evidence:
    """The network's log, and the ledger's rows."""

    accepted: dict[str, dict[str, Any]]  # by the provider's message id
    arrived: list[dict[str, Any]]  # requests that came whole and were taken, in order of their last byte
    refused: list[dict[str, Any]]  # requests that the network found wrong
    parts: list[dict[str, Any]]  # requests that broke off
    messages: dict[str, dict[str, Any]]  # by our id; `source` and `text` opened
    deliveries: dict[str, dict[str, Any]]  # by our id


def read_log(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The lines of the network's log from byte `offset` on, and where the next ones begin."""
    with path.open("rb") as file:
        file.seek(offset)
        whole, _, _ = file.read().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()], offset + (len(whole) + 1 if whole else 0)


async def gather(instance: Instance) -> Evidence:
    """Read both sides, when nothing moves any more."""
    lines, _ = read_log(instance.folder / "network.log")
    requests = [line for line in lines if line["what"] == "request"]
    whole = [r for r in requests if r["whole"]]
    messages, deliveries = await _ledger(instance)
    return Evidence(
        accepted={line["id"]: line for line in lines if line["what"] == "accepted"},
        arrived=sorted((r for r in whole if r.get("taken", True)), key=lambda r: r["last"]),
        refused=[r for r in whole if not r.get("taken", True)],
        parts=[r for r in requests if not r["whole"]],
        messages=messages,
        deliveries=deliveries,
    )


async def _ledger(instance: Instance) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    ring = KeyRing.from_file(instance.folder / "data" / "secret.key")
    dsn = instance.stores.addresses.database_url or ""
    ledger = await Ledger.open(dsn, ring)
    vault = ledger.vault
    await ledger.close()
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        """SELECT m.id, m.seq, m.outcome, m.rule, m.text, m.source, m.conversation_id, c.id AS contact_id, c.key
           FROM messages m JOIN contacts c ON c.id = m.user_id WHERE m.direction = 'incoming'"""
    )
    messages = {}
    for row in rows:
        key, place = vault.contact_key(row["contact_id"], row["key"]), f"messages:{row['id']}"
        opened = {name: unseal(key, row[name], f"{place}:{name}") for name in ("text", "source")}
        messages[str(row["id"])] = dict(row) | opened
    found = await connection.fetch("SELECT id, status, kind, answers, part, turn_id, error FROM deliveries")
    await connection.close()
    return messages, {str(row["id"]): dict(row) for row in found}


async def audit(instance: Instance) -> Audit:
    """Everything that must hold at the end of a run in which nobody pressed the switch."""
    evidence, result = await gather(instance), Audit()
    _accepted_once(evidence, result)
    _both_agree(evidence, result)
    _answered_once(evidence, result)
    _in_order(evidence, result)
    await _no_breach_noted(instance, result)
    _figures(evidence, result)
    return result


def _accepted_once(evidence: Evidence, result: Audit) -> None:
    """What got a 200 is in the ledger exactly once, word for word, and has its receipt."""
    rows = Counter(m["source"] for m in evidence.messages.values())
    texts = {m["source"]: m["text"] for m in evidence.messages.values()}
    result.check([i for i in evidence.accepted if not rows[i]], "accepted messages lost")
    result.check([i for i, n in rows.items() if n > 1], "messages stored twice")
    changed = [i for i, line in evidence.accepted.items() if i in texts and texts[i] != line["text"]]
    result.check(changed, "messages changed on their way")
    result.check(
        [i for i, m in evidence.messages.items() if m["outcome"] is None], "messages without a receipt"
    )


def _both_agree(evidence: Evidence, result: Audit) -> None:
    """What the ledger says was sent did arrive; what arrived the ledger knows; and it went to who had asked."""
    arrived = {r["body"]["callback"] for r in evidence.arrived}
    ours = evidence.deliveries
    sent = [i for i, d in ours.items() if d["status"] == "sent" and d["kind"] == "text"]
    result.check([i for i in sent if i not in arrived], "deliveries called sent that never arrived")
    result.check([i for i in arrived if i not in ours], "arrivals without a delivery")
    result.check([r["body"] for r in evidence.refused], "requests that the network refused")
    denied = [
        i for i in arrived if i in ours and ours[i]["kind"] == "text" and ours[i]["status"] not in _LEFT
    ]
    result.check([(i, ours[i]["status"]) for i in denied], "arrivals that the ledger denies")
    result.check([r["body"]["callback"] for r in _misled(evidence)], "answers to somebody else")


def _misled(evidence: Evidence) -> list[dict[str, Any]]:
    writers = {line["id"]: line["from"] for line in evidence.accepted.values()}
    misled = []
    for request in evidence.arrived:
        delivery = evidence.deliveries.get(request["body"]["callback"])
        message = evidence.messages.get(str(delivery["answers"])) if delivery else None
        if message and writers.get(message["source"], request["body"]["to"]) != request["body"]["to"]:
            misled.append(request)
    return misled


def _texts(evidence: Evidence) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(request, delivery) of every text that arrived and is ours, in order of arrival."""
    pairs = [(r, evidence.deliveries.get(r["body"]["callback"])) for r in evidence.arrived]
    return [(r, d) for r, d in pairs if d is not None and d["kind"] == "text"]


def _answered_once(evidence: Evidence, result: Audit) -> None:
    """One arrival for each answered message and part, unless a delivery is marked uncertain."""
    answers = defaultdict(list)
    for _, delivery in _texts(evidence):
        answers[delivery["answers"], delivery["part"]].append(delivery)
    twice = [ds for ds in answers.values() if len(ds) > 1]
    unsure = [ds for ds in twice if any(d["status"] == "uncertain" for d in ds)]
    result.figures["second answers, marked uncertain"] = len(unsure)
    result.check([str(ds[0]["answers"]) for ds in twice if ds not in unsure], "messages answered twice")


def _in_order(evidence: Evidence, result: Audit) -> None:
    """To each person, answers arrive in the order of what they answer."""
    newest: dict[Any, int] = {}
    wrong = []
    for _, delivery in _texts(evidence):
        message = evidence.messages[str(delivery["answers"])]
        if message["seq"] < newest.get(message["conversation_id"], 0):
            wrong.append(str(delivery["id"]))
        newest[message["conversation_id"]] = max(message["seq"], newest.get(message["conversation_id"], 0))
    result.check(wrong, "answers out of order")


async def _no_breach_noted(instance: Instance, result: Audit) -> None:
    """The product itself counts broken invariants: in its metrics, and in its log, which outlives a kill."""
    for name, service in instance.services.items():
        if service.running:
            counted = [
                n
                for n in range(1, 13)
                if await service.metric(f'secondme_invariant_breaches_total{{invariant="{n}"}}')
            ]
            result.check(counted, f"invariants broken by {name}'s own count")
    events = _events(instance.folder / "data" / "logs")
    result.check(
        ["turn.second_answer_refused"] * events["turn.second_answer_refused"], "second answers refused"
    )
    result.check([event for event in events if event.endswith(".crashed")], "kinds of tasks crashed")
    result.figures["errors logged"] = dict(events)


def _events(logs: Path) -> Counter[str]:
    """How often each event was logged as an error."""
    events: Counter[str] = Counter()
    paths = [path for path in logs.glob("*.jsonl*") if not path.name.startswith("audit")]
    assert paths, f"no logs in {logs}"
    for path in paths:
        for line in path.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a process was killed while it wrote
            if entry.get("level") in ("error", "critical"):
                events[str(entry.get("event"))] += 1
    return events


def _figures(evidence: Evidence, result: Audit) -> None:
    outcomes = Counter(str(m["outcome"]) for m in evidence.messages.values())
    statuses = Counter(d["status"] for d in evidence.deliveries.values() if d["kind"] == "text")
    tries = sum(line["tries"] for line in evidence.accepted.values())
    result.figures |= {
        "accepted": len(evidence.accepted),
        "tries": tries,
        "outcomes": dict(outcomes),
        "replied": outcomes["replied"] / max(1, len(evidence.messages)),
        "deliveries": dict(statuses),
        "arrived": len(evidence.arrived),
        "broken off": len(evidence.parts),
    }
