"""Day, month or year first: proven by the file, decided by convention and said so, or reported."""

from datetime import datetime
from pathlib import Path

import pytest

from secondme.memory.exports import DateOrderAmbiguous, ExportError, Layout, open_export
from tests.memory.exports.writing import lines, pack, write


def layout(folder: Path, text: str, order: str | None = None) -> Layout:
    return open_export(write(folder, text), order=order).layout


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["03/04/2024", "25/04/2024"], "dmy"),
        (["03/04/2024", "04/25/2024"], "mdy"),
        (["2024/03/04", "2024/04/05"], "ymd"),
        (["2024/25/04", "2024/26/04"], "ydm"),
        (["24/03/04", "24/03/31"], "ymd"),  # two digits: as dmy and mdy the 31st would be a year to come
        (["30/12/2020", "13/1/2021"], "dmy"),
    ],
)
def test_numbers_above_twelve_prove_the_order(tmp_path: Path, dates: list[str], order: str) -> None:
    found = layout(tmp_path, lines(*dates))
    assert (found.order, found.certain) == (order, True)


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["05/03/2024", "06/03/2024", "01/04/2024"], "dmy"),
        (["03/05/2024", "03/06/2024", "04/01/2024"], "mdy"),
    ],
)
def test_time_running_forward_proves_the_order(tmp_path: Path, dates: list[str], order: str) -> None:
    found = layout(tmp_path, lines(*dates))
    assert (found.order, found.certain) == (order, True)
    assert "forward in time" in found.decided


def test_a_late_message_does_not_disturb_the_order_of_time(tmp_path: Path) -> None:
    dates = ["05/03/2024", "07/03/2024", "06/03/2024", "08/03/2024", "01/04/2024"]
    assert layout(tmp_path, lines(*dates)).order == "dmy"


def test_notices_are_not_taken_for_the_order_of_time(tmp_path: Path) -> None:
    notice = "02/05/2024, 10:00 - You created this group\n"  # as mdy after the first message, as dmy too
    with pytest.raises(DateOrderAmbiguous):
        layout(tmp_path, notice + lines("03/01/2024", "04/01/2024"))


def test_both_orders_in_time_are_reported_with_both_readings_and_the_flag(tmp_path: Path) -> None:
    with pytest.raises(DateOrderAmbiguous) as error:
        layout(tmp_path, lines("03/04/2024", "04/04/2024", "05/04/2024"))
    message = str(error.value)
    assert "3 April 2024" in message and "4 March 2024" in message
    assert "--date-order dmy" in message and "--date-order mdy" in message
    assert "Ana" not in message and "number" not in message


def test_am_and_pm_with_slashes_prove_nothing(tmp_path: Path) -> None:
    with pytest.raises(DateOrderAmbiguous):
        layout(tmp_path, lines("3/4/24", "4/4/24", time="9:05 PM"))


@pytest.mark.parametrize("order", ["dmy", "mdy"])
def test_the_caller_decides_what_the_file_does_not(tmp_path: Path, order: str) -> None:
    export = open_export(write(tmp_path, lines("03/04/2024")), order=order)
    month, day = (4, 3) if order == "dmy" else (3, 4)
    assert [m.at for m in export.messages()] == [datetime(2024, month, day, 10)]
    assert not export.layout.certain and "--date-order" in export.layout.decided


def test_the_caller_cannot_decide_against_the_file(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be read as mdy"):
        layout(tmp_path, lines("25/04/2024"), "mdy")
    with pytest.raises(ExportError, match="cannot be read as ymd"):
        layout(tmp_path, lines("25/04/2024"), "ymd")


def test_the_caller_is_heard_on_years_of_two_digits(tmp_path: Path) -> None:
    assert layout(tmp_path, lines("21/03/14"), "ymd").order == "ymd"


def test_an_order_that_the_file_proves_stays_proven_when_it_is_given(tmp_path: Path) -> None:
    assert layout(tmp_path, lines("25/04/2024", "26/04/2024", "27/04/2024"), "dmy").certain


def test_what_is_given_is_held_against_the_whole_file(tmp_path: Path) -> None:
    text = lines(*["05/04/2024"] * 4000) + lines(*["25/04/2024"] * 1000)
    with pytest.raises(ExportError, match="cannot be read as mdy"):
        layout(tmp_path, text, "mdy")


def test_two_digit_years_in_front_show_by_years_to_come(tmp_path: Path) -> None:
    assert layout(tmp_path, lines("21-03-12", "21-03-31")).order == "ymd"
    assert layout(tmp_path, lines("21/03/12", "21/04/02")).order == "ymd"


def test_an_order_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="one of dmy, mdy, ymd"):
        layout(tmp_path, lines("25/04/2024"), "day first")


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (lines("03.04.2024"), "divides dates with '.'"),
        (lines("03-04-2024"), "divides dates with '-'"),
        (lines("٠٣/٠٤/٢٠٢٤", time="١٠:٠٠"), "these digits"),
        (lines("03/04/2024", time="3:05 μ.μ."), "these words"),
    ],
)
def test_a_convention_decides_and_says_so(tmp_path: Path, text: str, because: str) -> None:
    found = layout(tmp_path, text)
    assert (found.order, found.certain) == ("dmy", False)
    assert because in found.decided


def test_korean_two_digit_years_come_first(tmp_path: Path) -> None:
    found = layout(tmp_path, "21. 3. 12. 오후 3:04 - Ana: a\n")
    assert (found.order, found.certain) == ("ymd", False)


def test_a_reading_after_the_export_was_made_is_ruled_out(tmp_path: Path) -> None:
    path = pack(tmp_path, {"_chat.txt": lines("03/04/2024")}, made=datetime(2024, 3, 5))
    found = open_export(path).layout
    assert (found.order, found.certain) == ("mdy", False)
    assert "after the export was made" in found.decided


def test_a_quoted_chat_in_another_order_does_not_overrule_the_file(tmp_path: Path) -> None:
    dates = [f"{day:02}/01/2024" for day in range(1, 29)]
    export = open_export(write(tmp_path, lines(*dates) + "12/25/2023, 10:00 - Bo: quoted\n"))
    messages = list(export.messages())
    assert export.layout.order == "dmy"
    assert messages[-1].text == "number 27\n12/25/2023, 10:00 - Bo: quoted"
    assert export.doubtful == 1


def test_the_proof_may_stand_at_the_end_of_a_long_file(tmp_path: Path) -> None:
    text = "".join(lines("03/04/2024", "04/04/2024") for _ in range(1)) + lines(*["05/04/2024"] * 9000)
    assert len(text) > 300_000
    assert layout(tmp_path, text + lines("25/04/2024")).order == "dmy"
    with pytest.raises(DateOrderAmbiguous):
        layout(tmp_path, text)
