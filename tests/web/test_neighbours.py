"""What the services of an instance complain of, as `status`, the start and the page tell it."""

from typing import Any

import pytest

from secondme.web.neighbours import all_health, health_of, troubles
from tests.cli.conftest import free_ports

GOOD: dict[str, Any] = {
    "channels": {"main": "ok", "shop": "unknown"},
    "webhooks": {"believed": 0, "unsigned": 0},
}
KEY = "openai:gpt-5-mini answered 401. It refuses the key: correct OPENAI_API_KEY."


@pytest.mark.parametrize(
    ("health", "said"),
    [
        ({}, []),
        (GOOD, []),
        ({"channels": {"main": "refused (190)"}}, ["channel of main: refused (190)"]),
        (
            {"webhooks": {"believed": 0, "unsigned": 1200}},
            ["webhooks: 1,200 with a bad signature, none with a good one"],
        ),
        ({"webhooks": {"believed": 1, "unsigned": 1200}}, []),
        ({"minds": {"openai:gpt-5-mini": KEY}}, [KEY]),
    ],
)
def test_what_is_a_trouble(health: dict[str, Any], said: list[str]) -> None:
    assert troubles([GOOD, health, health]) == said


async def test_who_does_not_answer_is_left_out() -> None:
    (port,) = free_ports(1)
    assert await health_of(port) is None
    assert await all_health({"gateway": port}) == []
