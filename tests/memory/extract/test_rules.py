"""What rules take from a message: names, firms, places, occasions, topics, and what is asserted."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondme.domain.fact import Gist
from secondme.memory.extract import read, rules
from secondme.memory.extract.scan import worth_reading

AT = datetime(2026, 3, 11, 18, 20)  # a Wednesday


def names(text: str) -> set[str]:
    return {f"{one.type} {one.name}" for one in read(text, AT).entities}


def said(text: str) -> set[tuple[str, str, str, bool]]:
    """(predicate, subject, object or value, holds), without the days of events."""
    return {
        (
            one.predicate.value,
            one.subject.name if one.subject else "speaker",
            one.object.name if one.object else one.value or "",
            one.holds,
        )
        for one in read(text, AT).statements
        if one.predicate != "HAPPENS_ON"
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("met Tariq and his mum in the park", {"Person Tariq"}),
        ("dr. Okonkwo can see you at nine", {"Person Okonkwo"}),
        ("La tía Charo no viene", {"Person Charo"}),
        ("o Seu Jandir chegou cedo", {"Person Jandir"}),
        ("Frau Petersen ist krank", {"Person Petersen"}),
        ("Annikas Fahrrad steht noch hier", {"Person Annika"}),
        ("Gupta ji ka phone aaya", {"Person Gupta"}),
        ("सुनीता दीदी आ गईं", {"Person सुनीता"}),
        ("मैं अमित को जानता हूँ", {"Person अमित"}),
        ("मैं अमित बोल रहा हूँ", set()),
        ("is there a Paula at your place?", set()),
        ("I'm Paula from the third floor", set()),
        ("mark my words, will you", set()),
        ("I hope so", set()),
        ("das meine ich im Ernst", set()),
        ("Harry Potter again?", set()),
        ("जय श्री राम", set()),
    ],
)
def test_persons(text: str, expected: set[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("she works at Quillfeather now", {"Company Quillfeather"}),
        ("Rechnung von der Brunner Holzbau GmbH", {"Company Brunner Holzbau GmbH"}),
        ("trabajo en Indra", {"Company Indra"}),
        ("the Bank of Scotland refused", {"Company Bank of Scotland"}),
        ("google it", set()),
        ("got a job at google", {"Company google"}),
        ("my ikea shelf broke", set()),
        ("he works at home", set()),
        ("अमित विप्रो में काम करता है", {"Person अमित", "Company विप्रो"}),
        ("Neue AGB gelesen?", set()),
    ],
)
def test_companies(text: str, expected: set[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we land in Porto at six", {"Location Porto"}),
        ("treffen wir uns in der Goethestraße", {"Location Goethestraße"}),
        ("quedamos en la calle Serrano", {"Location calle Serrano"}),
        ("Parkplatz gefunden", set()),
        ("Vienna sausages for dinner", set()),
        ("I was reading all night", set()),
        ("ghar Gurgaon mein hai", {"Location Gurgaon"}),
        ("लखनऊ से लौट आए", {"Location लखनऊ"}),
    ],
)
def test_locations(text: str, expected: set[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#moving is hell", {"Topic moving"}),
        ("a question about the invoices", {"Topic invoice"}),
        ("wegen der Kaution ruf ich an", {"Topic kaution"}),
        ("dúvida sobre o contrato", {"Topic contrato"}),
        ("rent ke baare mein baat karni hai", {"Topic rent"}),
        ("how about dinner", set()),
        ("about time!", set()),
        ("the wedding was lovely", {"Event wedding"}),
        ("Boston Marathon, here I come", {"Event Boston Marathon"}),
        ("estuve en el bautizo", {"Event bautizo"}),
    ],
)
def test_topics_and_events(text: str, expected: set[str]) -> None:
    assert names(text) == expected


def test_a_topic_has_its_category_and_an_event_its_day() -> None:
    (topic,) = read("question about the mortgage", AT).entities
    assert topic.category == "Finance"
    (event,) = read("the funeral is on Friday", AT).entities
    assert event.on == date(2026, 3, 13)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tariq works at Siemens", {("WORKS_AT", "Tariq", "Siemens", True)}),
        ("Tariq doesn't work at Siemens", set()),
        ("Does Tariq work at Siemens?", set()),
        ("if Tariq worked at Siemens we would know", set()),
        ("Tariq no longer works at Siemens", {("WORKS_AT", "Tariq", "Siemens", False)}),
        ("Saw Tariq. He lives in Porto", {("LIVES_IN", "Tariq", "Porto", True)}),
        ("We moved to Leeds last month", {("LIVES_IN", "speaker", "Leeds", True)}),
        ("We moved to Leeds on Friday", {("LIVES_IN", "speaker", "Leeds", True)}),
        ("we're moving to Leeds on Friday", set()),
        ("Tariq moved to Rome in May", {("LIVES_IN", "Tariq", "Rome", True)}),
        ("Tariq moved to Rome last May", {("LIVES_IN", "Tariq", "Rome", True)}),
        ("Tariq moved to Rome on 5th May 2025", {("LIVES_IN", "Tariq", "Rome", True)}),
        ("Tariq may have moved to Rome in May", set()),
        ("Marta y Iker son primos", {("KNOWS", "Marta", "Iker", True)}),
        ("Ich kenne Hauke gut", {("KNOWS", "speaker", "Hauke", True)}),
        ("a gente mora em Recife", {("LIVES_IN", "speaker", "Recife", True)}),
        ("Rohit Pune mein rehta hai", {("LIVES_IN", "Rohit", "Pune", True)}),
        ("ich war auf der Hochzeit von Resi", {("ATTENDED", "speaker", "Hochzeit", True)}),
        ("The wedding is in Porto", {("LOCATED_AT", "wedding", "Porto", True)}),
        ("Christmas in Porto with the kids", set()),
        ("Tina's mum works at Siemens", set()),
        ("La hermana de Marta vive en Cádiz", set()),
        ("Rohit ki behen Noida mein rehti hai", set()),
        ("I'm a nurse", {("OCCUPATION", "speaker", "nurse", True)}),
    ],
)
def test_statements(text: str, expected: set[tuple[str, str, str, bool]]) -> None:
    assert said(text) == expected


def test_languages_may_mix_in_one_message() -> None:
    found = read("yaar main kal Berlin ja raha hoon, flight is at 9", AT)
    assert [one.name for one in found.entities] == ["Berlin"] and found.dates == (date(2026, 3, 12),)


def test_a_long_message_is_read_to_a_bound() -> None:
    assert read("blah blah " * 100_000 + "Tariq works at Siemens", AT) == Gist()


@pytest.mark.parametrize(
    "text", ["ok", "haha yes", "on my way", "😂😂", "see you at the station", "7:30 works"]
)
def test_most_messages_are_left_at_a_first_look(text: str) -> None:
    assert not worth_reading(text)


def test_a_long_text_is_cut_before_anything_looks_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[int]()

    def look(text: str) -> bool:
        seen.append(len(text))
        return False

    monkeypatch.setattr(rules, "worth_reading", look)
    assert (read("x" * 9_000, AT), seen) == (Gist(), [4_000])


@given(st.text(max_size=200))
def test_whatever_is_written_is_read(text: str) -> None:
    found = read(text, datetime(2026, 3, 11, tzinfo=UTC))
    assert all(1 <= len(one.name) <= 100 for one in found.entities)
    known = set(found.entities)
    assert all({one.subject, one.object} <= known | {None} for one in found.statements)


def test_of_many_homes_the_last_count() -> None:
    towns = ("Lisbon", "Porto", "Rome", "Paris", "Berlin", "Madrid")
    found = said(" ".join(f"I live in {town}." for town in towns))
    assert found == {("LIVES_IN", "speaker", town, True) for town in towns[-3:]}


_WORDS = """Tariq works at Siemens in Porto and lives moved to on 31 February 30.2. Anna's Annas #x # St Mary's GmbH
    kal ko मुंबई में काम करता है 5 December next Friday Mañana cumple de Luz vor in ein Jahren about the"""


@given(st.lists(st.sampled_from(_WORDS.split()), max_size=12).map(" ".join))
def test_names_in_any_order_are_read(text: str) -> None:
    read(text, AT)
