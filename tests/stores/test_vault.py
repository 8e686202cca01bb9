"""Digests are HMAC-SHA256: ledgers written before they were computed faster stay readable."""

import hashlib
import hmac

import pytest

from secondme.stores.vault import KeyRing, Vault, new_key, seal_row, unseal


@pytest.mark.parametrize("parts", [("address", "simulator", "+15550100"), ("message", ""), ("x" * 200,)])
def test_a_digest_is_the_standard_one(parts: tuple[str, ...]) -> None:
    key = new_key()
    vault = Vault(KeyRing([new_key()]), key, new_key())
    expected = hmac.new(key, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()[:32]
    assert [vault.digest(*parts) for _ in range(2)] == [expected, expected]


def test_a_row_is_sealed_value_by_value() -> None:
    key = new_key()
    sealed = seal_row(key, {"text": "Grüße", "raw": b"{}", "source": "", "reply": None}, "messages:7")
    opened = {name: unseal(key, value, f"messages:7:{name}") for name, value in sealed.items() if value}
    assert opened == {"text": "Grüße", "raw": "{}", "source": ""} and sealed["reply"] is None
    assert len({value[:12] for value in sealed.values() if value}) == 3
