"""How messages are read: by rules, or by a mind where there is one that may be asked."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from secondme.domain.errors import MindFailed, StoreUnavailable
from secondme.memory.extract import read
from secondme.memory.gists import Said, by_mind, reader
from secondme.ports import Extraction, Question

AT = datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Europe/Lisbon"))
ANA, BEN = uuid4(), uuid4()


def said(text: str, contact: UUID | None = ANA) -> Said:
    return Said("m", text, AT, False, contact)


class Clerk:
    """A mind that names whom each message met; what it is asked is kept."""

    name = "clerk"

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.fails: Callable[[Question], Exception | None] = lambda question: None

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        self.asked.append(question)
        if error := self.fails(question):
            raise error
        met = [
            (line.split(": ")[0], line.rsplit("met ", 1)[1]) for line in question.material if "met " in line
        ]
        value: dict[str, Any] = {
            "messages": [
                {"message": int(number), "entities": [{"type": "Person", "name": name}]}
                for number, name in met
            ]
        }
        return Extraction(schema.model_validate(value), self.name)

    async def close(self) -> None: ...


def named(gists: list[Any]) -> list[str]:
    return [entity.name for gist in gists for entity in gist.entities]


async def test_each_gist_stands_where_its_message_did_and_each_contact_pays() -> None:
    clerk = Clerk()
    several = [said(f"yesterday I met Friend{n}", (ANA, BEN)[n % 2]) for n in range(50)]
    gists = await by_mind(clerk)(several)
    assert named(gists) == [f"Friend{n}" for n in range(50)]
    sizes = sorted((q.contact_id == BEN, len(q.material)) for q in clerk.asked)
    assert sizes == [(False, 5), (False, 20), (True, 5), (True, 20)]


async def test_what_a_mind_fails_at_is_read_by_rules() -> None:
    clerk = Clerk()
    clerk.fails = lambda question: MindFailed("no") if question.contact_id == BEN else None
    text = "my friend Carla works at Siemens"
    gists = await by_mind(clerk)([said(text, BEN), said("yesterday I met Eve")])
    assert gists[0] == read(text, AT) != gists[1]
    assert named(gists[1:]) == ["Eve"]


async def test_a_ledger_that_is_gone_is_no_failure_of_the_mind() -> None:
    clerk = Clerk()
    clerk.fails = lambda question: StoreUnavailable("gone") if question.contact_id == BEN else None
    with pytest.raises(StoreUnavailable):
        await by_mind(clerk)([said("yesterday I met Bob", BEN), said("yesterday I met Eve")])


async def test_nobody_is_asked_who_may_not_be() -> None:
    clerk, text = Clerk(), "my friend Carla works at Siemens"
    assert (
        await reader(clerk, False)([said(text)]) == await reader(None, True)([said(text)]) == [read(text, AT)]
    )
    assert clerk.asked == []
    await reader(clerk, True)([said(text)])
    assert len(clerk.asked) == 1
