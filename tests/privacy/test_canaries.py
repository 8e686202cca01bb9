"""Nothing that anybody said, and nobody's name or number, is anywhere that it need not be."""

import base64
import re
from pathlib import Path

import pytest

from tests.privacy.conftest import Story, left_behind, searched
from tests.privacy.places import NUMBER, WORD, betrayals, betrays, files
from tests.privacy.telling import ANA, CEM, FAILS, canary

pytestmark = pytest.mark.timeout(300)  # the story is told within the first test that asks for it


@pytest.mark.parametrize(
    "data",
    [
        WORD.encode(),
        f"x{WORD}y".upper().encode(),
        WORD.encode("utf-16-le"),
        f"+{NUMBER}0001".encode(),
        f"+{NUMBER}".encode().hex().encode(),
        *(base64.b64encode(b"a" * offset + f"{NUMBER} is mine".encode()) for offset in range(6)),
    ],
)
def test_the_search_finds_what_it_is_there_to_find(data: bytes, tmp_path: Path) -> None:
    """A search that never finds anything would pass all the others."""
    (tmp_path / "somewhere").write_bytes(b"\x00\xff" + data + b"\x00")
    assert len(betrayals(files(tmp_path))) == 1


def test_the_search_finds_nothing_in_nothing() -> None:
    assert betrays(b"\x00 qzxvkj 491557771 " * 1000) == []


def test_the_story_was_told(story: Story) -> None:
    """The words did go where they should: to the network, and to the owner who asks for a thread."""
    sent = "\n".join(story.sent())
    for word in ("hello", "final", "fails", "after"):
        assert canary(word) in sent, word
    assert {mark for mark in FAILS if not mark.startswith("mind")} <= set(re.findall(r"\w+!", sent))
    assert canary("hello") in str(story.product.thread(ANA, "main"))
    assert [item["by"] for item in story.product.thread(CEM, "main")] == ["owner", "contact"]
    logs = b"".join(data for name, data in files(story.product.data / "logs") if "audit" not in name)
    for event in (b"message.received", b"delivery.settled", b"mind.failed", b"stores.revived"):
        assert event in logs, event


def test_no_word_and_no_number_is_anywhere_in_the_clear(story: Story) -> None:
    found = dict(searched(story.product, story.taps))
    assert len(found) > 100
    for place in ("table public.messages", "said to redis", "redis QUEUE:messages", "metrics of GATEWAY"):
        assert found[place], place
    assert betrayals(found.items()) == []


def test_nothing_is_written_down_at_the_end(story: Story) -> None:
    """Stores write to their disk what they had in mind when they are stopped."""
    story.product.stop()
    assert betrayals(left_behind(story.product.folder)) == []
