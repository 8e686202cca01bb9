"""What is no export is refused in words that say what to do, at a bounded cost."""

import os
import random
import stat
import struct
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from secondme.domain.errors import SecondMeError
from secondme.memory.exports import ExportError, open_export
from tests.memory.exports.writing import lines, pack, write

CHAT = lines("25/04/2024", "26/04/2024")


def refusal(path: Path) -> str:
    with pytest.raises(ExportError) as error:
        list(open_export(path).messages())
    assert isinstance(error.value, SecondMeError)
    return str(error.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (CHAT.encode("utf-16"), "UTF-16"),
        (CHAT.encode("utf-16-le"), "binary"),
        ("25/04/2024, 10:00 - José: ¿qué?\n".encode("latin-1"), "older encoding"),
        (bytes(range(256)) * 500, "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "not UTF-8"),
        (b"dear diary\ntoday was good\n", "Export chat"),
        (b"name,age\nAna,3\n", "Export chat"),
        (b"\n\n\n", "Export chat"),
        (b"we said:\n25/04/2024, 10:00 - Ana: one line\nand no more\n", "Export chat"),
        (lines("99/99/2024", "98/98/2024").encode(), "no days of any calendar"),
        ("١٤٤٥/٣/٤, ١٠:٠٠ - Ana: a\n".encode(), "Islamic calendar"),
        (lines("25/04/2024", time="3:05 zork").encode(), "24-hour clock"),
    ],
)
def test_text_that_is_no_export(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in refusal(write(tmp_path, content))


def test_no_file_and_no_text(tmp_path: Path) -> None:
    assert "no file" in refusal(tmp_path / "absent.txt")
    assert "folder" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe.txt")
    assert "device" in refusal(tmp_path / "pipe.txt")


def test_refusals_name_neither_people_nor_files(tmp_path: Path) -> None:
    path = pack(tmp_path, {"Ana.txt": CHAT, "Bo.txt": CHAT}, "WhatsApp Chat with Cleo.zip")
    message = refusal(path)
    assert not any(name in message for name in ("Ana", "Bo", "Cleo", str(tmp_path)))


def test_no_traceback_names_people(tmp_path: Path) -> None:
    path = pack(tmp_path, {"WhatsApp Chat with Cleo.txt": CHAT * 50})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 16] ^= 0xFF  # its checksum
    path.write_bytes(raw)
    with pytest.raises(ExportError) as error:
        open_export(path)
    printed = traceback.TracebackException.from_exception(error.value).format(chain=True)
    assert "damaged" in str(error.value) and "Cleo" not in "".join(printed)


def test_a_broken_character_here_and_there_is_read(tmp_path: Path) -> None:
    text = lines(*["25/04/2024"] * 200).encode()
    export = open_export(write(tmp_path, text.replace(b"number 7\n", b"number \xff\n")))
    assert export.damaged == 1
    assert [m.text for m in export.messages()][7] == "number \ufffd"


def test_nul_characters_are_replaced(tmp_path: Path) -> None:
    text = lines(*["25/04/2024"] * 200).replace("number 7\n", "number \0\n")
    assert [m.text for m in open_export(write(tmp_path, text)).messages()][7] == "number \ufffd"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({}, "no .txt"),
        ({"photo.jpg": b"x"}, "no .txt"),
        ({"inner.zip": b"PK"}, "another zip"),
        ({"a.txt": CHAT, "b.txt": CHAT}, "2 chats"),
        ({"one/_chat.txt": CHAT, "two/_chat.txt": CHAT}, "2 chats"),
        ({"_chat.txt": ""}, "Export chat"),
        ({"_chat.txt": CHAT.encode("utf-16")}, "UTF-16"),
        ({"_chat.txt": CHAT, "../../etc/passwd": "x"}, "outside"),
        ({"_chat.txt": CHAT, "/etc/passwd": "x"}, "outside"),
        ({"_chat.txt": CHAT, "..\\evil.exe": "x"}, "outside"),
        ({"_chat.txt": CHAT, "C:\\evil.exe": "x"}, "outside"),
    ],
)
def test_zips_without_one_chat(tmp_path: Path, members: dict[str, str | bytes], says: str) -> None:
    assert says in refusal(pack(tmp_path, members))


def test_a_symbolic_link_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "chat.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("_chat.txt")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "symbolic link" in refusal(path)


@pytest.mark.parametrize("filling", [b"\0", b"25/04/2024, 10:00 - Ana: hello\n"])
def test_a_zip_bomb_costs_nothing(tmp_path: Path, filling: bytes) -> None:
    path = pack(tmp_path, {"_chat.txt": filling * ((64 << 20) // len(filling))})
    started = time.process_time()
    assert "hundred times its size" in refusal(path)
    assert time.process_time() - started < 0.5


def test_a_zip_that_lies_about_the_size_of_its_chat(tmp_path: Path) -> None:
    path = pack(tmp_path, {"_chat.txt": CHAT * 1000})
    size = struct.pack("<I", len(CHAT) * 1000)
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", len(CHAT))))
    assert "damaged" in refusal(path)


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = pack(tmp_path, {"_chat.txt": CHAT})
    raw = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + flags] |= 1
    path.write_bytes(raw)
    assert "encrypted" in refusal(path)


def test_a_zip_packed_with_a_method_of_unbounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "chat.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("_chat.txt", CHAT)
    assert "packed in a way" in refusal(path)


def test_a_zip_whose_directory_would_fill_the_memory(tmp_path: Path) -> None:
    path = pack(tmp_path, {"_chat.txt": CHAT})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.rindex(b"PK\x05\x06") + 12, 1 << 30)
    path.write_bytes(raw)
    assert "far more files" in refusal(path)


def test_a_cut_zip(tmp_path: Path) -> None:
    path = pack(tmp_path, {"_chat.txt": CHAT * 100})
    raw = path.read_bytes()
    for keep in (4, 30, len(raw) // 2, len(raw) - 10):
        path.write_bytes(raw[:keep])
        assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    "names",
    [
        ["_chat.txt", "00000003-notes.txt", "00000004-photo.jpg"],
        ["WhatsApp Chat - Family/_chat.txt", "__MACOSX/WhatsApp Chat - Family/._chat.txt"],
        ["WhatsApp Chat with Ana.txt", "IMG-20240425-WA0001.jpg", "notes.txt"],
        ["chat.txt", "other.txt"],  # named like the zip
        ["renamed.txt", "backup.zip"],
    ],
)
def test_the_chat_is_found_among_media_and_documents(tmp_path: Path, names: list[str]) -> None:
    members: dict[str, str | bytes] = {name: CHAT if n == 0 else "not this" for n, name in enumerate(names)}
    export = open_export(pack(tmp_path, members))
    assert [m.text for m in export.messages()] == ["number 0", "number 1"]
    assert export.size == len(CHAT)


def test_nothing_is_extracted_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    list(open_export(pack(tmp_path, {"_chat.txt": CHAT, "photo.jpg": b"x"})).messages())
    assert [path.name for path in tmp_path.iterdir()] == ["chat.zip"]


def _flip(raw: bytearray, chance: random.Random) -> None:
    raw[chance.randrange(len(raw))] = chance.randrange(256)


def _cut(raw: bytearray, chance: random.Random) -> None:
    del raw[chance.randrange(len(raw)) :]


def _drop(raw: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(raw))
    del raw[at : at + chance.randrange(1, 40)]


@pytest.mark.parametrize("damage", [_flip, _cut, _drop])
def test_damaged_zips_are_read_or_refused(
    tmp_path: Path, damage: Callable[[bytearray, random.Random], None]
) -> None:
    whole = pack(tmp_path, {"_chat.txt": CHAT * 20, "photo.jpg": os.urandom(200)}).read_bytes()
    chance = random.Random(7)
    path = tmp_path / "damaged.zip"
    for _ in range(100):
        raw = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            damage(raw, chance)
            if not raw:
                break
        path.write_bytes(raw)
        try:
            list(open_export(path).messages())
        except ExportError as error:
            assert str(error)


def test_a_zip_with_more_members_than_the_old_format_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)  # makes it write the newer format
    path = pack(tmp_path, {"_chat.txt": CHAT, "1.jpg": b"", "2.jpg": b""})
    assert b"PK\x06\x06" in path.read_bytes()
    assert len(list(open_export(path).messages())) == 2
