"""The audit log says who did what when, and cannot be made to say what was said."""

import json
import multiprocessing
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from secondme.domain.errors import Invalid
from secondme.observe.audit import AuditEntry, AuditLog

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DIGEST = "9f86d081884c7d659a2feaa0c55ad015"


def _entry(**changes: Any) -> AuditEntry:
    return AuditEntry(**{"event": "delivery.sent", "timestamp": AT, "contact_id": DIGEST, **changes})


def test_a_line_has_the_documented_fields(tmp_path: Path) -> None:
    message = UUID(int=7)
    log = AuditLog(tmp_path, now=lambda: AT)
    entry = _entry(
        message_id=message, direction="outgoing", bot_sent=True, model="openai/gpt-oss-20b", tokens_used=523,
        typing_delay_ms=4500, word_count=25, rule="auto", actor="bot",
    )  # fmt: skip
    assert log.write(entry)
    log.close()
    assert json.loads((tmp_path / "audit-2026-11-20.jsonl").read_text()) == {
        "messageId": str(message), "contactId": DIGEST, "timestamp": 1795167000000, "direction": "outgoing",
        "botSent": True, "model": "openai/gpt-oss-20b", "tokensUsed": 523, "typingDelayMs": 4500,
        "wordCount": 25, "event": "delivery.sent", "rule": "auto", "actor": "bot",
    }  # fmt: skip


@pytest.mark.parametrize(
    "ours",
    [
        {"model": "fixed line"},
        {"rule": "switch.pressed"},
        {"model": "groq:openai/gpt-oss-20b"},
        {"contact_id": "1" * 32},
    ],
)
def test_names_of_ours_are_accepted(ours: dict[str, str]) -> None:
    (value,) = ours.values()
    assert value in _entry(**ours).line().decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"contact_id": "+4915501234567"},
        {"contact_id": "491550123456789"},
        {"contact_id": "Anna"},
        {"event": "He said hello"},
        {"model": "x" * 200},
        {"rule": "see you at nine"},
        {"actor": "4915501234567"},
        {"direction": "incoming\n{}"},
    ],
)
def test_names_numbers_and_sentences_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid, match=next(iter(wrong))) as refused:
        _entry(**wrong)
    assert next(iter(wrong.values())) not in str(refused.value)


def test_each_day_has_its_file_and_old_days_go(tmp_path: Path) -> None:
    moment = AT

    def now() -> datetime:
        return moment

    log = AuditLog(tmp_path, now=now)
    for days in range(33):
        moment = AT + timedelta(days=days)
        assert log.write(_entry())
    (tmp_path / "audit-notes.jsonl").write_text("kept")
    (tmp_path / "gateway.jsonl").write_text("kept")
    assert log.purge() == 2
    left = sorted(file.name for file in tmp_path.glob("audit-2*.jsonl"))
    assert (left[0], left[-1], len(left)) == ("audit-2026-11-22.jsonl", "audit-2026-12-22.jsonl", 31)
    assert log.write(_entry())
    assert len((tmp_path / left[-1]).read_text().splitlines()) == 2
    assert (tmp_path / "audit-notes.jsonl").exists()
    log.close()


def test_it_appends_after_a_restart_and_is_private(tmp_path: Path) -> None:
    for _ in range(2):
        log = AuditLog(tmp_path / "deep" / "audit", now=lambda: AT)
        assert log.write(_entry())
        log.close()
    file = tmp_path / "deep" / "audit" / "audit-2026-11-20.jsonl"
    assert len(file.read_text().splitlines()) == 2
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not AuditLog(tmp_path / "file").write(_entry())


def test_a_full_disk_stops_nothing() -> None:
    log = AuditLog(Path("/nowhere"), now=lambda: AT)
    log._file, log._day = os.open("/dev/full", os.O_WRONLY), AT.date()
    assert not log.write(_entry())
    assert log._file == -1


def _write_many(folder: Path) -> None:
    log = AuditLog(folder, now=lambda: AT)
    for _ in range(500):
        log.write(_entry(rule="r" * 100))
    log.close()


def test_processes_do_not_cut_each_others_lines(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_many, args=(tmp_path,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    lines = (tmp_path / "audit-2026-11-20.jsonl").read_text().splitlines()
    assert len(lines) == 1000
    assert all(json.loads(line)["rule"] == "r" * 100 for line in lines)


@pytest.mark.parametrize("model", ["Llama 3 (Q4)", "modèle", "+4915112345678"])
def test_a_model_named_unusually_costs_its_name_alone(tmp_path: Path, model: str) -> None:
    log = AuditLog(tmp_path, now=lambda: AT)
    assert log.note(event="delivery.sent", timestamp=AT, contact_id=DIGEST, model=model)
    assert not log.note(event="delivery.sent", timestamp=AT, contact_id="Ana", model=model)
    log.close()
    (line,) = (tmp_path / "audit-2026-11-20.jsonl").read_text().splitlines()
    assert json.loads(line) == {"event": "delivery.sent", "timestamp": 1795167000000, "contactId": DIGEST}


def test_lines_that_come_together_read_like_lines_that_come_alone(tmp_path: Path) -> None:
    entries = [
        _entry(message_id=UUID(int=n), contact_id=f"{n:032x}", direction=way, bot_sent=False)
        for n, way in enumerate(("incoming", "outgoing", "incoming"), 1)
    ]
    log = AuditLog(tmp_path, now=lambda: AT)
    rows = [(str(e.message_id), str(e.contact_id), str(e.direction)) for e in entries]
    assert log.write_each(entries[0], rows[1:]) and log.write(*entries)
    with pytest.raises(Invalid, match="digest"):
        log.write_each(entries[0], [(str(UUID(int=9)), "+4915501234567", "incoming")])
    log.close()
    lines = (tmp_path / "audit-2026-11-20.jsonl").read_text().splitlines()
    assert lines[:3] == lines[3:] and len(lines) == 6
