"""Every fixture is a layout that phones write; what it must be read into stands in expected.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from secondme.memory.exports import json_line, open_export

FIXTURES = Path(__file__).parent / "fixtures"
EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_layout_is_read_exactly(name: str) -> None:
    export, expected = open_export(FIXTURES / f"{name}.txt"), EXPECTED[name]
    layout = export.layout
    found = (layout.order, layout.certain, layout.hours, layout.brackets)
    assert found == (expected["order"], expected["certain"], expected["hours"], expected["brackets"])
    read = [{**json.loads(json_line(m)), "edited": m.edited} for m in export.messages()]
    assert read == expected["messages"]
    assert (export.preamble, export.doubtful, export.damaged) == (0, 0, 0)


def test_every_fixture_is_expected_and_there_are_enough() -> None:
    assert {path.stem for path in FIXTURES.glob("*.txt")} == set(EXPECTED)
    assert len(EXPECTED) >= 25


def test_an_export_is_read_more_than_once_alike() -> None:
    export = open_export(FIXTURES / "ios_en_us_12h.txt")
    assert list(export.messages()) == list(export.messages())


def test_size_is_that_of_the_text() -> None:
    path = FIXTURES / "android_de.txt"
    assert open_export(path).size == path.stat().st_size
