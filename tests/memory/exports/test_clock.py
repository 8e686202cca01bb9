"""Times of day and calendars, as phones of all languages write them."""

from datetime import date, time

import pytest

from secondme.memory.exports import DayPeriodUnknown
from secondme.memory.exports.calendars import read
from secondme.memory.exports.clock import Clock, learn


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (", 21:52", time(21, 52)),
        (" 21.52.07", time(21, 52, 7)),
        (" klo 9.05 ", time(9, 5)),
        (" 21 h 52 min 07 s", time(21, 52, 7)),
        (", 24:10", time(0, 10)),
        (", 12:00\u202fAM", time(0)),
        (", 12:30 p.\u00a0m.", time(12, 30)),
        (", 9:52\u202fPM", time(21, 52)),
        (" 00:08 a. m.", time(0, 8)),
        (" 13:55 PM", time(13, 55)),
        (" 下午3:04", time(15, 4)),
        (" 中午12:10", time(12, 10)),
        (" 中午1:10", time(13, 10)),
        (" 凌晨12:10", time(0, 10)),
        (" 晚上11:10", time(23, 10)),
        (" 午後0:30", time(12, 30)),
        (". 오전 12:01", time(0, 1)),
        ("، ٣:٠٤ م", time(15, 4)),
        (", 3:04 μ.μ.", time(15, 4)),
        (" ÖÖ 3:04", time(3, 4)),
        (", 3:04 at night", time(3, 4)),
        (", 9:04 at night", time(21, 4)),
        (", 12:04 at night", time(0, 4)),
        (" BE, 3:04 pm", time(15, 4)),
        (" г., 3:04 ч. pm", time(15, 4)),
        (", 25:00", None),
        (", 10:61", None),
        (", 10:10:61", None),
        (", 3:04 zork", None),
        (", never", None),
    ],
)
def test_a_time_of_day(written: str, expected: time | None) -> None:
    clock = Clock({})
    assert clock[written] == expected
    assert clock[written] == expected  # from the cache


def test_words_of_an_unknown_language_are_learnt_from_the_order_of_a_day() -> None:
    times = [
        ("1", ", 9:10 mor"),
        ("1", ", 3:10 aft"),
        ("2", ", 8:00 mor"),
        ("2", ", 9:00 mor"),
        ("2", ", 1:00 aft"),
    ]
    assert learn(times) == {"mor": "am", "aft": "pm"}


def test_an_unknown_word_beside_a_known_one_is_the_other_half() -> None:
    assert learn([("1", ", 9:10 vorm."), ("1", ", 3:10 nam.")]) == {"nam": "pm"}


def test_a_word_that_never_changes_with_the_hour_says_nothing() -> None:
    assert learn([("1", " ob 09:10"), ("1", " ob 15:10")]) == {"ob": "none"}


@pytest.mark.parametrize(
    "times",
    [
        [("1", ", 9:10 mor")],
        [("1", ", 9:10 mor"), ("2", ", 3:10 aft")],
        [("1", ", 9:10 mor"), ("1", ", 3:10 aft"), ("1", ", 9:10 zork")],
        [("1", ", 9:10 PM"), ("1", ", 3:10 zork")],  # zork would be the morning, yet it comes after
    ],
)
def test_what_cannot_be_learnt_is_reported(times: list[tuple[str, str]]) -> None:
    with pytest.raises(DayPeriodUnknown, match="24-hour clock"):
        learn(times)


@pytest.mark.parametrize(
    ("written", "order", "thai", "expected"),
    [
        ("25/04/2024", "dmy", False, date(2024, 4, 25)),
        ("4/25/24", "mdy", False, date(2024, 4, 25)),
        ("٢٥\u200f/٤\u200f/٢٠٢٤", "dmy", False, date(2024, 4, 25)),
        ("२५/४/२४", "dmy", False, date(2024, 4, 25)),
        ("21. 3. 4.", "ymd", False, date(2021, 3, 4)),
        ("25/4/2567", "dmy", False, date(2024, 4, 25)),
        ("25/4/67", "dmy", True, date(2024, 4, 25)),
        ("1/1/70", "dmy", False, date(1970, 1, 1)),
        ("4/25/R6", "mdy", False, date(2024, 4, 25)),
        ("4/25/H31", "mdy", False, date(2019, 4, 25)),
        ("113/4/25", "ymd", False, date(2024, 4, 25)),
        ("۱۴۰۳/۱/۱", "ymd", False, date(2024, 3, 20)),
        ("1399/12/30", "ymd", False, date(2021, 3, 20)),
        ("1400/12/30", "ymd", False, None),  # no leap year
        ("1403/7/1", "ymd", False, date(2024, 9, 22)),
        ("1388/1/1", "ymd", False, date(2009, 3, 21)),
        ("1445/3/4", "ymd", False, None),  # the Islamic calendar
        ("29/02/2023", "dmy", False, None),
        ("31/04/2024", "dmy", False, None),
        ("00/00/0000", "dmy", False, None),
        ("2024/04", "ymd", False, None),
    ],
)
def test_a_date(written: str, order: str, thai: bool, expected: date | None) -> None:
    assert read(written, order, thai=thai) == expected
