"""Addresses: what becomes a phone number, what stays an id, what is refused."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondme.domain.address import is_phone, normalise
from secondme.domain.errors import Invalid

NUMBERS = [
    ("+15550100", "+15550100"),
    (" +15550100 ", "+15550100"),
    ("+1 (555) 0100", "+15550100"),
    ("+49-151-1234.5678", "+4915112345678"),
    ("15550100", "+15550100"),
    ("1 (555) 010-0123", "+15550100123"),
    ("+123456789012345", "+123456789012345"),
    ("+1234567", "+1234567"),
]
IDS = [
    "123456789012345@lid",
    "4915112345678@s.whatsapp.net",
    "US.13491208655302741918",
    "bsuid:AbC-123_456",
    "ana",
    "+",
    "+0155501000",  # no country begins with 0
    "0155501000",  # a number dialled at home names no country
    "00491511234567",
    "+1234567890123456",  # 16 digits are no number
    "12345",
    "+123456",
    "+1555010O",
]
DIGITS_OF_OTHERS = ["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"]


@pytest.mark.parametrize(("given_as", "kept_as"), NUMBERS)
def test_a_number_is_kept_as_e164(given_as: str, kept_as: str) -> None:
    assert normalise(given_as) == kept_as
    assert is_phone(kept_as)


@pytest.mark.parametrize("address", IDS)
def test_an_id_stays_as_it_is(address: str) -> None:
    assert normalise(address) == address
    assert not is_phone(address)


@pytest.mark.parametrize("digits", DIGITS_OF_OTHERS)
@pytest.mark.parametrize("sign", ["", "+"])
def test_digits_of_other_scripts_never_make_a_number(digits: str, sign: str) -> None:
    number = sign + digits[1] + digits[5] * 3 + digits[0] + digits[1] + digits[0] * 2
    assert all(unicodedata.digit(d) >= 0 for d in number.removeprefix("+"))
    assert normalise(number) == number
    assert not is_phone(number)


@pytest.mark.parametrize("digit", [d[7] for d in DIGITS_OF_OTHERS])
def test_one_digit_of_another_script_is_enough_to_make_an_id(digit: str) -> None:
    assert normalise(f"+155501{digit}0") == f"+155501{digit}0"
    assert not is_phone(f"+155501{digit}0")


@pytest.mark.parametrize("address", ["", "   ", "a" * 201, "ana\nb", "a\x00b", "\x1b[2J", "+1555\u202e0100"])
def test_what_no_screen_can_show_is_refused(address: str) -> None:
    with pytest.raises(Invalid, match="phone number such as"):
        normalise(address)


@pytest.mark.parametrize("length", [1, 200])
def test_an_id_has_up_to_200_characters(length: int) -> None:
    assert normalise("x" * length) == "x" * length


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=40) | st.from_regex(r"[+]?[0-9 ().-]{1,25}", fullmatch=True))
def test_normalising_again_changes_nothing(address: str) -> None:
    try:
        once = normalise(address)
    except Invalid:
        return
    assert normalise(once) == once
    assert is_phone(once) == (once.startswith("+") and once[1:].isascii() and once[1:].isdigit()
                              and once[1] != "0" and 7 <= len(once) - 1 <= 15)  # fmt: skip


@settings(deadline=None)
@given(st.integers(10**6, 10**15 - 1), st.sampled_from(["", "+"]), st.lists(st.integers(1, 14), max_size=4))
def test_spacing_is_no_part_of_a_number(number: int, sign: str, gaps: list[int]) -> None:
    digits = str(number)
    spaced = digits
    for gap in sorted((g for g in gaps if g < len(digits)), reverse=True):
        spaced = f"{spaced[:gap]} {spaced[gap:]}"
    assert normalise(sign + spaced) == "+" + digits
