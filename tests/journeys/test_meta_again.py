"""Every kind of webhook at once, each five times, in any order and cut into any bodies: each counts once."""

from typing import Any

import pytest

from secondme.profiles import PROFILES
from tests.journeys.conftest import Open

ANA, OWNERS = "15550100001", "15550100099"
SAID = ["image", "audio", "video", "document", "sticker", "location", "contacts", "order", "unsupported", "button",
        "button_reply", "list_reply", "text", "reaction", "system"]  # fmt: skip
AMENDED = ("edit", "revoke")
ANSWERED = ("text", "button", "button_reply", "list_reply")


def _of(send: dict[str, Any]) -> list[dict[str, Any]]:
    """What comes back of something that we sent: its echo, and three statuses."""
    callback, own = send["body"]["callback"], {"from": ANA, "of": send["id"]}
    words = [
        {"kind": "status", "status": word, "callback": callback, **own}
        for word in ("sent", "delivered", "read")
    ]
    return [*words, {"kind": "echo", "from": ANA, "id": send["id"], "text": "re: hello"}]


def _number(place: int) -> str:
    return f"155503{place:05d}"


@pytest.mark.parametrize("profile", ["clone", "support", "journal"])
@pytest.mark.parametrize("group", ["changes", "values", "entries"])
async def test_each_kind_five_times_counts_once(journey: Open, profile: str, group: str) -> None:
    async with journey(profile) as told:
        await told.meta.says("hello")
        await told.settled()
        (send,) = await told.meta.sends()
        said = [
            {"kind": kind, "from": _number(place), "text": f"said {kind}", "of": "wamid.UNKNOWN"}
            for place, kind in enumerate((*SAID, *AMENDED))
        ]
        others: list[dict[str, Any]] = [
            {"kind": "echo", "from": OWNERS, "text": "I am here"},
            {"kind": "poison", "message": {"id": "wamid.P", "from": ANA, "type": "text", "text": 7}},
        ]
        done = await told.meta.deliver(
            [*_of(send), *said, *others],
            times=5,
            shuffle=True,
            seed=group,
            batch=7,
            concurrent=3,
            group=group,
        )
        assert {status for status, _ in done["answers"]} == {200}
        await told.settled(20)
        for place, kind in enumerate((*SAID, *AMENDED)):
            answers = [f"re: said {kind}"] if kind in ANSWERED else []
            assert await told.meta.texts(f"+{_number(place)}") == answers, kind
        assert len(await told.meta.sends()) == 1 + len(ANSWERED)
        rows = "SELECT direction || ' ' || count(*) FROM messages GROUP BY direction ORDER BY 1"
        async with told.world.ledger.transaction() as tx:
            assert [row[0] for row in await tx.fetch(rows)] == [f"incoming {1 + len(said)}", "outgoing 1"]
        assert await told.world.value("SELECT count(*) FROM kept_aside") == 1
        progress = "SELECT progress FROM deliveries ORDER BY seq LIMIT 1"
        assert await told.world.value(progress) == "read"
        paused = await told.world.value("SELECT count(*) FROM pauses")
        assert paused == bool(PROFILES[profile].owner_word_pause), (
            "by the owner's word to somebody else alone"
        )
