"""The address of an HTTP service, as a setting gives it."""

import re
from urllib.parse import SplitResult, urlsplit

FORM = "http(s)://HOST[:PORT][/PATH], without a name or a password in it"  # for a sentence that says what is wanted
_STRANGE = re.compile(r"[\s\x00-\x1f\x7f\\]")


def base_url(text: str) -> SplitResult | None:
    """Its parts, None where it is anything but FORM."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    if not usable or "@" in parts.netloc or _STRANGE.search(text) or "?" in text or "#" in text:
        return None
    return parts
