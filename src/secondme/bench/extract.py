"""How much of what a careful reader takes from a message the rules take: against labelled messages, by language."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

from secondme.bench.lab import Lab
from secondme.bench.rows import Row
from secondme.domain.fact import EntityType, Gist, Predicate
from secondme.memory.extract import read

# The rules were written against the first; the second was written without a look at them, and then looked at; nobody
# who writes them looks into the last.
SETS = ("dev", "later", "test")
LANGUAGES = ("en", "es", "pt", "de", "hi")
_ENTITIES = tuple(EntityType)
_RELATIONS = ("WORKS_AT", "LIVES_IN", "KNOWS", "ATTENDED", "LOCATED_AT")
KINDS = (*_ENTITIES, "dates", "relations")
_PRECISION, _RECALL = 0.85, 0.6  # what rules alone are to reach
_JUDGED = (EntityType.PERSON, EntityType.COMPANY, "dates")
type Items = set[tuple[str, str]]


async def measure(lab: Lab) -> list[Row]:
    """A row for each set, language and kind."""
    return [
        row
        for part in SETS
        for name in LANGUAGES
        for kind in KINDS
        if (row := _row(part, name, kind)) is not None
    ]


def _row(part: str, name: str, kind: str) -> Row | None:
    found = score(part, name)[kind]
    given, labelled = found["found"], found["labelled"]
    if not labelled:
        return None
    precision, recall = share(found, "found"), share(found, "labelled")
    judged = kind in _JUDGED
    return Row(
        f"Extraction by rules, {part}, {name}: {kind}",
        recall,
        wanted=f"≥ {_RECALL}, precision ≥ {_PRECISION}" if judged else "",
        met=(precision >= _PRECISION and recall >= _RECALL) if judged else None,
        note=f"recall of {labelled}; precision {precision:.3f} of {given}",
        detail={"precision": precision, "recall": recall, **found},
    )


def share(counts: Mapping[str, int], of: str) -> float:
    """What was right of what was `found` (precision) or `labelled` (recall); nothing of nothing is 0."""
    return counts["right"] / counts[of] if counts[of] else 0.0


def score(part: str, name: str) -> Mapping[str, Mapping[str, int]]:
    """By kind: how many were `labelled`, how many were `found`, and how many of these were `right`."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for message in messages(part, name):
        wanted, found = labels(message), taken(read(message["text"], datetime.fromisoformat(message["at"])))
        for kind in KINDS:
            counts[kind]["labelled"] += len(wanted[kind])
            counts[kind]["found"] += len(found[kind])
            counts[kind]["right"] += len(wanted[kind] & found[kind])
    return {kind: {of: count[of] for of in ("labelled", "found", "right")} for kind, count in counts.items()}


def messages(part: str, name: str) -> Iterator[dict[str, Any]]:
    """The labelled messages of one set in one language."""
    text = files("secondme.bench").joinpath("labelled", part, f"{name}.jsonl").read_text("utf-8")
    return map(json.loads, text.splitlines())


def labels(message: Mapping[str, Any]) -> dict[str, Items]:
    """What is labelled, in a form that compares."""
    wanted: dict[str, Items] = {kind: set() for kind in KINDS}
    for entity in message["entities"]:
        wanted[entity["type"]].add(("", _plain(entity["name"])))
    wanted["dates"] = {("", day) for day in message["dates"]}
    wanted["relations"] = {
        _relation(one["type"], _plain(one["from"]), _plain(one["to"])) for one in message["relations"]
    }
    return wanted


def taken(gist: Gist) -> dict[str, Items]:
    """What was found, in the same form. What has ended is no relation any more."""
    found: dict[str, Items] = {kind: set() for kind in KINDS}
    for entity in gist.entities:
        found[entity.type].add(("", _plain(entity.name)))
    found["dates"] = {("", day.isoformat()) for day in gist.dates}
    for said in gist.statements:
        if said.holds and said.object is not None and said.predicate in _RELATIONS:
            subject = _plain(said.subject.name) if said.subject else "speaker"
            found["relations"].add(_relation(said.predicate, subject, _plain(said.object.name)))
    return found


def _relation(kind: str, one: str, other: str) -> tuple[str, str]:
    """Who knows whom has no direction."""
    ends = sorted((one, other)) if kind == Predicate.KNOWS else (one, other)
    return kind, " → ".join(ends)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
