"""An imported chat on the disk while memory learns from it: sealed chunk by chunk, under a key that lies elsewhere.

A frame is the length of what follows (4 bytes), then a nonce and the ciphertext of a JSON list. Whoever loses the key
has lost the chat.
"""

import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson

from secondme.stores.vault import Vault, new_key, seal, unseal

CHUNK = 1_000  # messages
_LENGTH = 4  # bytes
_MOST_AUTHORS = 1_100  # WhatsApp's groups have 1,024 members at the most: what has more is no chat
_ORDER: Final = "big"

type Line = tuple[int, int, str, int]
"""Seconds since 1970 by the phone's own clock; the author's place among the authors; what was said; how often the same
author had said the same within that minute."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A chat that was written: where, under which key, by whom (in the order of their places), and how much."""

    path: Path
    key: bytes
    authors: tuple[str, ...]
    lines: int
    characters: int


class Writer:
    """Writes a chat as it is read. Nothing of it is readable before or after."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f".{uuid4().hex}"
        self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._key = new_key()
        self._lines: list[Line] = []
        self._authors: dict[str, int] = {}
        self._frames = self._count = self._characters = 0
        self._minute, self._said = 0, dict[tuple[int, str], int]()

    def add(self, seconds: int, author: str, text: str) -> None:
        """One message more; `seconds` since 1970 by the phone's own clock. Nothing of one author too many."""
        if author not in self._authors and len(self._authors) == _MOST_AUTHORS:
            return
        place = self._authors.setdefault(author, len(self._authors))
        if (minute := seconds // 60) != self._minute:
            self._minute, self._said = minute, {}
        again = self._said.get((place, text), 0)
        self._said[place, text] = again + 1
        self._lines.append((seconds, place, text, again))
        self._characters += len(text)
        if len(self._lines) == CHUNK:
            self._flush()

    def close(self) -> Sealed:
        """All of it is on the disk when this returns."""
        if self._lines:
            self._flush()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Sealed(self._path, self._key, tuple(self._authors), self._count, self._characters)

    def discard(self) -> None:
        """It is not wanted after all."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        self._file.write(_frame(self._key, self._lines, self._frames))
        self._frames, self._count = self._frames + 1, self._count + len(self._lines)
        self._lines = []


def chunks(path: Path, key: bytes, begin: int = 0) -> Iterator[list[Line]]:
    """What was written, a `CHUNK` of lines at a time but for the last, from line `begin` on, which begins one.

    Raises OSError for a file that is gone, cryptography's InvalidTag for one that this key does not open.
    """
    with path.open("rb") as file:
        number = 0
        while head := file.read(_LENGTH):
            length = int.from_bytes(head, _ORDER)
            if number * CHUNK < begin:
                file.seek(length, os.SEEK_CUR)
            else:
                yield _opened(key, file.read(length), number)
            number += 1


def silenced(path: Path, key: bytes, authors: Collection[int]) -> tuple[Path, bytes]:
    """The same chat beside it under a new key, every line in its place, with nothing in those of these authors.

    Returns where it lies, and its key. Raises as `chunks` does.
    """
    beside, fresh = path.with_name(f".{uuid4().hex}"), new_key()
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for number, lines in enumerate(chunks(path, key)):
                kept = [(at, who, "" if who in authors else text, again) for at, who, text, again in lines]
                file.write(_frame(fresh, kept, number))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside, fresh


def place_of(folder: Path, vault: Vault, key: bytes) -> Path:
    """Where the chat lies that this key opens. Its name says nothing to whoever has no key of ours."""
    return folder / vault.digest("sealed chat", key.hex())


def sweep(folder: Path, keep: Iterable[Path], before: float) -> None:
    """Delete what nobody will open any more: chats that are not among `keep`, written before that Unix time."""
    kept = set(keep)
    for path in folder.iterdir() if folder.exists() else ():
        if path not in kept and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


def _frame(key: bytes, lines: list[Line], number: int) -> bytes:
    try:
        plain = orjson.dumps(lines)
    except TypeError:  # half a surrogate pair
        plain = json.dumps(lines).encode()
    frame = seal(key, plain, _aad(number))
    return len(frame).to_bytes(_LENGTH, _ORDER) + frame


def _opened(key: bytes, frame: bytes, number: int) -> Any:
    plain = unseal(key, frame, _aad(number))
    return [tuple(line) for line in json.loads(plain)]


def _aad(frame: int) -> str:
    return f"sealed_chat:{frame}"
