"""Sealing: AES-256-GCM under a key per contact, those keys wrapped by the instance's key ring.

Destroying a contact's key makes everything sealed with it unreadable, wherever it lies on. A backup from before has
the key.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from secondme.domain.errors import ConfigError

_NONCE = 12
_RING_ID = 4


@lru_cache(maxsize=512)  # each has 2.5 KB, and is made in a microsecond
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def new_key() -> bytes:
    """32 fresh random bytes."""
    return AESGCM.generate_key(256)


def seal(key: bytes, plain: str | bytes, aad: str) -> bytes:
    """Nonce and ciphertext of `plain`; `aad` names the row and column, so that sealed values cannot change places."""
    nonce = os.urandom(_NONCE)
    data = plain.encode() if isinstance(plain, str) else plain
    return nonce + _cipher(key).encrypt(nonce, data, aad.encode())


def seal_row(key: bytes, plains: Mapping[str, str | bytes | None], row: str) -> dict[str, bytes | None]:
    """Each as `seal` makes it for `row:name`, for what comes by the hundred; None stays None."""
    encrypt, nonces = _cipher(key).encrypt, os.urandom(_NONCE * len(plains))
    sealed: dict[str, bytes | None] = {}
    for place, (name, plain) in enumerate(plains.items()):
        data = plain.encode() if isinstance(plain, str) else plain
        nonce = nonces[place * _NONCE : (place + 1) * _NONCE]
        sealed[name] = nonce + encrypt(nonce, data, f"{row}:{name}".encode()) if data is not None else None
    return sealed


def unseal(key: bytes, sealed: bytes, aad: str) -> str:
    """What was sealed. Raises cryptography's InvalidTag where key, row or bytes are not the ones it was sealed with."""
    return _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], aad.encode()).decode()


class KeyRing:
    """The instance's keys: the first wraps, all of them unwrap, so that a key can be rotated."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = {hashlib.sha256(key).digest()[:_RING_ID]: key for key in keys}
        self._first = next(iter(self._keys))

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """From SECONDME_SECRET_KEY: one or more comma-separated keys of 32 bytes in base64 or hex.

        Raises ConfigError for what is no key, and for none at all.
        """
        return cls([_parse_key(part.strip()) for part in text.split(",") if part.strip()] or [_parse_key("")])

    @classmethod
    def from_file(cls, path: Path) -> "KeyRing":
        """From the data directory, made on first use with mode 0600."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_once(path, base64.urlsafe_b64encode(new_key()))
        return cls.parse(path.read_text())

    def wrap(self, key: bytes, aad: str) -> bytes:
        return self._first + seal(self._keys[self._first], base64.b64encode(key), aad)

    def unwrap(self, wrapped: bytes, aad: str) -> bytes:
        """The wrapped key. Raises ConfigError when the ring that wrapped it is not the one given."""
        key = self._keys.get(wrapped[:_RING_ID])
        if key is None:
            raise ConfigError(
                "This secret key does not open the ledger: it was sealed with another one."
                " Set SECONDME_SECRET_KEY to the key it was made with (or restore secret.key in the data directory)."
            )
        try:
            return base64.b64decode(unseal(key, wrapped[_RING_ID:], aad))
        except InvalidTag as error:
            raise ConfigError("A key in the ledger is damaged; restore the ledger from a backup.") from error


def _write_once(path: Path, data: bytes) -> None:
    """Appears whole or not at all, and never over a key that another process has just made."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _parse_key(text: str) -> bytes:
    for decode in (bytes.fromhex, base64.urlsafe_b64decode, base64.b64decode):
        try:
            key = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) == 32:
            return key
    raise ConfigError(
        "SECONDME_SECRET_KEY must be 32 bytes in base64 or hex; make one with: openssl rand -base64 32"
    )


class Vault:
    """The opened ring with the instance's two own keys: one for digests, one for the owner's words."""

    def __init__(self, ring: KeyRing, index_key: bytes, owner_key: bytes) -> None:
        self.ring = ring
        self.owner_key = owner_key
        self._index_key = index_key
        self._hmac = tuple(
            hashlib.sha256(bytes(b ^ pad for b in index_key.ljust(64, b"\0"))) for pad in (54, 92)
        )
        self._contact_keys: dict[bytes, bytes] = {}

    def digest(self, purpose: str, *parts: str) -> str:
        """A keyed digest (128 bits, hex): a plain hash of a phone number is reversed in a minute."""
        # HMAC-SHA256 (RFC 2104) from its two prepared halves: setting up a key costs three times the rest.
        inner, outer = self._hmac[0].copy(), self._hmac[1].copy()
        inner.update("\x1f".join((purpose, *parts)).encode())
        outer.update(inner.digest())
        return outer.hexdigest()[:32]

    def cue_key(self) -> bytes:
        """The key under which voice cues are hashed."""
        return hmac.new(self._index_key, b"cue", hashlib.sha256).digest()

    def signing_key(self, purpose: str) -> str:
        """A key for signed cookies and tokens, one per purpose, stable across restarts."""
        return hmac.new(self._index_key, b"sign:" + purpose.encode(), hashlib.sha256).hexdigest()

    def new_contact_key(self, contact_id: object) -> tuple[bytes, bytes]:
        """A fresh key for a contact: (the key, the wrapped key to store)."""
        key = new_key()
        return key, self.ring.wrap(key, f"contacts:{contact_id}:key")

    def contact_key(self, contact_id: object, wrapped: bytes) -> bytes:
        """A contact's key, unwrapped and remembered for the process's life."""
        key = self._contact_keys.get(wrapped)
        if key is None:
            key = self.ring.unwrap(wrapped, f"contacts:{contact_id}:key")
            if len(self._contact_keys) > 20_000:
                self._contact_keys.clear()
            self._contact_keys[wrapped] = key
        return key
