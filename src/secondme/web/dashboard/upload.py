"""A chat export on its way in: streamed to a private file, which goes again whatever happens."""

import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from secondme.domain.errors import Invalid

MAX_FILE = 512 * 1024 * 1024  # bytes
_MAX_FIELD = 1024  # bytes
_MAX_PARTS = 10
_MAX_HEADERS = 2048  # bytes, of one part
_PREFIX = "upload-"
_LEFT_OVER = 6 * 3600.0  # seconds after which a file must be a crash's

_ONE_FILE = "The upload holds several files: send one part named file, one chat at a time."
_NO_FORM = "The upload cannot be read: send multipart/form-data with a part named file."


@dataclass(slots=True)
class Upload:
    """A received form: small fields, and the file's place on disk. `delete()` is the receiver's duty."""

    path: Path
    name: str = ""
    size: int = 0
    fields: dict[str, str] = field(default_factory=dict)

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


async def receive(request: Request, folder: Path) -> Upload:
    """Stream the form's file into `folder` (mode 0600), at most 512 MiB. Raises Invalid, and then nothing is kept."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise Invalid(_NO_FORM)
    sweep(folder)
    upload = Upload(folder / f"{_PREFIX}{secrets.token_hex(8)}")
    try:
        await _fill(upload, boundary, request.stream())
    except BaseException:
        upload.delete()
        raise
    return upload


async def _fill(upload: Upload, boundary: bytes, chunks: AsyncIterator[bytes]) -> None:
    with _private(upload.path) as file:
        reading = _Reading(upload, file)
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reading.part_begins,
                "on_header_field": reading.header_name,
                "on_header_value": reading.header_value,
                "on_header_end": reading.header_ends,
                "on_headers_finished": reading.headers_end,
                "on_part_data": reading.data,
                "on_part_end": reading.part_ends,
            },
        )
        try:
            async for chunk in chunks:
                parser.write(chunk)
            parser.finalize()
        except MultipartParseError:
            raise Invalid(_NO_FORM) from None
    if not reading.whole:
        raise Invalid(_NO_FORM)
    if upload.size == 0:
        raise Invalid("The file is empty: export the chat again and choose that file.")


class _Reading:
    """The parser's callbacks for one form."""

    def __init__(self, upload: Upload, file: BufferedWriter) -> None:
        self.whole = False  # the file's part came, to its end
        self._parts = 0
        self._room = 0  # bytes that this part's headers may still have
        self._upload = upload
        self._file = file
        self._headers: dict[bytes, bytes] = {}
        self._header = (b"", b"")
        self._name = ""
        self._value = b""

    def part_begins(self) -> None:
        self._headers, self._name, self._value = {}, "", b""
        self._parts, self._room = self._parts + 1, _MAX_HEADERS
        if self._parts > _MAX_PARTS:
            raise Invalid(f"The upload has more than {_MAX_PARTS} parts.")

    def _measure(self, length: int) -> None:
        self._room -= length
        if self._room < 0:
            raise Invalid(f"A part's headers are longer than {_MAX_HEADERS} bytes.")

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._measure(end - start)
        self._header = (self._header[0] + data[start:end], self._header[1])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._measure(end - start)
        self._header = (self._header[0], self._header[1] + data[start:end])

    def header_ends(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = (b"", b"")

    def headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode(errors="replace")
        if self._is_file and self.whole:
            raise Invalid(_ONE_FILE)
        if self._is_file:
            self._upload.name = options.get(b"filename", b"").decode(errors="replace")[:200]

    @property
    def _is_file(self) -> bool:
        return self._name == "file"

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._upload.size += end - start
            if self._upload.size > MAX_FILE:
                raise Invalid("The file is larger than 512 MiB: export the chat without media.")
            self._file.write(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > _MAX_FIELD:
            raise Invalid(f"The field {self._name[:40]!r} is longer than {_MAX_FIELD} bytes.")

    def part_ends(self) -> None:
        if self._is_file:
            self.whole = True
        else:
            self._upload.fields[self._name] = self._value.decode(errors="replace")


@contextmanager
def _private(path: Path) -> Iterator[BufferedWriter]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file


def sweep(folder: Path, left_over: float = _LEFT_OVER) -> int:
    """Delete uploads that a crash left behind; returns how many."""
    gone = 0
    for path in folder.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > left_over:
                path.unlink()
                gone += 1
    return gone
