"""Streaming: no line is lost, nothing crashes, time and memory stay within bounds."""

import random
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondme.memory.exports import DateOrderAmbiguous, ExportError, ExportMessage, Kind, open_export
from secondme.memory.exports.calendars import Days
from secondme.memory.exports.clock import Clock
from secondme.memory.exports.headers import detect
from secondme.memory.exports.records import Record, Records
from tests.memory.exports.writing import lines, write

quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Stamp = Callable[[datetime], str]


def _twelve(t: datetime, am: str, pm: str) -> str:
    return f"{t.hour % 12 or 12}:{t:%M} {am if t.hour < 12 else pm}"


LAYOUTS: dict[str, Stamp] = {
    "us": lambda t: f"{t.month}/{t.day}/{t:%y}, {_twelve(t, 'AM', 'PM')} - ",
    "gb": lambda t: f"{t:%d/%m/%Y, %H:%M} - ",
    "de": lambda t: f"{t:%d.%m.%y, %H:%M} - ",
    "nl": lambda t: f"{t:%d-%m-%Y %H:%M} - ",
    "es": lambda t: f"{t.day}/{t.month}/{t.year}, {_twelve(t, 'a. m.', 'p. m.')} - ",
    "ca": lambda t: f"{t:%Y-%m-%d}, {_twelve(t, 'a.m.', 'p.m.')} - ",
    "fi": lambda t: f"{t.day}.{t.month}.{t.year} klo {t.hour}.{t:%M} - ",
    "zh": lambda t: (
        f"{t.year}/{t.month}/{t.day} {'上午' if t.hour < 12 else '下午'}{t.hour % 12 or 12}:{t:%M} - "
    ),
    "vi": lambda t: f"{t:%H:%M, %d/%m/%Y} - ",
    "th": lambda t: f"{t.day}/{t.month}/{t.year + 543} {t:%H:%M} - ",
    "iphone": lambda t: f"[{t:%d/%m/%Y, %H:%M:%S}] ",
    "iphone us": lambda t: f"\u200e[{t.month}/{t.day}/{t:%y}, {t.hour % 12 or 12}:{t:%M:%S}\u202f{t:%p}] ",
    "iphone id": lambda t: f"[{t:%d/%m/%y %H.%M.%S}] ",
    "old iphone": lambda t: f"{t:%d/%m/%y %H:%M:%S}: ",
}

_word = st.text(
    "abc äöñ مرحبا 你好 😀🎉\t.,;:!?-_*/@#&=+'[]{}\u200d\u2028\u0085\x0b", min_size=1, max_size=30
)
texts = st.lists(_word, min_size=1, max_size=4).map("\n".join)
names = st.text("abcÄÖ مرحبا你😀 .'-()", min_size=1, max_size=20).map(str.strip).filter(bool)
gaps = st.integers(1, 4_000_000)  # seconds


@quick
@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.lists(st.tuples(names, texts, gaps), min_size=1, max_size=12),
    st.booleans(),
)
def test_what_was_written_is_read(
    tmp_path: Path, name: str, said: list[tuple[str, str, int]], crlf: bool
) -> None:
    stamp, at = LAYOUTS[name], datetime(2024, 1, 13, 0, 5, 9)
    whole = "iphone" not in name  # minutes only
    expected, written = [], []
    for author, text, gap in said:
        expected.append(ExportMessage(at.replace(second=0) if whole else at, author, Kind.TEXT, text, None))
        written.append(f"{stamp(at)}{author}: {text}")
        at += timedelta(seconds=gap)
    end = "\r\n" if crlf else "\n"
    path = write(tmp_path, end.join(written) + end)
    assert list(open_export(path).messages()) == expected


_junk = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=40)
_headers = st.sampled_from(
    [
        "25/04/2024, 10:00 - Ana: hello",
        "26/04/2024, 10:00 - Bo: <Media omitted>",
        "31/02/2024, 10:00 - Bo: no such day",
        "25/04/2024, 10:99 - Bo: no such minute",
        "25/04/2024, 10:00 - Bo added Cleo",
        "\u200e25/04/2024, 10:00 - Bo: marked",
        "25/04/2024, 10:00 - ",
        "25/04/2024, 10:00 - : x",
        "[25/04/2024, 10:00:00] Ana: another layout",
        "12/25/2024, 10:00 - Ana: another order",
        "25/04/2024",
        "",
    ]
)
documents = st.lists(_headers | _junk, max_size=25).map("\n".join)


def _records(text: str, cuts: list[int]) -> tuple[Records, list[Record]]:
    shape, _ = detect("25/04/2024, 10:00 - Ana: a\n25/04/2024, 10:00 - Ana: b\n")
    records = Records(shape, Days("dmy", thai=False), Clock({}), apart=False)
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    pieces = [text[a:b] for a, b in pairwise(edges)]
    found = [record for piece in pieces for record in records.feed(piece)]
    return records, [*found, *records.finish()]


@quick
@given(documents, st.lists(st.integers(0, 2000), max_size=8))
def test_every_line_ends_in_one_message_or_the_preamble(text: str, cuts: list[int]) -> None:
    records, found = _records(text, cuts)
    total = text.count("\n") + (not text.endswith("\n") and text != "")
    assert records.preamble + sum(1 + body.count("\n") for _, _, body in found) == total
    assert found == _records(text, [])[1]


@quick
@given(documents)
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    try:
        export = open_export(write(tmp_path, text))
        found = list(export.messages())
    except ExportError as error:
        assert str(error)
        return
    assert found
    for message in found:
        assert (message.author is None) == (message.kind is Kind.SYSTEM)


@quick
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    for start in (b"", b"25/04/2024, 10:00 - Ana: ", b"PK\x03\x04"):
        try:
            list(open_export(write(tmp_path, start + content)).messages())
        except ExportError as error:
            assert str(error)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_exports_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = [path.read_bytes() for path in sorted((Path(__file__).parent / "fixtures").glob("*.txt"))]
    for raw in whole:
        pieces = raw.split(b"\n")
        for _ in range(chance.randrange(1, 6)):
            at, other = chance.randrange(len(pieces)), chance.choice(whole).split(b"\n")
            cut = chance.randrange(len(pieces[at]) + 1)
            pieces[at] = chance.choice([b"", pieces[at][:cut], pieces[at][cut:], chance.choice(other)])
        try:
            list(open_export(write(tmp_path, b"\n".join(pieces))).messages())
        except ExportError as error:
            assert str(error)


HOSTILE = {
    "one message": "a" * 8,
    "emoji": "😀x",
    "spaces": " " * 8,
    "marks": "\u200e" * 8,
    "lines of marks": "\n" + "\u200e" * 7,
    "feeds": "\n" * 8,
    "dates": "\n1/1/24",
    "half headers": "\n1/1/24, 10:00",
    "headers without names": "\n1/1/24, 10:00 - x",
    "impossible headers": "\n31/2/24, 10:00 - x: y",
    "digits": "1234567/",
    "colons": ": : : : ",
    "long names": "\n1/1/24, 10:00 - " + "n" * 300,
    "angles": "<<<<>>>>",
    "parentheses": "((()))",
    "attachments": "\n1/1/24, 10:00 - A: x.jpg (((((",
    "edits": " <This message was edited>",
    "many names": "many names",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_time_is_linear_in_hostile_text(tmp_path: Path, name: str) -> None:
    def spent(size: int) -> float:
        filling = HOSTILE[name] * (size // len(HOSTILE[name]))
        if name == "many names":
            filling = "".join(f"\n25/12/23, 10:00 - name {n}: x" for n in range(size // 32))
        path = write(tmp_path, f"25/12/23, 10:00 - Ana: hello\n25/12/23, 10:00 - Ana: {filling}\n")
        started = time.process_time()
        for _ in open_export(path, order="dmy").messages():
            pass
        return time.process_time() - started

    short = min(spent(150_000) for _ in range(2))
    assert spent(600_000) < 10 * short + 0.2


def test_a_very_long_message_is_whole(tmp_path: Path) -> None:
    body = "".join(f"word{n} " for n in range(500_000)).strip()
    text = f"25/12/23, 10:00 - Ana: {body}\n25/12/23, 10:01 - Bo: {'x' * 3000}\nnext\n"
    first, second = open_export(write(tmp_path, text)).messages()
    assert first.text == body
    assert (second.author, second.text) == ("Bo", "x" * 3000 + "\nnext")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = write(tmp_path, lines("25/12/23") + lines(*["25/12/23"] * count))
        tracemalloc.start()
        for _ in open_export(path).messages():
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    small, large = peak(6_000), peak(30_000)
    assert large < small + (1 << 20)


def test_progress_counts_bytes_and_comes_seldom(tmp_path: Path) -> None:
    path = write(tmp_path, lines(*["25/12/23"] * 30_000))
    export, reports = open_export(path), list[int]()
    list(export.messages(reports.append))
    assert reports[-1] == export.size == path.stat().st_size
    steps = [b - a for a, b in pairwise([0, *reports])]
    assert all(step >= 64 << 10 for step in steps[:-1]) and steps[-1] > 0


def test_lines_before_the_first_message_are_counted(tmp_path: Path) -> None:
    export = open_export(
        write(tmp_path, "Chat with Ana\n\nsent from my phone\n" + lines("25/12/23", "26/12/23"))
    )
    assert export.preamble == 3
    assert len(list(export.messages())) == 2


def test_separators_of_lines_other_than_line_feeds_divide_nothing(tmp_path: Path) -> None:
    text = "a\u202825/12/23, 10:00 - Bo: b\x0b\x0c\x1c\u0085c"
    (message,) = open_export(write(tmp_path, f"25/12/23, 10:00 - Ana: {text}\n")).messages()
    assert message.text == text


def test_a_file_that_changes_after_it_was_opened_raises_our_error(tmp_path: Path) -> None:
    path = write(tmp_path, lines("25/12/23"))
    export = open_export(path)
    path.unlink()
    with pytest.raises(ExportError, match="cannot be read"):
        list(export.messages())


def test_spaced_dots_need_nothing_after_the_time(tmp_path: Path) -> None:
    text = "13. 6. 2018. 21:25:15 Ana: one\ntwo 1. 2. 2018.\n14. 6. 2018. 9:05:15 Bo: x\n"
    found = [(m.at, m.author, m.text) for m in open_export(write(tmp_path, text)).messages()]
    assert found == [
        (datetime(2018, 6, 13, 21, 25, 15), "Ana", "one\ntwo 1. 2. 2018."),
        (datetime(2018, 6, 14, 9, 5, 15), "Bo", "x"),
    ]


def test_a_log_is_no_chat(tmp_path: Path) -> None:
    text = "2024-04-25 10:00:01 ERROR: disk full\n2024-04-25 10:00:02 INFO: disk found\n" * 20
    with pytest.raises(ExportError, match="not a WhatsApp export"):
        open_export(write(tmp_path, text))


def test_ambiguity_is_an_export_error() -> None:
    assert issubclass(DateOrderAmbiguous, ExportError)
