"""The bytes of an export as a stream of text, from a .txt or from the chat inside a .zip."""

import codecs
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO

from secondme.memory.exports.archive import DAMAGED, find_chat
from secondme.memory.exports.errors import ExportError
from secondme.memory.exports.words import unmarked

_CHUNK = 128 << 10  # bytes
_MAX_BYTES = 4 << 30  # of the text; the longest chats are a few hundred megabytes
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_TOLERATED = 1000  # bytes for each damaged character; text of another encoding has one in fifty
_READ_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

_NOT_UTF8 = (
    "This file is not UTF-8 text, as WhatsApp writes it: {what}. Give the file as the phone exported it, "
    "or save it again as UTF-8."
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the text is: `title` is the chat's name if file names tell it, `made` the day of the export."""

    path: Path
    member: str | None
    title: str | None
    made: date | None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        try:
            with self.path.open("rb") as raw:
                if self.member is None:
                    yield raw
                    return
                archive, chat = find_chat(raw, self.path.stem)
                with archive, archive.open(chat) as packed:
                    yield packed
        except OSError as error:
            raise ExportError(f"The file cannot be read: {error.strerror or 'input error'}.") from None
        except _READ_ERRORS:
            raise ExportError(DAMAGED) from None  # what zipfile says quotes names


class Texts:
    """Reads a source once as chunks of text. No chunk ends between a carriage return and its line feed.

    `size` counts the bytes read so far, `damaged` the characters that were no text and became U+FFFD.
    Raises ExportError when it is not text, too long, or cannot be read to its end.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = 0
        self.damaged = 0

    def __iter__(self) -> Iterator[str]:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        held = ""  # a carriage return whose line feed is in the next chunk
        with self._source.open() as stream:
            while chunk := stream.read(_CHUNK):
                text = held + self._checked(chunk, decode(chunk))
                held = "\r" if text.endswith("\r") else ""
                yield text[: len(text) - len(held)]
        rest = decode(b"", True)
        self.damaged += len(rest)
        if held or rest:
            yield held + rest

    def _checked(self, chunk: bytes, text: str) -> str:
        if self.size == 0 and chunk.startswith(_WIDE):
            raise ExportError(_NOT_UTF8.format(what="it is UTF-16 or UTF-32"))
        self.size += len(chunk)
        if self.size > _MAX_BYTES:
            raise ExportError("This chat is longer than 4 GB, which no export is. It is not read.")
        if "\0" in text:  # no store keeps it
            text = text.replace("\0", "\ufffd")
        if "\ufffd" in text:
            self.damaged += text.count("\ufffd") - chunk.count(b"\xef\xbf\xbd")
            self.check_damage()
        return text

    def check_damage(self) -> None:
        """Refuses text of another encoding; a broken character here and there is let through."""
        if self.damaged * _TOLERATED > self.size:
            raise ExportError(_NOT_UTF8.format(what="it is binary, damaged, or in an older encoding"))


def open_source(path: Path) -> Source:
    """Where the chat is in this file. Raises ExportError for what is neither text nor a zip with a chat."""
    if not path.is_file():
        what = "a folder or device" if path.exists() else "no file"
        raise ExportError(f"There is {what} under this name. Give the .txt or .zip that WhatsApp exported.")
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
            if not start.strip(b"\xef\xbb\xbf"):
                raise ExportError("This file is empty. Export the chat again and give the new file.")
            if start not in _ZIP:
                return Source(path, None, _title(path.stem, path.parent.name), None)
            archive, chat = find_chat(raw, path.stem)
            archive.close()
    except OSError as error:
        raise ExportError(f"The file cannot be read: {error.strerror or 'input error'}.") from None
    title = _title(PurePosixPath(chat.filename).stem, path.stem)
    return Source(path, chat.filename, title, _made(chat))


def _title(stem: str, around: str) -> str | None:
    """From the chat's own name, or, as an iPhone calls every chat _chat.txt, from what it lies in."""
    return chat_title(stem) or chat_title(around)


def _made(chat: zipfile.ZipInfo) -> date | None:
    """The day on which the phone wrote the zip; None if the zip does not say, or says 1980."""
    try:
        made = date(*chat.date_time[:3])
    except ValueError:
        return None
    return made if made.year >= 2009 else None


_TITLE = re.compile(
    r".*?whats\s?app(?:\s+business)?(?:[\s-]*(?:chat|чат))?"
    r"(?:\s+(?:with|mit|con|com|avec|met|med|dengan|amb|cu|s(?:\s+uživatelem)?|z|с(?:\s+контактом)?|со|із|з)\s+"
    r"|\s*[-–]\s+|\s+)(.+)",
    re.IGNORECASE,
)
_TITLE_FIRST = re.compile(r"(.+?)(?:\s+ile\s+|との\s*|\s+के\s+साथ\s+)whatsapp\b.*", re.IGNORECASE)


def chat_title(stem: str) -> str | None:
    """The chat's name from a file name such as "WhatsApp Chat with Ana", in the languages known here."""
    name = unmarked(stem)
    if " " not in name:
        name = name.replace("_", " ")
    name = re.sub(r"(\.txt|\.zip)+$|\s*\(\d{1,3}\)$", "", name.strip(), flags=re.IGNORECASE)
    found = _TITLE_FIRST.fullmatch(name) or _TITLE.fullmatch(name)
    return found[1].strip() or None if found else None
