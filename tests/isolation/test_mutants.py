"""The stories notice: the audience is taken out of a copy of the product, in one place after the other."""

import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults.children import ROOT, environment
from tests.faults.variants import Changes, variant
from tests.isolation.machine import Stores

RECALL: Changes = {
    "stores/graph/queries/heard_by.cypher": (
        "MATCH (listener)-[:MAY_HEAR]->(f:Fact)",
        "MATCH ()-[:MAY_HEAR]->(f:Fact)",
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


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("change", "heard"),
    [(RECALL, "a fact"), (VOICES, "a past reply"), (PERSONAS, "the persona")],
    ids=["recall", "voices", "personas"],
)
def test_without_the_audience(stores: Stores, tmp_path: Path, change: Changes, heard: str) -> None:
    source = variant(tmp_path / "copy", change)
    done = subprocess.run(
        [sys.executable, "-m", "tests.isolation.child", json.dumps(asdict(stores), default=str)],
        env=environment(source),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert re.match(rf"{heard} that \S+ may not hear: ", done.stdout), done.stdout + done.stderr[-2000:]
