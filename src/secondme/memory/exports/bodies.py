"""What the text after a name is: words, media, a deletion or a notice of WhatsApp itself."""

import unicodedata

from secondme.memory.exports.message import Kind
from secondme.memory.exports.words import MARKS, bare_placeholders, phrase, phrases, unmarked, written_phrases

_LRM = "\u200e"
_COLONS = (":", "：")
_CAMERA = ("IMG-", "VID-", "AUD-", "PTT-", "STK-", "DOC-")
_LONGEST_MARK = 300  # characters; a file name with the words around it

Read = tuple[Kind, str, str | None, bool]
"""Kind, text, attachment, edited."""


def plain_bodies() -> dict[str, Kind]:
    """Whole bodies, as written without any mark, that are not words of a person."""
    found = dict.fromkeys(bare_placeholders(), Kind.MEDIA)
    for name, kind in (("deleted", Kind.DELETED), ("notice", Kind.SYSTEM)):
        for known in written_phrases(name):
            written = {known, known[:1].upper() + known[1:]}
            found |= dict.fromkeys(written | {f"{w}." for w in written} | {f"{w}。" for w in written}, kind)
    return found


def read_body(body: str, *, iphone: bool) -> Read:
    """Reads a body that holds a mark: a direction mark, "<" or "("."""
    text, edited = _without_edit(body)
    media = _attached(text) or _omitted(text)
    if media is not None:
        caption, attachment = media
        return Kind.MEDIA, caption, attachment, edited
    kind = _said_by_whatsapp(text, iphone=iphone)
    if kind is not None:
        return kind, "" if kind is Kind.DELETED else unmarked(text).strip(), None, False
    clean = unmarked(text) if _LRM in text else text
    return Kind.TEXT, clean.strip(_LRM), None, edited


def _without_edit(body: str) -> tuple[str, bool]:
    """The body without the note that it was edited. Unknown languages show by the mark before the note."""
    stripped = body.rstrip(MARKS + " ")
    at = stripped.rfind("<", -_LONGEST_MARK)
    if not stripped.endswith(">") or at < 0:
        return body, False
    note = stripped[at + 1 : -1]
    marked = at > 1 and body[at - 1] == _LRM and not any(c in note for c in ":：.")
    if phrase(note) in phrases("edited") or (marked and _stems(note) is False):
        return stripped[:at].rstrip(MARKS + " \n"), True
    return body, False


def _attached(body: str) -> tuple[str, str] | None:
    """Caption and file name, from "FILE (file attached)" or "<attached: FILE>"."""
    first, _, rest = body.partition("\n")
    if len(first) <= _LONGEST_MARK:
        name = _named_before(first, "(", ")") or _named_before(first, "<", ">")
        if name:
            return _caption(rest), name
        name, before = _named_inside(first)
        if name:
            return _caption("\n".join(filter(None, (before, rest)))), name
    name, before = _named_inside(body)
    return (_caption(before), name) if name else None


def _named_before(line: str, opening: str, closing: str) -> str | None:
    """The file in front of words in brackets: known words, or any if only WhatsApp can have written it."""
    stripped = line.rstrip(MARKS + " ")
    at = stripped.rfind(opening)
    name = unmarked(stripped[:at]).strip() if at > 0 and stripped.endswith(closing) else ""
    if not _is_file(name):
        return None
    words = phrase(stripped[at + 1 : -1])
    own = line.startswith(_LRM) or name.startswith(_CAMERA)
    return name if words in phrases("attached") or (own and words) else None


def _named_inside(text: str) -> tuple[str | None, str]:
    """The file in "<attached: FILE>" at the end, and what stands before it."""
    stripped = text.rstrip(MARKS + " \n")
    at = stripped.rfind("<", -_LONGEST_MARK)
    if at < 0 or not stripped.endswith(">"):
        return None, text
    inside = stripped[at + 1 : -1]
    colon = min((i for c in _COLONS if (i := inside.find(c)) > 0), default=-1)
    name = unmarked(inside[colon + 1 :]).strip()
    if colon < 0 or colon > 40 or "/" in name or not _is_file(name):
        return None, text
    return name, stripped[:at]


def _is_file(name: str) -> bool:
    stem, dot, suffix = name.rpartition(".")
    return bool(stem and dot) and 1 <= len(suffix) <= 8 and suffix.isalnum() and "\n" not in name


def _omitted(body: str) -> tuple[str, None] | None:
    """The caption, if the first line says that media was left out, or its last marked part does."""
    first, _, rest = body.partition("\n")
    if len(first) > _LONGEST_MARK:
        return None
    line = first.strip()
    inner = unmarked(line).strip()
    if inner.startswith("<") and inner.endswith(">") and _stems(inner[1:-1]):
        return _caption(rest), None
    if inner in bare_placeholders():
        return _caption(rest), None
    before, mark, last = line.rstrip(MARKS + " ").rpartition(_LRM)
    if mark and _stems(last) and phrase(last) not in phrases("deleted"):
        return _caption("\n".join(filter(None, (before.strip(MARKS + " "), rest)))), None
    return None


def _stems(text: str) -> bool:
    """Whether a short text holds the word for "omitted" in some language."""
    folded = phrase(text)
    return bool(folded) and len(folded) <= 80 and any(stem in folded for stem in phrases("omitted"))


def _said_by_whatsapp(text: str, *, iphone: bool) -> Kind | None:
    """DELETED or SYSTEM, or None for a person's words.

    On an iPhone everything that WhatsApp writes begins with a mark; of that, polls (several lines) and places
    (a link) are a person's doing.
    """
    bare = phrase(text)
    if bare in phrases("deleted"):
        return Kind.DELETED
    if bare in phrases("notice"):
        return Kind.SYSTEM
    marked = text.startswith(_LRM)
    if marked and any(bare.startswith(known) for known in phrases("deleted") if bare):
        return Kind.DELETED
    return Kind.SYSTEM if iphone and marked and _is_notice(text) else None


def _is_notice(text: str) -> bool:
    """Whether a marked line can be a notice: those neither ask, nor exclaim, nor end with a picture."""
    last = text.rstrip(MARKS + " ")[-1:]
    return "\n" not in text and "://" not in text and last not in "?!" and unicodedata.category(last) != "So"


def _caption(text: str) -> str:
    return unmarked(text).strip() if any(mark in text for mark in MARKS) else text.strip()
