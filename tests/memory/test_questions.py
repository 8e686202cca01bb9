"""Questions of the owner's, as they are typed."""

import pytest

from secondme.domain.fact import Predicate
from secondme.memory.questions import Asked, is_me, read

WORK, LIVE, KNOW = Predicate.WORKS_AT, Predicate.LIVES_IN, Predicate.KNOWS


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Who works at Acme?", Asked(WORK, "Acme", True)),
        ("¿Quién trabaja en Acme Corp?", Asked(WORK, "Acme Corp", True)),
        ("quem trabalha na Acme", Asked(WORK, "Acme", True)),
        ("Wer arbeitet bei Acme?", Asked(WORK, "Acme", True)),
        ("Acme mein kaun kaam karta hai?", Asked(WORK, "Acme", True)),
        ("Acme में कौन काम करता है?", Asked(WORK, "Acme", True)),
        ("who lives in New York", Asked(LIVE, "New York", True)),
        ("quién vive en Lima", Asked(LIVE, "Lima", True)),
        ("quem mora em Lisboa?", Asked(LIVE, "Lisboa", True)),
        ("wer wohnt in Köln?", Asked(LIVE, "Köln", True)),
        ("दिल्ली में कौन रहता है?", Asked(LIVE, "दिल्ली", True)),
        ("who knows Bob", Asked(KNOW, "Bob", True)),
        ("where does Bob work?", Asked(WORK, "Bob")),
        ("dónde vive Ana?", Asked(LIVE, "Ana")),
        ("onde a Ana mora?", Asked(LIVE, "a Ana")),
        ("Ravi kahan rehta hai?", Asked(LIVE, "Ravi")),
        ("when is the wedding?", Asked(Predicate.HAPPENS_ON, "the wedding")),
        ("wann ist die Hochzeit?", Asked(Predicate.HAPPENS_ON, "die Hochzeit")),
        ("where is the party", Asked(Predicate.LOCATED_AT, "the party")),
        ("what does Bob do?", Asked(Predicate.OCCUPATION, "Bob")),
        ("what about Bob?", Asked(None, "Bob")),
        ("What do I know about Bob Ray?", Asked(None, "Bob Ray")),
        ("was weiß ich über Bob", Asked(None, "Bob")),
        ("o que sei sobre o Rui?", Asked(None, "o Rui")),
        ("where do I work?", Asked(WORK, "I")),
        ("wo wohne ich?", Asked(LIVE, "ich")),
        ("wo arbeite ich", Asked(WORK, "ich")),
        ("dónde trabajo?", Asked(WORK, "I")),
        ("dónde vivo yo", Asked(LIVE, "I")),
        ("onde moro", Asked(LIVE, "I")),
        ("onde eu trabalho?", Asked(WORK, "I")),
        ("main kahan rehta hoon", Asked(LIVE, "main")),
        ("मैं कहाँ काम करता हूँ?", Asked(WORK, "मैं")),
        ("what do you know about me?", Asked(None, "me")),
        ("was weißt du über mich", Asked(None, "mich")),
        ("Ravi ke baare mein kya pata hai", Asked(None, "Ravi")),
    ],
)
def test_simple_forms(question: str, asked: Asked) -> None:
    assert read(question)[0] == asked


def test_a_name_is_also_looked_for_without_its_article() -> None:
    assert [one.named for one in read("when is the wedding?")] == ["the wedding", "wedding"]


@pytest.mark.parametrize("named", ["I", "me", "ich", "yo", "Eu", "मैं", "main"])
def test_who_asks_is_the_owner(named: str) -> None:
    assert is_me(named) and not is_me("Ana")


@pytest.mark.parametrize("question", ["", "?", "hello", "who works at", "nuts", "a " * 5000])
def test_no_form_is_nothing(question: str) -> None:
    assert read(question) == []
