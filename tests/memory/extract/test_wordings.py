"""What rules make of everyday wordings, and of what only looks like a name, a firm or a statement."""

from datetime import date

import pytest

from secondme.domain.fact import EntityType
from secondme.memory.extract import read
from tests.memory.extract.test_rules import AT, names, said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Poppy planted a poppy", {"Person Poppy"}),
        ("Rosa, cadê você?", {"Person Rosa"}),
        ("Linda, me liga", set()),
        ("Me and Zibby are late", {"Person Zibby"}),
        ("at Zibby's wedding", {"Person Zibby", "Event wedding"}),
        ("die heide kommt morgen", {"Person heide"}),
        ("Die Heide blüht", set()),
        ("la lucía está cantando", {"Person lucía"}),
        ("minha irmã mora longe", set()),
        ("किरण से पूछ लो", {"Person किरण"}),
        ("सुबह की पहली किरण देखी", set()),
        ("prem ne bola nahi aayega", {"Person prem"}),
        ("bol diya kal aayega", set()),
        ("bhai asha mat chhod", set()),
        ("verma ji se baat hui", {"Person verma"}),
        ("mata ji ki tabiyat theek nahi", set()),
    ],
)
def test_a_name_that_is_a_word_is_told_by_what_stands_beside_it(text: str, expected: set[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Der Chef von Miele war nett", {"Company Miele"}),
        ("Holger ist seit drei Jahren bei Quellmoor", {"Person Holger", "Company Quellmoor"}),
        ("war grad bei rewe", set()),
        ("unser Kunde Tellkamp & Söhne zahlt nie", {"Company Tellkamp & Söhne"}),
        ("Lea ist die Schwester von Tim", {"Person Lea", "Person Tim"}),
        ("Vertrag bei Lufthansa Technik", {"Company Lufthansa Technik"}),
        ("Claro, te llamo luego", set()),
        ("este finde vamos a Santander", {"Location Santander"}),
        ("el Santander me cobra comisiones", {"Company Santander"}),
        ("me he comprado una tele en Telefónica", set()),
        ("trabaja en Recursos Humanos", set()),
        ("soy enfermera en el Hospital Clínico", {"Company Hospital Clínico"}),
        ("está en el Hospital Clínico", {"Location Hospital Clínico"}),
        ("curra en el bar de Manolo", {"Person Manolo"}),
        ("sou professora na Escola Dom Bosco", {"Company Escola Dom Bosco"}),
        ("Amazon no me devuelve el dinero", {"Company Amazon"}),
        ("Sainsbury's cancelled my order", {"Company Sainsbury's"}),
        ("main bhi wipro me hu", {"Company wipro"}),
        ("Köln hat verloren", set()),
    ],
)
def test_a_firm_acts_or_employs_and_is_not_what_is_bought(text: str, expected: set[str]) -> None:
    assert {one for one in names(text) if not one.startswith("Topic")} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I left Barclays and I've been at Monzo ever since", {("WORKS_AT", "speaker", "Monzo", True)}),
        ("I've been at Tesco for hours", set()),
        ("got a job interview at Google", set()),
        ("Nadia got taken on by Rolls-Royce", {("WORKS_AT", "Nadia", "Rolls-Royce", True)}),
        ("ich wohn ja jetzt in Ulm", {("LIVES_IN", "speaker", "Ulm", True)}),
        ("Lena wohnt in Ulm, meine Eltern wohnen in Kiel", {("LIVES_IN", "Lena", "Ulm", True)}),
        ("Meine Eltern waren auf der Hochzeit", set()),
        ("Gestern auf der Taufe gewesen", {("ATTENDED", "speaker", "Taufe", True)}),
        ("me han cogido en Seat", {("WORKS_AT", "speaker", "Seat", True)}),
        ("Marta y Iker llevan juntos diez años", {("KNOWS", "Marta", "Iker", True)}),
        ("Tati e Léo tão namorando", {("KNOWS", "Tati", "Léo", True)}),
        ("moro no Méier", {("LIVES_IN", "speaker", "Méier", True)}),
        ("दीपक का घर पटना में है", {("LIVES_IN", "दीपक", "पटना", True)}),
        ("Sunita aunty ki beti infosys mein kaam karti hai", set()),
        ("विवेक रिया को जानता है", {("KNOWS", "विवेक", "रिया", True)}),
    ],
)
def test_statements_in_everyday_wordings(text: str, expected: set[tuple[str, str, str, bool]]) -> None:
    assert said(text) - {one for one in said(text) if one[0] == "OCCUPATION"} == expected


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Sofia's wedding is on Friday", None),
        ("the wedding of Sofia is on Friday", None),
        ("Rohit ki shaadi Friday ko hai", None),
        ("the wedding is on Friday", date(2026, 3, 13)),
    ],
)
def test_two_peoples_weddings_do_not_share_a_day(text: str, day: date | None) -> None:
    found = read(text, AT)
    assert [one.on for one in found.entities if one.type is EntityType.EVENT] == [day]
    assert (len(found.statements), found.dates) == (1 if day else 0, (date(2026, 3, 13),))
