"""A chat on the disk: readable with its key alone, from wherever one left off."""

import os
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from secondme.stores import sealed_chat
from secondme.stores.sealed_chat import CHUNK, Sealed, Writer
from secondme.stores.vault import KeyRing, Vault, new_key


def written(folder: Path, *lines: tuple[int, str, str]) -> Sealed:
    writer = Writer(folder / "imports")
    for line in lines:
        writer.add(*line)
    return writer.close()


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    said = [
        (60, "Mara", "CANARY"),
        (61, "Lena", "ok 🧗"),
        (119, "Mara", "CANARY"),
        (120, "Mara", "CANARY"),
        (120, "Tom", "\ud800"),
    ]
    sealed = written(tmp_path, *said)
    assert (sealed.authors, sealed.lines, sealed.characters) == (("Mara", "Lena", "Tom"), 5, 23)
    (lines,) = sealed_chat.chunks(sealed.path, sealed.key)
    assert lines == [
        (60, 0, "CANARY", 0),
        (61, 1, "ok 🧗", 0),
        (119, 0, "CANARY", 1),
        (120, 0, "CANARY", 0),
        (120, 2, "\ud800", 0),
    ]
    assert b"CANARY" not in sealed.path.read_bytes()
    assert sealed.path.stat().st_mode & 0o777 == 0o600


def test_from_wherever_one_left_off(tmp_path: Path) -> None:
    sealed = written(tmp_path, *((n, "Mara", str(n)) for n in range(2 * CHUNK + 5)))
    sizes = {
        begin: [len(c) for c in sealed_chat.chunks(sealed.path, sealed.key, begin)]
        for begin in (0, CHUNK, 2 * CHUNK)
    }
    assert sizes == {0: [CHUNK, CHUNK, 5], CHUNK: [CHUNK, 5], 2 * CHUNK: [5]}
    assert next(sealed_chat.chunks(sealed.path, sealed.key, CHUNK))[0][2] == str(CHUNK)


def test_without_what_some_of_them_said(tmp_path: Path) -> None:
    """Every line keeps its place: whoever has read a part of it goes on where they were."""
    said = [(n, ("Mara", "Tom", "Lena")[n % 3], str(n)) for n in range(CHUNK + 5)]
    sealed = written(tmp_path, *said)
    path, key = sealed_chat.silenced(sealed.path, sealed.key, [0, 2])
    kept = [line for lines in sealed_chat.chunks(path, key) for line in lines]
    assert [(at, text) for at, _, text, _ in kept] == [
        (n, str(n) if n % 3 == 1 else "") for n in range(CHUNK + 5)
    ]
    with pytest.raises(InvalidTag):
        next(sealed_chat.chunks(path, sealed.key))
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidTag):
        sealed_chat.silenced(sealed.path, new_key(), [0])
    assert sorted(path.parent.iterdir()) == sorted([path, sealed.path])  # nothing half made


def test_another_key_or_another_order_opens_nothing(tmp_path: Path) -> None:
    sealed = written(tmp_path, *((n, "Mara", str(n)) for n in range(2 * CHUNK)))
    with pytest.raises(InvalidTag):
        next(sealed_chat.chunks(sealed.path, new_key()))
    data = sealed.path.read_bytes()
    first = 4 + int.from_bytes(data[:4])
    sealed.path.write_bytes(data[first:] + data[:first])
    with pytest.raises(InvalidTag):
        next(sealed_chat.chunks(sealed.path, sealed.key))


def test_one_author_too_many_is_no_author(tmp_path: Path) -> None:
    sealed = written(tmp_path, *((n, f"author {n}", "hi") for n in range(1_200)))
    assert len(sealed.authors) == sealed.lines == 1_100


def test_what_is_not_wanted_goes(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "imports")
    writer.add(0, "Mara", "hi")
    writer.discard()
    assert list((tmp_path / "imports").iterdir()) == []
    vault = Vault(KeyRing([new_key()]), new_key(), new_key())
    kept, old, young = (written(tmp_path, (0, "Mara", "hi")) for _ in range(3))
    place = sealed_chat.place_of(tmp_path / "imports", vault, kept.key)
    kept.path.rename(place)
    for path in (place, old.path):
        os.utime(path, (1_000, 1_000))
    sealed_chat.sweep(tmp_path / "imports", [place], before=2_000)
    assert sorted((tmp_path / "imports").iterdir()) == sorted([place, young.path])
    sealed_chat.sweep(tmp_path / "nowhere", [], before=2_000)
