"""A chat on its way in: looked at, learned from, and gone again whatever happens."""

import json
from importlib.resources import files
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from secondme.web.dashboard import upload
from tests.web.conftest import Desk

LENA = (files("secondme") / "samples" / "lena" / "WhatsApp Chat with Mara Ruiz.txt").read_bytes()
AMBIGUOUS = b"".join(b"0%d/0%d/2026, 11:12 - Ana: hello\n" % (n, n) for n in range(1, 4))


def form(file: bytes, **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for name, value in fields.items():
        data.add_field(name, value)
    data.add_field("file", file, filename="chat.txt", content_type="text/plain")
    return data


async def send(desk: Desk, path: str, data: aiohttp.FormData) -> tuple[int, str]:
    headers = {"origin": desk.base}
    async with desk.session.post(desk.base + path, data=data, headers=headers) as answer:
        return answer.status, await answer.text()


def left(desk: Desk) -> list[str]:
    return [path.name for path in (desk.app.settings.data_dir / "run").glob("upload-*")]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_looking_keeps_nothing(desk: Desk) -> None:
    status, text = await send(desk, "/api/import/inspect", form(LENA))
    found = json.loads(text)
    assert status == 200
    assert set(found["authors"]) == {"Lena Brandt", "Mara Ruiz"}
    assert found["messages"] > 1000 and found["file"] == "chat.txt"
    assert left(desk) == []
    assert not (await desk.get("/api/state"))[1]["ownVoice"]


async def test_learning_reports_and_deletes_the_file(desk: Desk) -> None:
    status, text = await send(desk, "/api/import", form(LENA, me="Lena Brandt", keepVoice="yes"))
    said = lines(text)
    assert status == 200
    assert all(set(line) == {"progress"} for line in said[:-1])
    assert said[-2]["progress"]["done"] == said[-2]["progress"]["size"] == len(LENA)
    report = said[-1]["report"]
    assert report["kept"] > 100 and report["persona"]["name"] == "Your own voice"
    assert left(desk) == []
    _, state = await desk.get("/api/state")
    assert state["ownVoice"] and state["keptReplies"] == report["kept"]
    again = lines((await send(desk, "/api/import", form(LENA, me="Lena Brandt", keepVoice="yes")))[1])
    assert again[-1]["report"]["kept"] == 0


async def test_how_far_memory_has_come(desk: Desk) -> None:
    _, text = await send(desk, "/api/import", form(LENA, me="Lena Brandt", keepVoice="no"))
    report = lines(text)[-1]["report"]
    where = f"/api/imports/{report['id']}"
    total = report["remembers"]
    assert (await desk.get(where))[1] == {
        "state": "waiting",
        "total": total,
        "done": 0,
        "entities": 0,
        "failure": None,
    }
    assert await desk.app.import_worker.work_once()
    _, found = await desk.get(where)
    assert found.pop("entities") > 10
    assert found == {"state": "done", "total": total, "done": total, "failure": None}
    assert (await desk.get(f"/api/imports/{uuid4()}"))[0] == 404


async def test_without_consent_no_reply_is_kept(desk: Desk) -> None:
    _, text = await send(desk, "/api/import", form(LENA, me="Lena Brandt", keepVoice="no"))
    assert lines(text)[-1]["report"]["kept"] == 0
    assert (await desk.get("/api/state"))[1]["keptReplies"] == 0


async def test_a_bundled_chat(desk: Desk) -> None:
    _, samples = await desk.get("/api/import/samples")
    assert {sample["me"] for sample in samples} == {"Lena Brandt", "Viktor Hale"}
    for sample in samples:
        status, found = await desk.get(f"/api/import/samples/{sample['name']}")
        assert status == 200 and sample["me"] in found["authors"]
    body = {"name": "viktor", "keepVoice": True}
    async with desk.session.post(
        desk.base + "/api/import/sample", json=body, headers={"origin": desk.base}
    ) as answer:
        assert lines(await answer.text())[-1]["report"]["kept"] > 0
    assert (await desk.get("/api/import/samples/nobody"))[0] == 404


async def test_whom_it_is_with_and_how_the_owner_knows_them(desk: Desk) -> None:
    """So that nobody is met twice, and the voice is learned for people of this kind."""
    await desk.says("hello")
    (mara,) = await desk.app.control.everyone()
    about = {"me": "Lena Brandt", "keepVoice": "no", "contact": str(mara.id), "relationship": "colleague"}
    assert "report" in lines((await send(desk, "/api/import", form(LENA, **about)))[1])[-1]
    (still,) = await desk.app.control.everyone(imported=True)
    assert (still.id, still.relationship) == (mara.id, "colleague")
    personas = {one["id"] for one in (await desk.get("/api/state"))[1]["personas"]}
    assert "persona-own-colleague" in personas
    body = {"name": "lena", "keepVoice": False, "contact": str(mara.id), "relationship": "friend"}
    async with desk.session.post(
        desk.base + "/api/import/sample", json=body, headers={"origin": desk.base}
    ) as answer:
        assert "report" in lines(await answer.text())[-1]
    (still,) = await desk.app.control.everyone(imported=True)
    assert still.relationship == "friend"
    status, text = await send(desk, "/api/import", form(LENA, **about | {"contact": str(uuid4())}))
    assert status == 404 and "No contact" in json.loads(text)["error"]
    _, text = await send(desk, "/api/import", form(LENA, **about | {"relationship": "nemesis"}))
    assert "A relationship is one of" in lines(text)[-1]["error"]
    assert left(desk) == []


async def test_an_order_that_nobody_can_tell_is_asked_for(desk: Desk) -> None:
    status, text = await send(desk, "/api/import/inspect", form(AMBIGUOUS))
    assert status == 422 and json.loads(text)["needs"] == "order"
    assert (await send(desk, "/api/import/inspect", form(AMBIGUOUS, order="dmy")))[0] == 200
    assert (await send(desk, "/api/import/inspect", form(AMBIGUOUS, order="xyz")))[0] == 400
    assert left(desk) == []


async def test_what_is_no_export_is_said_in_one_sentence(desk: Desk) -> None:
    for file, me, told in (
        (b"", "x", "empty"),
        (b"\x89PNG not a chat", "x", "export"),
        (b"x", "y" * 2000, "longer than 1024"),
    ):
        status, text = await send(desk, "/api/import/inspect", form(file, me=me))
        assert status in (400, 422)
        assert told in json.loads(text)["error"]
    headers = {"origin": desk.base, "content-type": "multipart/form-data"}
    status, answer = await desk.post("/api/import/inspect", headers=headers, json=None, data=b"x")
    assert status == 400 and "named file" in answer["error"]
    assert left(desk) == []


async def test_somebody_else_and_no_consent_named(desk: Desk) -> None:
    _, text = await send(desk, "/api/import", form(LENA, me="Nobody", keepVoice="yes"))
    assert "Lena Brandt" in lines(text)[-1]["error"]
    status, text = await send(desk, "/api/import", form(LENA, me="Lena Brandt"))
    assert status == 400 and "keepVoice" in json.loads(text)["error"]
    assert left(desk) == []


async def test_a_file_that_is_too_large_or_breaks_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MAX_FILE", 1000)
    status, text = await send(desk, "/api/import/inspect", form(LENA))
    assert status == 400 and "512 MiB" in json.loads(text)["error"]
    broken = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf'
    headers = {"origin": desk.base, "content-type": "multipart/form-data; boundary=b"}
    async with desk.session.post(desk.base + "/api/import/inspect", data=broken, headers=headers) as answer:
        assert answer.status == 400
    assert left(desk) == []


def part(name: str, more: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\nx\r\n'.encode()


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (2 * part("file", '; filename="a.txt"'), "several files"),
        (b"".join(part(f"field-{n}") for n in range(11)), "more than 10 parts"),
        (part("file", f'; filename="{"a" * 3000}"'), "longer than 2048"),
    ],
)
async def test_a_form_is_one_file_and_few_words(desk: Desk, parts: bytes, told: str) -> None:
    headers = {"origin": desk.base, "content-type": "multipart/form-data; boundary=b"}
    async with desk.session.post(
        desk.base + "/api/import/inspect", data=parts + b"--b--\r\n", headers=headers
    ) as answer:
        assert answer.status == 400
        assert told in (await answer.json())["error"]
    assert left(desk) == []


async def test_what_a_crash_left_behind_goes(desk: Desk) -> None:
    folder = desk.app.settings.data_dir / "run"
    folder.mkdir(exist_ok=True)
    (folder / "upload-old").write_bytes(b"x")
    assert upload.sweep(folder, left_over=3600) == 0
    assert upload.sweep(folder, left_over=-1) == 1
    assert left(desk) == []
