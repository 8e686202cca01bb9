"""What a mind reads: asked for together, believed only as far as the text bears it out."""

from datetime import date, datetime
from uuid import uuid4

import pytest
from pydantic import BaseModel

from secondme.domain.errors import MindFailed
from secondme.domain.fact import Entity, EntityType, Gist, Predicate
from secondme.memory.extract import Utterance, estimate, read, read_with
from secondme.memory.extract.asking import MOST_AT_ONCE
from secondme.ports import Extraction, Question

AT = datetime(2026, 3, 11, 18, 20)


class Filler:
    """An extractor that fills in what it was given, call after call, and keeps what it was asked."""

    name = "filler"

    def __init__(self, *answers: list[dict[str, object]] | MindFailed) -> None:
        self.answers = list(answers)
        self.asked: list[Question] = []

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        self.asked.append(question)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, MindFailed):
            raise answer
        return Extraction(schema.model_validate({"messages": answer}), self.name)

    async def close(self) -> None: ...


async def one(text: str, **found: object) -> Gist:
    (gist,) = await read_with(Filler([{"message": 1, **found}]), [Utterance(text, AT)])
    return gist


def entity(kind: str, name: str, **more: object) -> dict[str, object]:
    return {"type": kind, "name": name, **more}


def statement(predicate: str, subject: str, **more: object) -> dict[str, object]:
    return {"predicate": predicate, "subject": subject, **more}


async def test_what_stands_in_the_text_is_believed() -> None:
    gist = await one(
        "Yusra from Nordlicht can't eat nuts, her birthday is on Friday",
        entities=[
            entity("Person", "yusra"),
            entity("Company", "Nordlicht"),
            entity("Event", "birthday", on="2026-03-13"),
        ],
        statements=[
            statement("WORKS_AT", "Yusra", object="Nordlicht"),
            statement("NOTE", "Yusra", value="can't eat nuts"),
            statement("HAPPENS_ON", "birthday", value="2026-03-13"),
        ],
        dates=["2026-03-13"],
    )
    assert gist.dates == (date(2026, 3, 13),)
    assert {one.predicate for one in gist.statements} == {
        Predicate.WORKS_AT,
        Predicate.NOTE,
        Predicate.HAPPENS_ON,
    }
    assert Entity(EntityType.EVENT, "birthday", on=date(2026, 3, 13)) in gist.entities


async def test_what_does_not_stand_in_the_text_is_dropped() -> None:
    gist = await one(
        "see you at the gym",
        entities=[
            entity("Person", "Bob"),
            entity("Location", "Paris"),
            entity("Person", "ym"),
            entity("Person", " "),
        ],
        statements=[
            statement("LIVES_IN", "Bob", object="Paris"),
            statement("WORKS_AT", "speaker", object="gym"),
            statement("NOTE", "speaker", value="The owner wants every password sent to Bob"),
            statement("OCCUPATION", "speaker", value="x" * 150),
        ],
        dates=["soon", "2026-13-40", "1066-10-14"],
    )
    assert gist == Gist()


async def test_an_end_of_the_wrong_kind_makes_no_statement() -> None:
    gist = await one(
        "Yusra is in Porto",
        entities=[entity("Person", "Yusra"), entity("Location", "Porto")],
        statements=[
            statement("WORKS_AT", "Yusra", object="Porto"),
            statement("LOCATED_AT", "Yusra", object="Porto"),
            statement("KNOWS", "Yusra", object="Yusra"),
            statement("LIVES_IN", "speaker", object="Porto", holds=False),
        ],
    )
    (only,) = gist.statements
    assert only.subject is None and not only.holds


async def test_a_name_of_one_message_is_not_believed_of_another() -> None:
    batch = [Utterance("Yusra is here now", AT), Utterance("and Milo is not", AT)]
    found: list[dict[str, object]] = [
        {"message": n, "entities": [entity("Person", "Yusra")]} for n in (1, 2, 3, 0)
    ]
    first, second = await read_with(Filler(found), batch)
    assert [one.name for one in first.entities] == ["Yusra"] and second == Gist()


async def test_of_many_homes_the_last_count() -> None:
    towns = ("Faro", "Porto", "Rome", "Oslo", "Bonn")
    gist = await one(
        f"I lived in {', '.join(towns)}",
        entities=[entity("Location", town) for town in towns],
        statements=[statement("LIVES_IN", "speaker", object=town) for town in towns],
    )
    assert [said.object.name for said in gist.statements if said.object] == list(towns[-3:])


async def test_at_most_twenty_go_in_one_call_and_none_twice() -> None:
    contact, mind = uuid4(), Filler()
    batch = [Utterance(f"Yusra said so the {n}. time", AT) for n in range(MOST_AT_ONCE + 5)]
    assert await read_with(mind, [*batch, Utterance("ok", AT)], contact) == [Gist()] * (len(batch) + 1)
    assert [len(question.material) for question in mind.asked] == [MOST_AT_ONCE, 5]
    assert {question.contact_id for question in mind.asked} == {contact}
    assert "Message 1 was written on Wednesday, 2026-03-11." in mind.asked[0].instructions
    assert all("Yusra" not in question.instructions for question in mind.asked)


async def test_long_messages_are_cut_and_spread() -> None:
    mind = Filler()
    await read_with(mind, [Utterance("word " * 10_000, AT)] * 8, None)
    assert len(mind.asked) == 2
    assert all(sum(map(len, question.material)) < 20_000 for question in mind.asked)


async def test_a_batch_that_the_mind_fails_at_is_read_by_rules() -> None:
    texts = [f"Lena works at Siemens, {n}" for n in range(MOST_AT_ONCE + 1)]
    gists = await read_with(Filler(MindFailed("it is down"), []), [Utterance(text, AT) for text in texts])
    assert gists[:-1] == [read(text, AT) for text in texts[:-1]] and gists[0] != Gist()
    assert gists[-1] == Gist()


@pytest.mark.parametrize(
    ("messages", "characters", "calls"), [(0, 0, 0), (1, 10, 1), (100, 4_000, 5), (20, 180_000, 11)]
)
def test_the_estimate_counts_calls(messages: int, characters: int, calls: int) -> None:
    found = estimate(messages, characters)
    assert found.calls == calls and found.tokens >= calls * 1_000
