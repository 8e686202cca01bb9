"""Which of the owner's replies anyone may hear, and which may be heard again by whom they were written to.

A reply that was written to one contact may be shown to another: as an example in a prompt, or as the offline
mind's answer. So a reply is kept only if it could have been said to anybody. Numbers, links, addresses,
names, private matters and whatever the others had said themselves would carry one contact's life into
another's chat; a long text is a story, and stories are about somebody. What is doubtful is not kept: there
are always more replies.
"""

import re
from collections.abc import Sequence

from secondme.memory.voice.tally import Sieve
from secondme.memory.voice.words import GIVEN_NAMES, PLAIN_WORDS, is_private, is_secret, normal, tokens

MOST_WORDS = 25
_MOST_LETTERS = 160
_MOST_LETTERS_BETWEEN = 300  # of two
_MOST_LINES = 5
_LONGEST_WORD = 20  # longer ones are keys and codes
_SHORT_WITHOUT_CASE = (4, 12)  # words, letters
_MOST_SYLLABLES = 2_000
_ECHO = 3  # so many words in a row that the others said first are a quote

_HOUR = r"(?:[01]?\d|2[0-4])"
_UNIT = r"\s?(?:am|pm|h|uhr|min(?:ute)?[ns]?|sec(?:ond)?s?)\b"
_BEFORE_HOUR = "".join(
    rf"|(?<=\b{word} )"
    for word in (
        "at",
        "by",
        "till",
        "until",
        "past",
        "in",
        "like",
        "around",
        "um",
        "bis",
        "gegen",
        "las",
        "à",
    )
)
_TIME = re.compile(
    rf"(?<![\d.,:/+-])(?:{_HOUR}[:h][0-5]\d(?:{_UNIT})?|{_HOUR}{_UNIT}|(?:{_BEFORE_HOUR[1:]}){_HOUR}"
    rf"|^{_HOUR}(?=\W*$|\?))(?![\d:/%€$£¥]|[.,]\d)",
    re.IGNORECASE | re.MULTILINE,
)
_FORBIDDEN = re.compile(r"\d|[@#%€$£¥₹<>{}\[\]|\\/_]|www\b|\w\.\w{2,}")
_QUOTED = re.compile(r"^\s*>|[\"“„«]|(?<!\w)['‘](?=\w[^'’]*\s[^'’]*['’](?!\w))", re.MULTILINE)
_BEFORE = re.compile(r"[\w,;)’'-][ \t,'’-]*$")


def _cased(word: str) -> bool:
    return word.lower() != word.upper()


class Names:
    """Words that may name somebody or something: the people of the chat, and what is written with a capital
    where no sentence begins. Compared without case. Grows while a file is read; bounded, and suspects rather
    too much than too little.
    """

    def __init__(self) -> None:
        self._named, self._shouted, self._small = Sieve(), Sieve(20), Sieve(24)
        self._syllables: set[str] = set()  # of people whose script has no case, where words run together

    def person(self, name: str) -> None:
        """Somebody who writes in this chat, or is told of by it."""
        if len(self._syllables) < _MOST_SYLLABLES:
            bare = [word for word in tokens(name) if not _cased(word)]
            self._syllables.update(word[i : i + 2] for word in bare for i in range(len(word) - 1))
        parts = [part for word in tokens(name) if len(part := normal(word)) > 1]
        particles = {part for part in parts if len(part) <= 3 and part in PLAIN_WORDS}  # "de", "van", "el"
        self._named.update(part for part in parts if len(parts) == 1 or part not in particles)

    def read(self, text: str) -> None:
        """Learn from one message which words are written with a capital, and which are not."""
        words = tokens(text)
        shouting = len(words) > 1 and text.isupper()
        if not shouting and text[1:].islower() and not text[:1].isupper():
            self._small.update(map(normal, words))
            return
        place = 0
        for word in words:
            place = text.index(word, place)
            self._see(word, starts=shouting or not _BEFORE.search(text[max(0, place - 8) : place]))
            place += len(word)

    def _see(self, word: str, starts: bool) -> None:
        folded = normal(word)
        if word[0].islower():
            self._small.add(folded)
        elif not starts and folded not in PLAIN_WORDS and _cased(word):
            (self._shouted if len(word) > 1 and word.isupper() else self._named).add(folded)

    def suspects(self, text: str) -> bool:
        """Whether any word of the text may be a name."""
        return any(self._suspect(word) for word in tokens(text)) or any(s in text for s in self._syllables)

    def _suspect(self, word: str) -> bool:
        folded = normal(word)
        if folded in PLAIN_WORDS:
            return folded in self._named
        for form in (folded, folded.removesuffix("s")):
            if form in self._named or form in GIVEN_NAMES:
                return True
        unusual = folded in self._shouted or word[0].isupper()
        return unusual and folded not in self._small


def is_harmless(reply: Sequence[str], said: Sequence[str]) -> bool:
    """Whether a reply (its messages) is plain as far as that shows without knowing names.

    `said` is what the others had said before it.
    """
    text = "\n".join(reply)
    words = tokens(text)
    if not text.strip() or len(words) > MOST_WORDS or len(text) > _MOST_LETTERS or len(reply) > _MOST_LINES:
        return False
    if _FORBIDDEN.search(_TIME.sub("", text, count=1)) or _QUOTED.search(text):
        return False
    return not (_long_without_case(words) or _reveals(words) or _echoes(words, said))


def is_discreet(reply: Sequence[str]) -> bool:
    """Whether a reply (its messages) may be shown again to the one it was written to: they have heard it, names and
    private matters and all; but numbers, links, addresses and secrets are kept from a model too.
    """
    text = "\n".join(reply)
    words = tokens(text)
    if not text.strip() or len(text) > _MOST_LETTERS_BETWEEN or len(reply) > _MOST_LINES:
        return False
    if _FORBIDDEN.search(_TIME.sub("", text, count=1)):
        return False
    return not any(len(word) > _LONGEST_WORD or is_secret(normal(word)) for word in words)


def _long_without_case(words: list[str]) -> bool:
    bare = [word for word in words if not _cased(word)]
    most_words, most_letters = _SHORT_WITHOUT_CASE
    return bool(bare) and (len(words) > most_words or sum(map(len, bare)) > most_letters)


def _reveals(words: list[str]) -> bool:
    return any(len(word) > _LONGEST_WORD or is_private(normal(word)) for word in words)


def _echoes(words: list[str], said: Sequence[str]) -> bool:
    """Whether the reply repeats the others: three words in a row, not all of them small change."""
    theirs = [normal(word) for text in said for word in tokens(text)]
    runs = {tuple(theirs[i : i + _ECHO]) for i in range(len(theirs) - _ECHO + 1)}
    mine = [normal(word) for word in words]
    return any(
        tuple(run) in runs and not PLAIN_WORDS.issuperset(run)
        for run in (mine[i : i + _ECHO] for i in range(len(mine) - _ECHO + 1))
    )
