"""The days that a message names, counted from when it was written."""

from datetime import date, datetime

import pytest

from secondme.memory.extract import read

AT = datetime(2026, 3, 11, 18, 20)  # a Wednesday


def days(text: str, at: datetime = AT) -> list[str]:
    return [f"{day:%m-%d}" if day.year == 2026 else day.isoformat() for day in read(text, at).dates]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see you tomorrow", ["03-12"]),
        ("mañana por la mañana", ["03-12"]),
        ("por la mañana no puedo", []),
        ("amanhã a gente conversa", ["03-12"]),
        ("guten Morgen", []),
        ("morgen Abend?", ["03-12"]),
        ("heute Morgen war es kalt", ["03-11"]),
        ("übermorgen", ["03-13"]),
        ("kal milte hain", ["03-12"]),
        ("kal gaya tha", ["03-10"]),
        ("कल आया था", ["03-10"]),
        ("परसों आऊंगा", ["03-13"]),
        ("in 3 days", ["03-14"]),
        ("vor zwei Wochen", ["02-25"]),
        ("hace tres días", ["03-08"]),
        ("daqui a uma semana", ["03-18"]),
        ("do din baad", ["03-13"]),
        ("अगले हफ्ते", ["03-16"]),
    ],
)
def test_words_that_count_from_today(text: str, expected: list[str]) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the match is on Friday", ["03-13"]),
        ("we met on Friday", ["03-06"]),
        ("we lost on Friday, the next one is on Sunday", ["03-06", "03-15"]),
        ("last Friday", ["03-06"]),
        ("every Friday", []),
        ("on Fridays", []),
        ("los viernes no", []),
        ("el viernes", ["03-13"]),
        ("toda sexta", []),
        ("na sexta", ["03-13"]),
        ("quinta vez já", []),
        ("montags", []),
        ("har somvar", []),
        ("somvar ko", ["03-16"]),
        ("next week", ["03-16"]),
        ("this weekend", ["03-14"]),
        ("letztes Wochenende", ["03-07"]),
        ("next month", ["04-01"]),
        ("Tuesday next week", ["03-17"]),
    ],
)
def test_weekdays_weeks_and_months(text: str, expected: list[str]) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on 23 May", ["05-23"]),
        ("May 23rd 2027", ["2027-05-23"]),
        ("el 3 de abril", ["04-03"]),
        ("dia 25 de abril", ["04-25"]),
        ("am 4. Juli", ["07-04"]),
        ("bis 31.7.", ["07-31"]),
        ("5 दिसंबर को", ["12-05"]),
        ("from 3 to 8 May", ["05-03"]),
        ("Freitag, den 13. März", ["03-13"]),
        ("on the 28th", ["03-28"]),
        ("el 5 no puedo", ["04-05"]),
        ("15 tareekh ko", ["03-15"]),
        ("12/10", ["10-12"]),
        ("2026-08-02", ["08-02"]),
        ("30/2 again", []),
        ("24/7 open", []),
        ("I bought it in November", ["2025-11-01"]),
        ("may I come in", []),
        ("in 3 hours", []),
        ("for ten days", []),
        ("12.50 please", []),
    ],
)
def test_days_of_the_calendar(text: str, expected: list[str]) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("home for Christmas?", ["12-25"]),
        ("how was your Christmas?", ["2025-12-25"]),
        ("Ostern sind wir weg", ["04-05"]),
        ("karfreitag frei", ["04-03"]),
        ("Diwali ki chhutti", ["11-08"]),
        ("दशहरा कब है", ["10-20"]),
        ("carnival is fun", []),
    ],
)
def test_feasts(text: str, expected: list[str]) -> None:
    assert days(text) == expected


def test_a_wish_may_come_a_little_late() -> None:
    assert days("Happy Holi!", datetime(2026, 3, 5, 9)) == ["03-04"]


def test_the_last_day_of_a_shorter_month() -> None:
    assert read("in one month", datetime(2026, 1, 31, 9)).dates == (date(2026, 2, 28),)
