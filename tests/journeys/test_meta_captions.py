"""A picture with a question under it: the caption is what was said, and is answered; the picture stays a picture."""

from typing import Any

import pytest

from tests.journeys.conftest import Open

ANA = "15550100001"
KIND = "SELECT content_type FROM messages WHERE direction = 'incoming'"


def _under(kind: str, caption: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "from": ANA, "name": "Ana", "caption": caption, **more}


@pytest.mark.parametrize("profile", ["clone", "support", "journal"])
@pytest.mark.parametrize("kind", ["image", "video", "document"])
async def test_what_is_written_under_it_is_answered(journey: Open, profile: str, kind: str) -> None:
    async with journey(profile) as told:
        await told.meta.sent(_under(kind, "is this the right one?"))
        await told.settled()
        assert await told.meta.texts() == ["re: is this the right one?"]
        assert await told.receipts() == [("replied", "contact.enabled")]
        assert await told.world.value(KIND) == kind
        (message,) = told.mind.asked[-1].messages
        assert message.kind == kind, "the mind is told that there is something which it cannot see"


@pytest.mark.parametrize(
    "item",
    [
        _under("image", " \n"),
        _under("document", "offer.pdf", filename="offer.pdf"),
        _under("audio", "words that no voice note has"),
        _under("sticker", "words that no sticker has"),
    ],
    ids=["blank", "its own name", "audio", "sticker"],
)
async def test_without_words_under_it_nobody_answers(journey: Open, item: dict[str, Any]) -> None:
    async with journey("journal") as told:
        await told.meta.sent(item)
        await told.settled()
        assert await told.receipts() == [("silent", "message.not_text")]
        assert await told.meta.sends(None) == []
        assert told.mind.asked == []


async def test_a_picture_before_its_words_leaves_the_words_to_be_answered(journey: Open) -> None:
    async with journey("support") as told:
        await told.meta.deliver(
            [
                {"kind": "image", "from": ANA},
                _under("image", "or this?"),
                {"kind": "text", "from": ANA, "text": "hm"},
            ],
            batch=3,
        )
        await told.settled()
        assert await told.meta.texts() == ["re: or this?", "re: hm"]
        assert sorted(await told.receipts()) == [
            ("replied", "contact.enabled"),
            ("replied", "contact.enabled"),
            ("silent", "message.not_text"),
        ]


async def test_a_caption_that_is_edited_before_the_answer(journey: Open) -> None:
    async with journey("journal") as told:
        told.mind.hold()
        first = await told.meta.sent(_under("image", "the read one"))
        await told.mind.at_work()
        await told.meta.edits(first, "the red one")
        told.mind.may.set()
        await told.settled()
        assert await told.meta.texts() == ["re: the red one"]


async def test_a_picture_that_is_taken_back_takes_its_words_along(journey: Open) -> None:
    async with journey("journal") as told:
        first = await told.meta.sent(_under("image", "regret"))
        await told.settled()
        await told.meta.deletes(first)
        assert await told.world.value(
            "SELECT text IS NULL AND raw_payload IS NULL FROM messages WHERE content_type = 'image'"
        )
        await told.meta.says("and now")
        await told.settled()
        assert "regret" not in {line.text for line in told.mind.asked[-1].window}
