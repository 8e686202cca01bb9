"""What is written may be long and built to cost: reading it takes time as its length does, and ends."""

import json
import time
from collections.abc import Callable

import pytest
from pydantic import BaseModel

from secondme.llm.forms import filled
from secondme.llm.prompts import harmless
from secondme.llm.refusals import read
from secondme.llm.replies import split, visible

SIZES = [4**n for n in range(4, 11)]  # characters; the last is what a wire takes at the most


class Paper(BaseModel):
    """A form."""

    count: int


def _fill(text: str) -> None:
    with pytest.raises(ValueError):
        filled(Paper, text)


def _parts(text: str) -> None:
    split(visible(text))


def _harmless(text: str) -> None:
    harmless(text, longest=len(text))


def _refusal(text: str) -> None:
    read(400, json.dumps({"error": {"message": text[: 4**8]}}))  # a wire reads less


def _seconds(reads: Callable[[str], None], text: str) -> float:
    """The lesser of two: what else runs here only adds."""

    def once() -> float:
        begun = time.thread_time()
        reads(text)
        return time.thread_time() - begun

    return min(once() for _ in range(2))


@pytest.mark.parametrize("reads", [_parts, _fill, _harmless, _refusal])
@pytest.mark.parametrize(
    "build",
    [
        lambda n: "Sure." + " " * n + "ok",
        lambda n: "Sure." + "\n" * n + "ok",
        lambda n: "Sure." + " \n" * (n // 2) + "\tok",
        lambda n: "<think>" * (n // 7),
        lambda n: "<think>" + "</reasoning>" * (n // 12),
        lambda n: "<message " * (n // 9),
        lambda n: "```json\n" + "\n" * n + "x",
        lambda n: "```json" + " " * n + "\n" + " \n" * (n // 2) + "x```",
        lambda n: "```" * (n // 3),
        lambda n: "<" + " " * n + "x",
        lambda n: "prompt" * (n // 6),
        lambda n: "violat" * (n // 6),
        lambda n: "system is " * (n // 10),
        lambda n: "not support " * (n // 12),
    ],
    ids=[
        "blanks",
        "lines",
        "blank lines",
        "thinks",
        "no end",
        "tags",
        "fence",
        "fences",
        "ticks",
        "bracket",
        "prompts",
        "policies",
        "systems",
        "nots",
    ],
)
def test_reading_costs_as_much_as_there_is_to_read(
    reads: Callable[[str], None], build: Callable[[int], str]
) -> None:
    """Four times the text costs four times the work, and sixteen times that where it is squared."""
    before = _seconds(reads, build(SIZES[0]))
    for size in SIZES[1:]:
        seconds = _seconds(reads, build(size))
        assert seconds < 10 * before + 0.02, f"{size} characters"
        before = seconds


@pytest.mark.parametrize(
    "text",
    [
        '{"count": 3}',
        '```json\n{"count": 3}\n```',
        '\n```\n{"count": 3}```\n',
        '<think>a</think>``` json\n{"count": 3}\n\n```',
    ],
)
def test_a_form_is_read_out_of_its_fence(text: str) -> None:
    assert filled(Paper, text).count == 3


@pytest.mark.parametrize("text", ["", "```", "``````", "```json", "```{}```", '```yaml\n{"count": 3}\n```'])
def test_nothing_else_is_a_form(text: str) -> None:
    _fill(text)
