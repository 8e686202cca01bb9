"""What a chat message does: asks, greets, thanks, promises, decides. Patterns, for a mind without a model."""

import re
from enum import StrEnum
from importlib import resources


def _starts(*words: str) -> re.Pattern[str]:
    return re.compile(rf"^\W*(?:{'|'.join(words)})\b", re.IGNORECASE)


def _holds(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


_I_AM = r"(?:i['’]?m|i am)"
_QUESTION_WORDS = _starts(
    "who|what|when|where|why|how|which|(?:are|can|could|will|do|did) you|wer|was|wann|wo|wie|warum|kannst du",
    "qué|cuándo|dónde|cómo",
)
_GREETS = _starts(
    "hi+|he+y+|hello|hallo|moin|hola|ciao|salut|servus|bonjour|olá|yo",
    r"good (?:morning|afternoon|evening)|guten (?:morgen|tag|abend)|buen[oa]s \w+",
)
_THANKS = _holds(r"thank\w*|thx|ty|tysm|cheers|danke\w*|gracias|merci|grazie|obrigad[oa]")
_WELCOMES = _holds(
    "welcome|no problem|no worries|any ?time|not at all|my pleasure|don['’]?t mention",
    r"gern\w*|kein problem|de nada|de rien|prego",
)
_DEFERS = _holds(
    "check|let you know|get back|not sure|think about|look into|maybe|later|see what",
    r"mal sehen|schau\w*|luego",
)
_PROMISES = _holds(
    r"\d+|i['’]?ll|i will|i shall|(?:i )?promise|on my way|omw|be there|see you (?:at|in|on)|deal",
    rf"{_I_AM} (?:at|in|on)",
    r"versproch\w*|ich (?:komme|bringe|mache)|bin (?:gleich|da|unterwegs)|voy|estoy en|llego",
)
_DECIDES = _starts(
    "y+e+s+|yeah|yep|yup|ye|sure|of course|certainly|no+|nope|nah|never|always",
    "ja|nein|klar|doch|sí|si|claro|oui|non",
)
_LOOSE = re.compile(
    r"\b(?:(?:ha){2,}h?|(?:he){2,}|(?:ja){2,}|lol|lmao|rofl|omg+|wtf|xd|kk+|yess+|yep|yup|nah|gonna|wanna)\b"
    r"|!!|(\w)\1\1",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W\d_]+")


def _small_words() -> frozenset[str]:
    text = resources.files(__package__).joinpath("small_words.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() if line[:1] != "#" for word in line.split())


_SMALL = _small_words()


class Said(StrEnum):
    """What kind of thing the contact says."""

    QUESTION = "question"
    GREETING = "greeting"
    THANKS = "thanks"
    STATEMENT = "statement"


def kind_of(text: str) -> Said:
    """A greeting only if little else is said; media and empty texts are statements."""
    if "?" in text or _QUESTION_WORDS.search(text):
        return Said.QUESTION
    if _THANKS.search(text):
        return Said.THANKS
    if _GREETS.search(text) and len(text.split()) <= 4:
        return Said.GREETING
    return Said.STATEMENT


def fits(answer: str, said: Said) -> bool:
    """Whether a text is the usual kind of answer to what was said; to a question, one that leaves it open."""
    match said:
        case Said.GREETING:
            return bool(_GREETS.search(answer))
        case Said.THANKS:
            return bool(_WELCOMES.search(answer))
        case Said.QUESTION:
            return bool(_DEFERS.search(answer))
        case Said.STATEMENT:
            others = (_GREETS, _WELCOMES, _DEFERS, _QUESTION_WORDS)
            return "?" not in answer and not any(pattern.search(answer) for pattern in others)


def promises(text: str) -> bool:
    """Whether a text commits its writer: a number, a time, a place where they are, something they will do."""
    return bool(_PROMISES.search(text))


def decides(text: str) -> bool:
    """Whether a text begins with yes or no."""
    return bool(_DECIDES.search(text))


def is_loose(text: str) -> bool:
    """Whether a text laughs, shouts or is written as one texts a friend."""
    return bool(_LOOSE.search(text))


def particulars(text: str) -> float:
    """The share of words that say something in particular, 0 to 1."""
    words = _WORDS.findall(text.casefold())
    return sum(word not in _SMALL for word in words) / len(words) if words else 0.0
