"""Bodies that a strict reader of JSON refuses are read all the same; what is no JSON is said to be none."""

import json
from typing import Any

import pytest

from secondme.channels.whatsapp_cloud import load
from secondme.domain.errors import Invalid


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, "\xc3\xa4"]}', {"a": [1, "ä"]}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
        (b'{"a": Infinity}', {"a": float("inf")}),
        ('{"a": "ä"}'.encode("utf-16"), {"a": "ä"}),
        (b"[" * 500 + b"]" * 500, json.loads("[" * 500 + "]" * 500)),
    ],
)
def test_what_is_read(body: bytes, value: Any) -> None:
    assert load(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": "\xff"}', b"[" * 100_000])
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(Invalid):
        load(body)
