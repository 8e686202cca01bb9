"""Writing exports for the tests."""

import zipfile
from datetime import datetime
from pathlib import Path


def write(folder: Path, text: str | bytes, name: str = "chat.txt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(*dates: str, time: str = "10:00", author: str = "Ana") -> str:
    """An Android export with one message a date."""
    return "".join(f"{day}, {time} - {author}: number {n}\n" for n, day in enumerate(dates))


def pack(
    folder: Path, members: dict[str, str | bytes], name: str = "chat.zip", made: datetime | None = None
) -> Path:
    path = folder / name
    stamp = made or datetime(2026, 1, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            info = zipfile.ZipInfo(member, stamp.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path
