"""No content, no name and no number reaches a log line, whichever way somebody tries."""

import asyncio
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from secondme.domain.errors import ConfigError, Invalid, MindFailed
from secondme.observe import logs
from secondme.observe.guard import FORBIDDEN, is_forbidden, plain
from tests.support.logging import logging_as_it_was

CANARY = "CANARY-7f3a-meet-me-at-nine"
NUMBER = "+4915501234567"


class Message:
    """Stands for anything whose repr shows content."""

    def __repr__(self) -> str:
        return f"Message({CANARY!r})"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    with logging_as_it_was():
        yield


@pytest.fixture
def lines(tmp_path: Path) -> Any:
    """Configure into a folder; calling it gives what was logged, after a search for the canaries."""
    logs.configure("gateway", data_dir=tmp_path, stderr=False)

    def read() -> list[dict[str, Any]]:
        text = (tmp_path / "logs" / "gateway.jsonl").read_text()
        assert CANARY not in text
        assert NUMBER[1:] not in text
        return [json.loads(line) for line in text.splitlines()]

    return read


def test_a_line_carries_event_service_trace_and_figures(lines: Any) -> None:
    message = uuid4()
    with logs.tracing(message):
        logs.get_logger("inbox").info("message.received", contact_id=message, waited_ms=12, messages=3)
    logs.get_logger("inbox").info("message.settled")
    first, second = lines()
    assert first["event"] == "message.received"
    assert first["service"] == "gateway"
    assert first["area"] == "inbox"
    assert first["trace"] == first["contact_id"] == str(message)
    assert (first["waited_ms"], first["messages"], first["level"]) == (12, 3, "info")
    assert datetime.fromisoformat(first["at"]).utcoffset() == timedelta(0)
    assert "trace" not in second


def test_a_modules_name_will_do(lines: Any) -> None:
    logs.get_logger("secondme.pipeline.turns").info("turn.claimed")
    assert lines()[0]["area"] == "pipeline.turns"


def test_other_libraries_lines_carry_the_trace(lines: Any) -> None:
    with logs.tracing("t-1"):
        logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    (line,) = lines()
    assert line["trace"] == "t-1"
    assert line["event"] == "uvicorn.error"
    assert line["said"] == "Started server process [7]"


@pytest.mark.parametrize(
    "key", sorted(FORBIDDEN | {"contact_name", "replyText", "provider_id", "from", "rawBody"})
)
def test_forbidden_keys_are_dropped_and_named(lines: Any, key: str) -> None:
    logs.get_logger("x").info("message.received", **{key: CANARY})
    (line,) = lines()
    assert line["dropped"] == [key]
    assert key not in line


@pytest.mark.parametrize(
    "key", ["message_id", "contact_id", "tokens_used", "token_count", "rule", "outcome", "model"]
)
def test_ids_and_figures_may_stand(key: str) -> None:
    assert not is_forbidden(key)


def test_counts_stand_only_as_numbers(lines: Any) -> None:
    logs.get_logger("x").info("burst.answered", messages=[CANARY], replies=2)
    (line,) = lines()
    assert line["replies"] == 2
    assert line["dropped"] == ["messages"]


@pytest.mark.parametrize(
    "value", [Message(), [Message()], {"text": CANARY}, CANARY.encode(), (Path(CANARY),)]
)
def test_objects_are_reduced_to_their_type(lines: Any, value: object) -> None:
    logs.get_logger("x").info("thing.seen", thing=value)
    (line,) = lines()
    assert line["event"] == "thing.seen"


def test_plain_keeps_scalars_masks_numbers_and_cuts() -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    assert plain([1, 2.5, True, None, "x", moment]) == [1, 2.5, True, None, "x", str(moment)]
    assert plain(timedelta(minutes=1)) == 60
    for number in (NUMBER, NUMBER[1:], "+49 (155) 012-345-67", f"{NUMBER[1:]}@s.whatsapp.net"):
        assert plain(f"to {number}!").startswith("to [number]")
    for harmless in (str(uuid4()), "1795167000000-0", "2026-11-20T10:02:35.988063+05:30", "127.0.0.1:6379"):
        assert plain(harmless) == harmless
    assert len(plain("x" * 10_000)) == 201
    assert len(plain(list(range(1000)))) == 20
    assert plain(Message()) == "<Message>"


def test_an_event_that_is_a_sentence_is_not_kept(lines: Any) -> None:
    logs.get_logger("x").info(f"Got {CANARY}")
    logs.get_logger("x").info("Got %s", CANARY)
    assert [line["event"] for line in lines()] == ["log.unnamed", "log.unnamed"]


def test_strict_raises_instead() -> None:
    logs.configure("test", stderr=False, strict=True)
    with pytest.raises(Invalid, match="keys reply"):
        logs.get_logger("x").info("message.received", reply="x")
    with pytest.raises(Invalid, match="no dotted name"):
        logs.get_logger("x").info("A sentence.")
    logs.get_logger("x").info("message.received", message_id=uuid4())


def _fail() -> None:
    try:
        raise ValueError(f"could not read {CANARY} of {NUMBER}")
    except ValueError as error:
        raise MindFailed("openai:gpt answered 500. Try again later.") from error


def test_exceptions_are_logged_by_type_and_by_our_own_message(lines: Any) -> None:
    try:
        _fail()
    except MindFailed as error:
        logs.get_logger("x").exception("mind.failed")
        logs.get_logger("x").warning("mind.failed", error=error)
        logs.get_logger("x").warning("mind.failed", exc_info=error)
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
        logging.getLogger("redis").exception(f"boom {CANARY}")
    for line in lines():
        assert line["error"] == "MindFailed: openai:gpt answered 500. Try again later. ← ValueError"
    assert "test_logs.py:" in lines()[0]["where"]


def test_groups_and_numbers_in_exceptions_are_reduced(lines: Any) -> None:
    group = ExceptionGroup(CANARY, [KeyError(CANARY), Invalid(f"{NUMBER} is unknown.")])
    logs.get_logger("x").error("task.failed", error=group)
    (line,) = lines()
    assert line["error"] == "ExceptionGroup(KeyError, Invalid: [number] is unknown.)"


def test_other_libraries_lines_are_reduced(lines: Any) -> None:
    log = logging.getLogger("redis")
    log.warning(f"unexpected {CANARY}")
    log.warning("unexpected %s", CANARY)
    log.warning(CANARY, extra={"text": CANARY}, stack_info=True)
    log.warning("bad %d", CANARY)
    log.warning("port %d-%s is 100%%", 3001, int(NUMBER[1:]))
    log.warning("100% and no arguments")
    log.warning("by name %(who)s", {"who": CANARY})
    logging.getLogger(f"weird {NUMBER}").warning("x %r", Message())
    for name in ("uvicorn.access", "aiohttp.access"):
        logging.getLogger(name).error("%s", CANARY)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(CANARY, stacklevel=1)
    said = [line.get("said") for line in lines()]
    figures = ["port 3001-… is 100%", "100% and no arguments", "by name …"]
    assert said == [None, "unexpected …", None, "bad …", *figures, "x …", None]
    assert lines()[0]["place"].startswith("test_logs.py:")


async def test_tasks_that_nobody_awaited_are_reduced(lines: Any) -> None:
    async def fail() -> None:
        raise ValueError(CANARY)

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": task.exception(), "task": task}
    )
    (line,) = lines()
    assert (line["event"], line["error"]) == ("asyncio", "ValueError")


def test_a_terminal_gets_readable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("up", human=True)
    logs.get_logger("x").info("message.received", text=CANARY, count=3)
    shown = capsys.readouterr().err
    assert "message.received" in shown
    assert CANARY not in shown
    assert not shown.startswith("{")


def test_files_are_private_and_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    logs.configure("gateway", data_dir=tmp_path, stderr=False)
    assert (tmp_path / "logs" / "gateway.jsonl").stat().st_mode & 0o777 == 0o600
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="SECONDME_DATA_DIR"):
        logs.configure("gateway", data_dir=tmp_path / "file", stderr=False)


def test_a_new_day_begins_a_new_file(tmp_path: Path) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "gateway.jsonl").write_text('{"event":"old"}\n')
    os.utime(folder / "gateway.jsonl", (yesterday, yesterday))
    logs.configure("gateway", data_dir=tmp_path, stderr=False)
    logs.get_logger("x").info("day.begun")
    assert "day.begun" in (folder / "gateway.jsonl").read_text()
    assert "old" not in (folder / "gateway.jsonl").read_text()
    assert len(list(folder.glob("gateway.jsonl.*"))) == 1


def test_purge_deletes_old_files_and_empties_a_silent_service(tmp_path: Path) -> None:
    old = (datetime.now(UTC) - timedelta(days=31)).timestamp()
    ours, others = ("gateway.jsonl", "gateway.jsonl.2026-01-01"), ("audit-2026-01-01.jsonl", "other.txt")
    for name in (*ours, "up.jsonl", "up.jsonl.2026-01-01", *others):
        (tmp_path / name).write_text("{}\n")
    for name in (*ours, *others):
        os.utime(tmp_path / name, (old, old))
    assert logs.purge_logs(tmp_path) == 2
    assert (tmp_path / "gateway.jsonl").read_text() == ""
    assert {file.name for file in tmp_path.iterdir()} == {
        "gateway.jsonl",
        "up.jsonl",
        "up.jsonl.2026-01-01",
        *others,
    }
    assert logs.purge_logs(tmp_path) == 0


def test_the_guard_stays_cheap() -> None:
    """Measured so that a surprise shows: a line is worth some ten microseconds, not a millisecond."""
    stream = io.StringIO()
    logs.configure("x", stderr=False)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs._formatter("x", strict=False, pretty=False))
    logs._installed.append(handler)
    logging.getLogger().addHandler(handler)
    log, begun = logs.get_logger("x"), datetime.now(UTC)
    for number in range(500):
        log.info("message.received", number_of_x=number, count=number)
    assert datetime.now(UTC) - begun < timedelta(seconds=1)
    assert stream.getvalue().count("\n") == 500


def test_lines_that_come_by_the_hundred_are_as_each_alone(lines: Any) -> None:
    ids = [uuid4() for _ in range(3)]
    rows = [{"trace": one, "account": NUMBER, "kind": "text", "contact_name": CANARY} for one in ids]
    logs.log_each("pipeline.inbox", "message.received", rows)
    for row in rows:
        logs.get_logger("pipeline.inbox").info("message.received", **row)
    together, alone = lines()[:3], lines()[3:]
    assert [line["trace"] for line in together] == [str(one) for one in ids]
    for line in together + alone:
        assert "T" in line.pop("at")
        line.pop("dropped")
    assert together == alone
