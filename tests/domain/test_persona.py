"""A persona keeps the documented limits, and says everything that is wrong with it at once."""

from dataclasses import replace
from typing import Any

import pytest

from secondme.domain.errors import Invalid
from secondme.domain.persona import RELATIONSHIPS, TONES, Persona
from secondme.profiles.personas import DEFAULT_PERSONAS

FINE = Persona("p", "n", "casual", "g" * 100, ("a", "b", "c"), ("friend",))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "n" * 100},
        {"style_guide": "g" * 10_000},
        {"examples": ("e",) * 20},
        {"applicable_to": ()},
        {"applicable_to": RELATIONSHIPS},
        *({"tone": tone} for tone in TONES),
    ],
)
def test_the_limits_themselves_are_allowed(changes: dict[str, Any]) -> None:
    changed = replace(FINE, **changes)
    assert {name: getattr(changed, name) for name in changes} == changes


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "1 to 100"),
        ({"name": "n" * 101}, "1 to 100"),
        ({"style_guide": "g" * 99}, "100 to 10,000"),
        ({"style_guide": "g" * 10_001}, "100 to 10,000"),
        ({"examples": ("a", "b")}, "3 to 20"),
        ({"examples": ("e",) * 21}, "3 to 20"),
        ({"tone": "rude"}, "formal, casual, friendly, concise"),
        ({"applicable_to": ("friend", "enemy")}, "unknown relationship enemy"),
    ],
)
def test_beyond_a_limit_it_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        replace(FINE, **changes)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        Persona("p", "", "rude", "short", ("a",), ("enemy",))
    assert str(refusal.value).startswith("Persona p: ")
    assert str(refusal.value).count(";") >= 4


def test_the_seeded_personas_are_the_documented_three() -> None:
    assert {p.id: p.applicable_to for p in DEFAULT_PERSONAS} == {
        "persona-professional": ("colleague", "client", "manager"),
        "persona-casual": ("friend", "acquaintance"),
        "persona-family": ("family",),
    }
