"""Persons: by their names, and by what stands beside a name."""

import re

from secondme.domain.fact import EntityType
from secondme.memory.extract.lexicon import (
    COMPANIES,
    FEASTS,
    GIVEN,
    GIVEN_LOW,
    GIVEN_TOO,
    PLACES,
    SURNAMES,
    words_of,
)
from secondme.memory.extract.page import BETWEEN, Page
from secondme.memory.voice.words import PLAIN_WORDS

_PARTICLES = words_of("de da do dos das del la von van der den bin al di y e")
_WEAK = words_of(
    "is was will has no não y e ha está foi fue vai va já ya también também and ka ki ke ko se aur hai"
)
_SUFFIXES = tuple(words_of("mann meier mayer maier meyer müller berger hofer inger ski sky wicz oğlu son"))
_PRONOUNS = words_of("i me you yo tú eu você main mai")
_AND = words_of("and & y e aur und")
_ARTICLES = words_of("la el a o die der dem den")
_OF = words_of("ka ki ke ra ri का की के")
_ABOUT = words_of("a con com with and y e for let about pra según segundo vi")  # before things, too
_SPEAKS = words_of(
    "says said asked told thinks wants texted called rang knows can't won't doesn't didn't hasn't"
)
_OWNED = words_of("house place flat car dog cat bike phone number desk stuff room kids party")
_ASKED = re.compile(r",[^.!\n]*\?")
_DEAR = words_of("linda bella dulce amor vida cielo estrella sol angel ángel rico reina love")


def find_people(page: Page) -> None:
    """Take every person that is named."""
    for at in sorted({*page.hot, *_before_honorifics(page)}):
        last = _person(page, at)
        if last is None:
            continue
        low = page.lows[at]
        if (
            last == at
            and low not in GIVEN
            and low not in GIVEN_TOO
            and low.endswith("s")
            and low[:-1] in GIVEN
        ):
            page.ends[at] -= 1
        page.take(EntityType.PERSON, at, last)


def _before_honorifics(page: Page) -> list[int]:
    """The words in lower case that an honorific follows: surnames are looked at there alone."""
    return [at for at, low in enumerate(page.lows[:-1]) if low in SURNAMES and page.after("after_name", at)]


def _person(page: Page, at: int) -> int | None:
    """The last word of the name that begins at `at`."""
    low = page.lows[at]
    if page.taken[at] or (len(low) < 2 and not page.capital(at)) or low[0].isdigit():
        return None
    if not _may_be(page, at) or not _is_name(page, at, _beside(page, at)) or page.before("self_before", at):
        return None
    if page.joined(at) and page.languages[0].has("unknown_before", page.lows[at - 1]):
        return None
    last = _whole(page, at)
    return None if page.after("self_after", last) else last


def _may_be(page: Page, at: int) -> bool:
    """Whether a word is worth a look: most are not."""
    low = page.lows[at]
    if page.capital(at):
        return True
    known = low in GIVEN or low in GIVEN_TOO or (low in SURNAMES and page.after("after_name", at))
    return known and not page.any_has("function", low)


def _beside(page: Page, at: int) -> int:
    """How plainly the words beside it say that this is a person: 0 not, 1 somewhat, 2 as good as certainly."""
    if page.joined(at) or (at and page.gap(at).strip() == "." and page.any_has("titles", page.lows[at - 1])):
        near = page.lows[at - 1]
        if page.any_has("titles", near) or page.any_has("kin", near) or page.any_has("friends", near):
            return 2
    if page.before("hails", at, comma=True):
        return 2 if not page.begins(at) or page.gap(at).strip(" ") in (",", "") else 0
    if page.after("after_name", at):
        return 2
    return (
        1 if (page.joined(at) and page.before("person_before", at)) or page.after("person_after", at) else 0
    )


def _is_name(page: Page, at: int, beside: int) -> bool:
    low, capital = page.lows[at], page.capital(at)
    if low in GIVEN:
        return _given(page, at, beside)
    if (
        low.endswith("s")
        and low[:-1] in GIVEN
        and len(low) > 4
        and page.words[at][0].isupper()
        and _knows_genitive(page)
    ):
        return True
    if low in GIVEN_TOO:
        if page.words[at][0].isupper():
            return beside == 2 or _surname_follows(page, at) or _meant(page, at, beside)
        if capital:
            return beside == 2 or _surname_follows(page, at) or _acts(page, at) or _does(page, at)
        return _honoured(page, at) or _does(page, at)
    if not capital and low in SURNAMES:
        return not _common(page, at)
    if not capital or _common(page, at):
        return False
    if low in SURNAMES and _titled(page, at):
        return True
    if _deva(low):
        return low in SURNAMES and page.after("after_name", at)
    if page.shouted(at) or PLACES.longest(page.lows, at) or COMPANIES.longest(page.lows, at):
        return False
    if beside == 2 or "de" in page.names:
        return beside == 2
    if page.begins(at):
        return _paired(page, at) or _owns(page, at)
    return (beside == 1 and _sure_beside(page, at)) or _paired(page, at) or _owns(page, at)


def _paired(page: Page, at: int) -> bool:
    """Whether an unknown word is named in one breath with a pronoun or a name: `me and Jonno`."""
    for beside, further, joined in ((at - 1, at - 2, at), (at + 1, at + 2, at + 1)):
        if not 0 <= further < len(page.lows) or page.lows[beside] not in _AND or not page.joined(joined):
            continue
        other = page.lows[further]
        if other in _PRONOUNS or (
            (other in GIVEN or other in GIVEN_TOO) and page.words[further][0].isupper()
        ):
            return page.joined(max(beside, further))
    return False


def _owns(page: Page, at: int) -> bool:
    """`Sal's wedding`: kin, an occasion, or what only somebody has."""
    if not page.owning(at) or at + 1 >= len(page.lows):
        return False
    thing = page.lows[at + 1]
    return thing in _OWNED or any(page.any_has(key, thing) for key in ("kin", "friends", "events"))


def _meant(page: Page, at: int, beside: int) -> bool:
    """Whether a word with a capital that is also an ordinary one is a name here."""
    if page.shouted(at) or FEASTS.longest(page.lows, at):
        return False
    if page.dated(at):
        return page.begins(at) and page.joined_word(at + 1) in _SPEAKS
    german = page.languages[0].name == "de"
    if page.begins(at):
        acts = page.after("person_after", at) and not german and page.lows[at + 1] not in _WEAK
        return acts or _does(page, at) or _called(page, at) or _paired(page, at)
    if PLACES.longest(page.lows, at) or german:
        return beside == 1
    return True


def _acts(page: Page, at: int) -> bool:
    """Whether what follows an ambiguous word in Devanagari can only follow a person."""
    follow = page.lows[at + 1 : at + 3] if at + 1 < len(page.words) and page.joined(at + 1) else []
    if follow[:1] and follow[0] in ("ने", "को"):
        return True
    kin = len(follow) == 2 and any(page.any_has(key, follow[1]) for key in ("kin", "friends", "events"))
    return kin and follow[0] in ("का", "की", "के")


def _does(page: Page, at: int) -> bool:
    """Whether an ambiguous word does what only a person does. One in lower case is a name only after an article, or
    where Hindi is spoken, whose names often have no capital."""
    if not any(lang.does.match(page.lower, page.ends[at]) for lang in page.languages):
        return False
    if page.words[at][0].isupper():
        return True
    before = page.lows[at - 1] if page.joined(at) else ""
    return before not in _OF if page.languages[0].name == "hi" else before in _ARTICLES


def _called(page: Page, at: int) -> bool:
    """`Rosa, where are you?`: who is asked stands in front."""
    if page.lows[at] in _DEAR or page.text[page.ends[at] : page.ends[at] + 1] != ",":
        return False
    return bool(_ASKED.match(page.text, page.ends[at]))


def _given(page: Page, at: int, beside: int) -> bool:
    low = page.lows[at]
    if page.capital(at):
        return True
    return low in GIVEN_LOW or beside == 2 or (page.lows[at - 1] in _ARTICLES and _does(page, at))


def _knows_genitive(page: Page) -> bool:
    return any(lang.name in ("de", "en") for lang in page.languages)


def _titled(page: Page, at: int) -> bool:
    return (at > 0 and page.any_has("titles", page.lows[at - 1])) or page.after("after_name", at)


def _honoured(page: Page, at: int) -> bool:
    """Whether a name in lower case has kin before it or an honorific behind it."""
    if page.after("after_name", at):
        return True
    if not page.joined(at) or page.any_has("person_after", page.lows[at]):
        return False
    near = page.lows[at - 1]
    if page.languages[0].name == "hi" and not (at > 1 and page.any_has("articles", page.lows[at - 2])):
        return page.any_has("titles", near)  # `bhai` alone is how one speaks to somebody
    return page.any_has("kin", near) or page.any_has("titles", near)


def _sure_beside(page: Page, at: int) -> bool:
    """Whether what stands before an unknown word can only stand before a person."""
    near = page.lows[at - 1] if page.joined(at) else ""
    if near in _ABOUT:
        return bool(page.after("person_after", at)) and near in ("and", "y", "e", "a")
    return page.joined(at) and page.before("person_before", at)


def _common(page: Page, at: int) -> bool:
    """Whether a word is never a name."""
    low = page.lows[at]
    return (
        low in PLAIN_WORDS
        or page.any_has("never", low)
        or page.any_has("function", low)
        or page.any_has("kin", low)
        or page.any_has("friends", low)
        or page.any_has("titles", low)
        or page.any_has("events", low)
        or page.any_has("hails", low)
        or page.dated(at)
    )


def _surname_follows(page: Page, at: int) -> bool:
    follow = at + 1
    return (
        follow < len(page.words)
        and page.joined(follow)
        and page.capital(follow)
        and page.lows[follow] in SURNAMES
        and not _common(page, follow)
    )


def _whole(page: Page, at: int) -> int:
    """The last word of a name: further given names, surnames, what stands between."""
    last = at
    while last + 1 < len(page.words) and last - at < 4:
        step = _more(page, last + 1)
        if not step:
            break
        last += step
    return last


def _more(page: Page, at: int) -> int:
    """How many words from `at` on belong to the name that ends before it."""
    if page.taken[at] or not page.joined(at) or page.text[page.ends[at - 1]] in "'’":
        return 0
    low = page.lows[at]
    if low in _PARTICLES and at + 1 < len(page.words) and page.joined(at + 1):
        nxt = page.lows[at + 1]
        further = 1 + (nxt in BETWEEN)
        end = at + further
        if end < len(page.words) and page.words[end][0].isupper() and page.lows[end] in SURNAMES:
            return 0 if low in ("y", "e", "al", "und") or PLACES.longest(page.lows, end) else further + 1
        return 0
    if (
        not page.capital(at)
        or _common(page, at)
        or page.shouted(at) != page.shouted(at - 1)
        or low[0].isdigit()
    ):
        return 0
    if _deva(low):
        return int(low in SURNAMES)
    if low in SURNAMES or low in GIVEN:
        return 1
    if "de" in page.names:
        return int(low.endswith(_SUFFIXES))
    return int(not PLACES.longest(page.lows, at) and not COMPANIES.longest(page.lows, at) and len(low) > 2)


def _deva(low: str) -> bool:
    return "\u0900" <= low[0] <= "\u097f"
