"""The measure of extraction: what counts as right, and that the half which rules are written against is sound."""

from datetime import date, datetime
from pathlib import Path

import pytest

from secondme.bench.extract import KINDS, LANGUAGES, labels, messages, score, share, taken
from secondme.bench.lab import Lab
from secondme.bench.sections import SECTIONS
from secondme.domain.fact import Entity, EntityType, Gist, Predicate, Statement

LOU, TOM = Entity(EntityType.PERSON, "Lou"), Entity(EntityType.PERSON, "Tom")
ACME = Entity(EntityType.COMPANY, "Acme")


def test_names_compare_without_case_and_knowing_without_direction() -> None:
    found = taken(Gist((LOU, TOM), (Statement(Predicate.KNOWS, LOU, TOM),), (date(2026, 3, 12),)))
    wanted = labels(
        {
            "entities": [{"type": "Person", "name": "lou"}, {"type": "Person", "name": "TOM"}],
            "dates": ["2026-03-12"],
            "relations": [{"type": "KNOWS", "from": "Tom", "to": "Lou"}],
        }
    )
    assert found == wanted


def test_what_has_ended_is_no_relation_and_the_speaker_is_one_end() -> None:
    over = taken(Gist((LOU, ACME), (Statement(Predicate.WORKS_AT, LOU, ACME, holds=False),)))
    assert not over["relations"]
    mine = taken(Gist((ACME,), (Statement(Predicate.WORKS_AT, None, ACME),)))
    assert mine["relations"] == {("WORKS_AT", "speaker → acme")}


def test_a_share_of_nothing_is_nothing() -> None:
    assert share({"right": 0, "found": 0, "labelled": 3}, "found") == 0.0


@pytest.mark.parametrize("part", ["dev", "later"])
@pytest.mark.parametrize("name", LANGUAGES)
def test_rules_reach_the_bars_on_what_they_were_written_against(name: str, part: str) -> None:
    found = score(part, name)
    for kind in (EntityType.PERSON, EntityType.COMPANY, "dates"):
        assert share(found[kind], "found") >= 0.85 and share(found[kind], "labelled") >= 0.6, kind


@pytest.mark.parametrize(("part", "least"), [("dev", 250), ("later", 150)])
def test_what_rules_are_written_against_is_large_and_well_formed(part: str, least: int) -> None:
    seen = [message for name in LANGUAGES for message in messages(part, name)]
    assert len(seen) >= least and len({message["id"] for message in seen}) == len(seen)
    for message in seen:
        assert datetime.fromisoformat(message["at"]).tzinfo is None
        names = {entity["name"] for entity in message["entities"]} | {"speaker"}
        assert all({one["from"], one["to"]} <= names for one in message["relations"])
        for entity in message["entities"]:
            assert entity["type"] == "Topic" or entity["name"].casefold() in message["text"].casefold()


async def test_each_row_names_its_set_language_and_kind(tmp_path: Path) -> None:
    rows = await SECTIONS["extract"](Lab(tmp_path))
    assert {row.name.split(": ")[1] for row in rows} == set(KINDS)
    assert all(row.met is None for row in rows if row.name.endswith(("Topic", "relations")))
