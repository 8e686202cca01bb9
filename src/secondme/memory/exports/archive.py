"""Finding the one chat inside a zip, at a bounded cost and without writing anything to disk."""

import stat
import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from secondme.memory.exports.errors import ExportError

_MAX_DIRECTORY = 32 << 20  # bytes of the list of members; a hundred thousand media files need ten megabytes
_MAX_RATIO = 100  # a chat compresses to a fifth; a bomb to a thousandth
_FREE = 8 << 20  # uncompressed bytes below which the ratio does not matter
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may ask for gigabytes of memory
_END, _END64_AT, _END64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_IGNORED = ("__MACOSX/", ".DS_Store")

DAMAGED = "This zip is damaged or incomplete. Export the chat again and give the new file."


def find_chat(archive: BinaryIO, stem: str) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
    """The opened zip and its chat: `_chat.txt`, the file named like the zip, or the only .txt.

    `stem` is the zip's own name without its suffix. Raises ExportError.
    """
    _check_directory(archive)
    try:
        opened = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise ExportError(DAMAGED) from None  # what zipfile says quotes names
    members = opened.infolist()
    for member in members:
        _check_name(member)
    chat = _choose([m for m in members if not _ignored(m.filename)], stem)
    _check_chat(chat)
    return opened, chat


def _check_directory(archive: BinaryIO) -> None:
    """Refuses a list of members that would fill the memory before the first of them is seen."""
    size = archive.seek(0, 2)
    archive.seek(max(0, size - 65_557 - 20))
    tail = archive.read()
    archive.seek(0)
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise ExportError(DAMAGED)
    (length,) = struct.unpack_from("<I", tail, at + 12)
    if length == 0xFFFFFFFF or tail[max(0, at - 20) : at].startswith(_END64_AT):
        length = _length64(archive, tail[max(0, at - 20) : at])
    if length > _MAX_DIRECTORY:
        raise ExportError(
            "This zip lists far more files than a chat has. Unpack it and give the .txt of the chat."
        )


def _length64(archive: BinaryIO, locator: bytes) -> int:
    """Bytes of the list of members as a zip beyond 4 GB states it."""
    try:
        (at,) = struct.unpack_from("<Q", locator, 8)
        archive.seek(at)
        record = archive.read(56)
        archive.seek(0)
        (length,) = struct.unpack_from("<Q", record, 40)
    except (struct.error, OSError, OverflowError, ValueError):
        raise ExportError(DAMAGED) from None
    if not record.startswith(_END64):
        raise ExportError(DAMAGED)
    return int(length)


def _check_name(member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or ":" in name.split("/")[0][:2] or ".." in name.split("/"):
        raise ExportError(
            "This zip holds a file that points outside of it, which WhatsApp never writes. "
            "Do not unpack it; export the chat again."
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ExportError(
            "This zip holds a symbolic link, which WhatsApp never writes. Export the chat again."
        )


def _ignored(name: str) -> bool:
    return name.endswith("/") or name.startswith(_IGNORED) or PurePosixPath(name).name.startswith("._")


def _choose(members: list[zipfile.ZipInfo], stem: str) -> zipfile.ZipInfo:
    texts = [m for m in members if m.filename.lower().endswith(".txt")]
    names = {m.filename: PurePosixPath(m.filename).name for m in texts}
    for wanted in (
        [m for m in texts if names[m.filename].lower() == "_chat.txt"],
        [m for m in texts if Path(names[m.filename]).stem == stem],
        [m for m in texts if "whatsapp" in names[m.filename].lower()],
        texts,
    ):
        if len(wanted) == 1:
            return wanted[0]
        if wanted:
            raise ExportError(f"This zip holds {len(wanted)} chats. Unpack it and give one .txt at a time.")
    if any(m.filename.lower().endswith(".zip") for m in members):
        raise ExportError("This zip holds another zip and no chat. Unpack it and give the inner one.")
    raise ExportError(
        "This zip holds no chat: there is no .txt in it. In WhatsApp open the chat and choose Export chat."
    )


def _check_chat(chat: zipfile.ZipInfo) -> None:
    if chat.flag_bits & 0x1:
        raise ExportError("This zip is encrypted. Unpack it with its password and give the .txt of the chat.")
    if chat.compress_type not in _METHODS:
        raise ExportError(
            "This zip is packed in a way that WhatsApp does not use. Unpack it and give the .txt of the chat."
        )
    check_ratio(chat.file_size, chat.compress_size)


def check_ratio(size: int, packed: int) -> None:
    """Refuses what unpacks to far more than text does. Both in bytes."""
    if size > _FREE and size > _MAX_RATIO * max(packed, 1):
        raise ExportError(
            "This zip unpacks to more than a hundred times its size, as no chat does. It is not read. "
            "If it is a real export, unpack it and give the .txt of the chat."
        )
