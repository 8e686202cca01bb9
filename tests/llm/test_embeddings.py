"""Vectors: in order, of the right length, within limits; lexical ones know spelling."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondme.domain.errors import MindFailed
from secondme.llm.embeddings import API_DIMENSION, LEXICAL_DIMENSION, ApiEmbedder, LexicalEmbedder
from tests.llm.asking import WORDS, model, requests


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_they_come_in_order_and_in_batches(openai_stub: str) -> None:
    before = len(await requests(openai_stub))
    embedder = ApiEmbedder(model(openai_stub, "embed", timeout=30.0))
    texts = ["x" * (n % 7 + 1) for n in range(300)]
    vectors = await embedder.embed(texts)
    await embedder.close()
    assert [round(100 * (vector[0] - 0.5)) for vector in vectors] == [
        len(text) + n % 128 for n, text in enumerate(texts)
    ]
    assert {len(vector) for vector in vectors} == {API_DIMENSION}
    sizes = [len(r["body"]["input"]) for r in (await requests(openai_stub))[before:]]
    assert sizes == [128, 128, 44]


async def test_long_and_empty_texts_are_sent_as_a_server_takes_them(openai_stub: str) -> None:
    embedder = ApiEmbedder(model(openai_stub, "embed", timeout=30.0))
    before = len(await requests(openai_stub))
    assert len(await embedder.embed(["", "  ", "y" * 50_000, *["z" * 8000] * 40])) == 43
    await embedder.close()
    sent = [r["body"]["input"] for r in (await requests(openai_stub))[before:]]
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
