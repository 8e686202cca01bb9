"""Texts as vectors: from any server with OpenAI's `/embeddings`, or, with none, from the letters themselves."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from secondme.llm.providers import Model
from secondme.llm.wire import Wire, figure
from secondme.observe import metrics

API_DIMENSION = 1536  # of OpenAI's text-embedding-3-small
LEXICAL_DIMENSION = 512
_BATCH = 128  # texts of one request
_LONGEST = 8_000  # characters of one text
_BATCH_CHARACTERS = 200_000
_MOST_BYTES = 16_000_000  # of one answer
_WORD = re.compile(r"\w+")
_RUN = 3  # letters


class ApiEmbedder:
    """ports.Embedder over `/embeddings`."""

    def __init__(self, model: Model, dimension: int | None = None) -> None:
        """`dimension`: asked for where it is given; else 1536 is expected."""
        self.name = model.label
        self.dimension = dimension or API_DIMENSION
        self._asked = dimension
        self._wire = Wire(model, {"Authorization": f"Bearer {model.key}"} if model.key else {})

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = []
        for batch in _batches(texts):
            vectors += await self._embed(batch)
        return vectors

    async def close(self) -> None:
        await self._wire.close()

    async def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        body: dict[str, Any] = {
            "model": self._wire.model.name,
            "input": list(texts),
            "encoding_format": "float",
        }
        if self._asked is not None:
            body["dimensions"] = self._asked
        answer = await self._wire.post("/embeddings", body, most=_MOST_BYTES)
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            vectors = [[float(number) for number in row["embedding"]] for row in rows]
            places = [row["index"] for row in rows]
        except (LookupError, TypeError, ValueError, OverflowError):
            raise self._wire.failed("malformed", "gave an answer that holds no embeddings.") from None
        if isinstance(usage := answer.get("usage"), Mapping):
            metrics.record_usage(self.name, figure(usage, "prompt_tokens"), 0, 0)
        self._check(vectors, places, len(texts))
        return vectors

    def _check(self, vectors: Sequence[Sequence[float]], places: Sequence[object], count: int) -> None:
        """Raises MindFailed unless there is one finite vector of the right length for each text."""
        if places != list(range(count)) or not all(
            math.isfinite(number) for vector in vectors for number in vector
        ):
            raise self._wire.failed("malformed", "gave other embeddings than it was asked for.")
        for vector in vectors:
            if len(vector) != self.dimension:
                said = f"gives {len(vector)} numbers where {self.dimension} are expected: set"
                raise self._wire.failed("dimension", f"{said} SECONDME_EMBEDDING_DIMENSION={len(vector)}.")


class LexicalEmbedder:
    """ports.Embedder of this machine alone: hashed words and runs of letters. It knows spelling, not meaning."""

    name = "lexical"

    def __init__(self, dimension: int | None = None) -> None:
        self.dimension = dimension or LEXICAL_DIMENSION

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [self._vector(text[:_LONGEST]) for text in texts]

    async def close(self) -> None:
        """Nothing is held open."""

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self.dimension
        for feature, weight in _features(text):
            number = int.from_bytes(blake2b(feature.encode("utf-8", "replace"), digest_size=8).digest())
            # The sign lets what falls on the same place by chance cancel out rather than add up.
            vector[(number >> 1) % self.dimension] += weight if number & 1 else -weight
        length = math.sqrt(sum(number * number for number in vector))
        return [number / length for number in vector] if length else vector


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORD.findall(text.casefold()):
        yield f"w:{word}", 1.0
        edged = f"^{word}$"
        runs = max(len(edged) - _RUN + 1, 1)
        for at in range(runs):
            yield f"r:{edged[at : at + _RUN]}", 1 / math.sqrt(runs)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts cut to a bounded length, a bounded number at a time. An empty one, which servers refuse, is a blank."""
    batch: list[str] = []
    room = _BATCH_CHARACTERS
    for text in texts:
        cut = text[:_LONGEST].strip() or " "
        if batch and (len(batch) == _BATCH or room < len(cut)):
            yield batch
            batch, room = [], _BATCH_CHARACTERS
        batch.append(cut)
        room -= len(cut)
    if batch:
        yield batch
