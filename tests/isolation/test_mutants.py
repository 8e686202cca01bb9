"""The stories notice: the audience is taken out of a copy of the product, in one place after the other."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults.children import ROOT, environment
from tests.faults.variants import Changes, variant
from tests.isolation.acts import ACTS
from tests.isolation.machine import Stores

RECALL: Changes = {
    "stores/graph/queries/heard_by.cypher": (
        "MATCH (listener)-[:MAY_HEAR]->(f:Fact)",
        "MATCH ()-[:MAY_HEAR]->(f:Fact)",
    )
}
MERGED: Changes = {
    "stores/graph/queries/heard_by.cypher": (
        "WHERE all(n IN nodes(path) WHERE n:Contact)\n",
        "",
    )
}
VOICES: Changes = {
    "stores/ledger/voices.py": (
        '"v.audience IS NULL" if audience is None else "v.audience = $1"',
        '"true" if audience is None else "$1::uuid IS NOT NULL"',
    )
}
PERSONAS: Changes = {
    "pipeline/recall.py": (
        "(contact.persona_id, voices.own(contact.relationship), voices.OWN)",
        "[persona.id for persona in personas[::-1] if persona.id.startswith(voices.OWN)]",
    )
}

CACHED: Changes = {
    "pipeline/personas.py": (
        "_decoded(self._ledger.vault, version, id, text) for id, text in zip(ids, texts, strict=True)",
        """_decoded(self._ledger.vault, version, *kept) for kept in [
            ([one for one in zip(ids, texts) if one[0].startswith(voices.OWN + "-")] or [(ids[0], texts[0])])[0]
        ] * len(ids)""",
    )
}


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("change", "heard", "acts"),
    [
        (RECALL, "a fact", ACTS),
        (MERGED, "a fact", ("tell", "learn", "merge with a person", "unmerge from a person")),
        (VOICES, "a past reply", ACTS),
        (PERSONAS, "the persona", ACTS),
        (CACHED, "the persona", ACTS),
    ],
    ids=["recall", "merged", "voices", "personas", "cached"],
)
def test_without_the_audience(
    stores: Stores, tmp_path: Path, change: Changes, heard: str, acts: Iterable[str]
) -> None:
    source = variant(tmp_path / "copy", change)
    given = json.dumps(asdict(stores), default=str), json.dumps(list(acts))
    done = subprocess.run(
        [sys.executable, "-m", "tests.isolation.child", *given],
        env=environment(source),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert re.match(rf"{heard} that \S+ may not hear: ", done.stdout), done.stdout + done.stderr[-2000:]
