"""Vectors: in order, of the right length, within limits; lexical ones know spelling."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondme.domain.breaker import FAILURES, REST, State
from secondme.domain.errors import MindFailed
from secondme.llm.embeddings import API_DIMENSION, LEXICAL_DIMENSION, ApiEmbedder, LexicalEmbedder
from secondme.llm.guarded import GuardedEmbedder
from secondme.observe.gate import Gate
from tests.llm.asking import WORDS, HandClock, forget, model, requests, switched


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_they_come_in_order_and_in_batches(openai_stub: str) -> None:
    await forget(openai_stub)
    embedder = ApiEmbedder(model(openai_stub, "embed", timeout=30.0))
    texts = ["x" * (n % 7 + 1) for n in range(300)]
    vectors = await embedder.embed(texts)
    await embedder.close()
    assert [round(100 * (vector[0] - 0.5)) for vector in vectors] == [
        len(text) + n % 128 for n, text in enumerate(texts)
    ]
    assert {len(vector) for vector in vectors} == {API_DIMENSION}
    sizes = [len(r["body"]["input"]) for r in await requests(openai_stub)]
    assert sizes == [128, 128, 44]


async def test_long_and_empty_texts_are_sent_as_a_server_takes_them(openai_stub: str) -> None:
    embedder = ApiEmbedder(model(openai_stub, "embed", timeout=30.0))
    await forget(openai_stub)
    assert len(await embedder.embed(["", "  ", "y" * 50_000, *["z" * 8000] * 40])) == 43
    await embedder.close()
    sent = [r["body"]["input"] for r in await requests(openai_stub)]
    assert all(sum(map(len, texts)) <= 200_000 for texts in sent)
    assert max(len(text) for texts in sent for text in texts) == 8000
    assert await embedder.embed([]) == []


async def test_a_dimension_is_asked_for_and_checked(openai_stub: str) -> None:
    embedder = ApiEmbedder(model(openai_stub, "embed"), 256)
    assert [len(vector) for vector in await embedder.embed(["a"])] == [256]
    await embedder.close()
    embedder = ApiEmbedder(model(openai_stub, "embed-768"))
    with pytest.raises(MindFailed, match=r"768 numbers where 1536.*SECONDME_EMBEDDING_DIMENSION=768"):
        await embedder.embed(["a"])
    await embedder.close()


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("embed-short", "malformed"),
        ("embed-vast", "malformed"),
        ("wrong-type", "malformed"),
        ("shapeless", "malformed"),
        ("status-401", "status"),
        ("slow", "timeout"),
    ],
)
async def test_anything_else_is_a_failure_without_content(openai_stub: str, name: str, cause: str) -> None:
    embedder = ApiEmbedder(model(openai_stub, name, timeout=0.4))
    with pytest.raises(MindFailed) as failed:
        await embedder.embed([WORDS, "b"])
    await embedder.close()
    assert failed.value.cause == cause
    assert WORDS not in repr(failed.value)


async def test_embeddings_have_a_breaker_too(openai_stub: str) -> None:
    clock = HandClock()
    gate = Gate("embeddings openai:switch", clock)
    asks = GuardedEmbedder(ApiEmbedder(model(openai_stub, "switch")), gate)
    await switched(openai_stub, "status-500")
    for _ in range(FAILURES):
        assert gate.state() is State.CLOSED
        with pytest.raises(MindFailed, match="answered 500"):
            await asks.embed(["x"])
    await forget(openai_stub)
    await switched(openai_stub, "embed")
    with pytest.raises(MindFailed, match="left alone for 30 s"):
        await asks.embed(["x"])
    assert await requests(openai_stub) == [], "it is left alone"
    clock.seconds += REST
    assert (gate.state(), len(await asks.embed(["x"]))) == (State.HALF_OPEN, 1)
    assert gate.state() is State.CLOSED
    await asks.close()


async def test_vectors_of_another_length_are_not_held_against_the_service(openai_stub: str) -> None:
    gate = Gate("embeddings openai:embed-768")
    asks = GuardedEmbedder(ApiEmbedder(model(openai_stub, "embed-768")), gate)
    for _ in range(2 * FAILURES):
        with pytest.raises(MindFailed, match="768 numbers"):
            await asks.embed(["x"])
    assert gate.state() is State.CLOSED
    await asks.close()


async def test_lexical_vectors_are_nearer_the_more_the_words_are_alike() -> None:
    embedder = LexicalEmbedder()
    said, typo, other = await embedder.embed(
        ["the train was late again", "The trains were late, again!", "happy birthday dear Mara"]
    )
    assert len(said) == embedder.dimension == LEXICAL_DIMENSION
    assert cosine(said, said) == pytest.approx(1)
    assert cosine(said, typo) > 0.5 > 0.2 > cosine(said, other)
    assert await LexicalEmbedder().embed(["the train was late again"]) == [said]


@given(st.lists(st.text(max_size=50), max_size=5), st.integers(8, 64))
async def test_any_text_has_a_finite_vector_of_length_one_or_nothing(texts: list[str], size: int) -> None:
    vectors = await LexicalEmbedder(size).embed(texts)
    assert len(vectors) == len(texts)
    for vector in vectors:
        assert len(vector) == size
        assert all(map(math.isfinite, vector))
        assert cosine(vector, vector) == pytest.approx(1) or not any(vector)
