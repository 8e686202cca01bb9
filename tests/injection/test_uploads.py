"""The page's upload: a file's name and the fields beside it are words, and name no place, no part and no header."""

import json
from pathlib import Path
from typing import Any

from tests.injection import hostile
from tests.web.conftest import Desk
from tests.web.conftest import desk as desk

_CHAT = b"".join(
    b"%d/03/2026, 10:00 - %s: hello number %d\n" % (n, who, n)
    for n in range(13, 29)
    for who in (b"Lena", b"Mara")
)
_EDGE = b"edge7"
NAMES = (
    *hostile.FILES,
    "x\r\nContent-Type: text/html\r\n\r\n<b>",
    'a\\"; name="me',
    "\x00",
    "run/../../held-press.json",
)


def form(name: str, **fields: str) -> bytes:
    """As a caller may write it who keeps to no rule: no name is quoted."""
    parts = [
        f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode(errors="replace")
    return (
        b"".join(b"--" + _EDGE + b"\r\n" + part for part in (*parts, head + _CHAT + b"\r\n"))
        + b"--"
        + _EDGE
        + b"--\r\n"
    )


async def posted(desk: Desk, path: str, body: bytes) -> tuple[int, str, str]:
    headers = {"origin": desk.base, "content-type": f"multipart/form-data; boundary={_EDGE.decode()}"}
    async with desk.session.post(desk.base + path, data=body, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text()


def there(folder: Path) -> set[Path]:
    """All files but those in which the product writes down what it does, and the chats that wait, sealed."""
    return {
        path for path in folder.rglob("*") if path.is_file() and not {"logs", "imports"} & set(path.parts)
    }


async def test_a_name_is_no_place(desk: Desk, tmp_path: Path) -> None:
    before = there(tmp_path.parent)
    for name in NAMES:
        status, kind, text = await posted(desk, "/api/import/inspect", form(name))
        assert kind == "application/json"
        found: dict[str, Any] = json.loads(text)
        if status == 200:
            assert len(found["file"]) <= 200
            assert found["authors"] == {"Lena": 16, "Mara": 16}
        else:
            assert status == 400 and found
        assert there(tmp_path.parent) == before


async def test_what_stands_beside_it_is_only_words(desk: Desk, tmp_path: Path) -> None:
    before = there(tmp_path.parent)
    words = [
        text
        for text in hostile.few(of_each=2)
        if len(text) < 900 and "\r" not in text and "\ud83d" not in text
    ]
    for said in words:
        for fields in ({"me": said, "keepVoice": "no"}, {"me": "Lena", "keepVoice": said}):
            status, _, text = await posted(desk, "/api/import", form("chat.txt", **fields))
            last = json.loads(text.splitlines()[-1])
            assert "error" in last or status == 400, last
            assert "report" not in last
        order = {"me": "Lena", "keepVoice": "no", "order": said}
        assert (await posted(desk, "/api/import", form("chat.txt", **order)))[0] == 400
    assert there(tmp_path.parent) == before
