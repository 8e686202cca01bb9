"""Companies: known ones, those whose name says so, and whatever somebody works at."""

import re

from secondme.domain.fact import EntityType
from secondme.memory.extract.lexicon import COMPANIES, GIVEN, NO_FIRMS, PLACES, SURNAMES, words_of
from secondme.memory.extract.page import BETWEEN, Page
from secondme.memory.voice.words import PLAIN_WORDS

_TIES = frozenset(("der", "dem", "den", "die", "das", "the", "la", "el", "los"))
_PASSED = words_of(
    "no me nos te se le les ya nunca não nao já lhe never just also always finally"
)  # `X no me devuelve`
_END = r"(?=[ ,.!?]|$)"
_FORMS = (
    r"GmbH(?: & Co\.? KG)?", "AG", "KG", "SE", r"e\. ?V\.", "OHG", "UG", r"Ltda\.?", r"Ltd\.?", "Limited", r"Inc\.?",
    "LLC", "LLP", "plc", "PLC", r"Corp\.?", rf"Co\.?{_END}", r"Pvt\.? Ltd\.?", "Private Limited", rf"S\.? ?A\.?{_END}",
    r"S\. ?L\.", rf"SL{_END}", r"S\.A\.U\.?", r"S\.L\.U\.?", "EIRELI", rf"ME{_END}", r"Lda\.?",
    "gGmbH", "mbH", "GbR", "KGaA", "eG", r"e\. ?K\.", r"& (?:Söhne|Sohn|Sons|Brothers|Partners?|Hijos|Filhos)",
    "लिमिटेड", "प्राइवेट लिमिटेड",
)  # fmt: skip
_LEGAL = re.compile(rf"(?:[ ,]+(?:{'|'.join(_FORMS)})(?![^\W_]))+")

_PLAIN_HEADS = frozenset(("firma", "empresa", "la empresa", "company", "agentur"))


def find_institutions(page: Page) -> None:
    """Take what calls itself a firm or the like in its first word or its last. Their names may hold those of places."""
    _legal(page)
    for at in page.hot:
        if not page.taken[at] and not (page.joined(at) and page.any_has("place_heads", page.lows[at - 1])):
            _headed(page, at)


def find_firms(page: Page) -> None:
    """Take every company, but those that only the place where somebody works gives away."""
    for at in page.hot:
        if not page.taken[at]:
            _listed(page, at) or _tailed(page, at)


def find_workplaces(page: Page) -> None:
    """Take what somebody works at. Comes after persons and places: neither is a company."""
    for at in page.hot:
        low = page.lows[at]
        if page.taken[at] or not page.capital(at) or (no_name(page, at) and not _british(page, at)):
            continue
        if page.words[at][0].isupper() and works_at(page, at, "work_at"):
            if not PLACES.longest(page.lows, at) and low not in GIVEN:
                page.take(EntityType.COMPANY, _with_article(page, at), _trimmed(page, at, page.run(at)))
        elif not page.joined(at) or not page.words[at - 1][0].isupper() or page.taken[at - 1]:
            last = page.run(at) if page.words[at][0].isupper() else at
            if page.after("work_after", last) and low not in GIVEN and not PLACES.longest(page.lows, at):
                page.take(EntityType.COMPANY, at, last)


def _british(page: Page, at: int) -> bool:
    """`British Steel`: an adjective that is no name by itself begins one."""
    if page.begins(at) or page.languages[0].name == "de" or page.run(at) == at:
        return False
    return page.any_has("never", page.lows[at]) and not any(
        page.any_has(key, page.lows[at]) for key in ("kin", "titles", "friends", "function", "articles")
    )


def _with_article(page: Page, at: int) -> int:
    """The first word of a name: its article, where that has a capital within a sentence."""
    if not page.joined(at) or page.begins(at - 1) or not page.words[at - 1][0].isupper():
        return at
    return at - 1 if page.any_has("articles", page.lows[at - 1]) else at


def no_name(page: Page, at: int) -> bool:
    """Whether a word, with a capital or not, is never a name. Where only names and nouns have capitals, an ordinary
    word within a sentence is one with its capital."""
    low = page.lows[at]
    nouns = page.begins(at) or page.languages[0].name == "de" or not page.words[at][0].isupper()
    return (
        low in NO_FIRMS
        or (low in PLAIN_WORDS and nouns)
        or any(page.any_has(key, low) for key in ("never", "kin", "friends", "titles", "articles"))
        or (page.any_has("function", low) and (nouns or low in page.languages[0].sets["function"]))
        or page.dated(at)
    )


def _trimmed(page: Page, first: int, last: int) -> int:
    """Without a weekday, a month or the like at the end."""
    while last > first and no_name(page, last):
        last -= 1
    return last


def _legal(page: Page) -> None:
    for found in _LEGAL.finditer(page.text):
        ends = [at for at, end in enumerate(page.ends) if end == found.start()]
        if not ends or not page.capital(ends[0]) or page.taken[ends[0]]:
            continue
        first = last = ends[0]
        while first > 0 and last - first < 4 and _of_firm(page, first):
            first -= 1
        while page.lows[first] in BETWEEN or (
            page.begins(first) and page.any_has("function", page.lows[first])
        ):
            first += 1
            if first > last:
                break
        if first > last:
            continue
        behind = [at for at, start in enumerate(page.starts) if found.start() < start < found.end()]
        name = page.text[page.starts[first] : found.end()].rstrip(" ,")
        page.take(
            EntityType.COMPANY, first, behind[-1] if behind else last, name=_ended(page, name, found.end())
        )


def _ended(page: Page, name: str, end: int) -> str:
    """Without the full stop of the sentence, where no abbreviation ends with one."""
    if name.endswith(".") and name.rsplit(" ", 1)[-1] in ("Inc.", "Ltd.", "Ltda.", "Corp.", "Co.", "Lda."):
        return name[:-1] if not page.text[end:].strip() else name
    return name


def _of_firm(page: Page, first: int) -> bool:
    """Whether the word before `first` belongs to the name too."""
    near = first - 1
    if page.taken[near] or page.gap(first).strip() not in ("", "&"):
        return False
    if page.lows[near] in ("&", "und", "and", "y", "e", "de", "da", "do", "del"):
        return near > 0 and page.words[near - 1][0].isupper()
    known = any(
        page.any_has(key, page.lows[near]) for key in ("kin", "friends", "titles")
    )  # `unser Kunde X & Söhne`
    return (
        page.words[near][0].isupper()
        and not known
        and not (page.begins(near) and page.any_has("function", page.lows[near]))
    )


def _listed(page: Page, at: int) -> bool:
    found = COMPANIES.longest(page.lows, at)
    if found is None:
        return False
    last = at + found[0] - 1
    if found[1].endswith("'s") and not page.owning(last):
        return False
    short = found[0] == 1 and len(page.words[at]) <= 3 and not page.words[at][0] > "\u0900"
    thing = page.joined(at) and page.any_has("owning", page.lows[at - 1])  # `my old Opel`
    thing = thing or _bought(page, at)
    unsure = found[1].startswith("?") or not page.capital(at) or (short and not page.shouted(at)) or thing
    if unsure and not _works_or_acts(page, at, last):
        if (
            found[1] == "?"
            and page.capital(at)
            and page.lows[at] not in GIVEN
            and not PLACES.longest(page.lows, at)
        ):
            page.hide(at, last)
        return False
    if found[1].endswith("'s"):
        page.ends[last] += 2
    page.take(EntityType.COMPANY, at, _with_its_branch(page, last))
    return True


def _with_its_branch(page: Page, last: int) -> int:
    """The last word of a known name with what follows it: `Lufthansa Technik`."""
    further = last + 1
    if not page.any_has("org_tails", page.joined_word(further)) or page.taken[further]:
        return last
    return further if page.capital(further) else last


def _bought(page: Page, at: int) -> bool:
    """Whether the sentence is about shopping, or what one has on: a brand in it is a thing or a shop."""
    return any(lang.buying.search(page.sentence(at)) for lang in page.languages)


def works_at(page: Page, at: int, preps: str = "work_preps") -> bool:
    """Whether the words before it say that somebody works there, or deals with it. `preps`: after which words."""
    if not page.joined(at):
        return False
    if page.before("work_before", at):
        return True
    near = page.lows[at - 1]
    if near in _TIES and at > 1:
        if (preps == "work_preps" or page.languages[0].name != "de") and page.before("work_before", at - 1):
            return True
        near = page.lows[at - 2]
    # Work is spoken of in the same sentence: `they sacked her from Acme`, `fängt am Montag bei Acme an`.
    return any(near in lang.sets[preps] and lang.work.search(page.sentence(at)) for lang in page.languages)


def _works_or_acts(page: Page, at: int, last: int) -> bool:
    if works_at(page, at):
        return True
    if page.after("work_after", last) or page.after("deals_after", last):
        return True
    if page.joined(at) and page.lows[at] not in GIVEN and page.before("deals_before", at):
        return not _bought(page, at)
    while page.joined_word(last + 1) in _PASSED:
        if page.after("acts", last):
            break
        last += 1
    return page.capital(at) and page.after("acts", last)


def _headed(page: Page, at: int) -> bool:
    """`Universität Bremen`, `Banco Delta`, `Bank of Somewhere`."""
    if not page.capital(at):
        return False
    for words in (2, 1):
        if not page.any_has("org_heads", " ".join(page.lows[at : at + words])):
            continue
        first = at + words
        while first < len(page.words) and page.lows[first] in BETWEEN and page.joined(first):
            first += 1
        if (
            first >= len(page.words)
            or not page.joined(first)
            or not page.words[first][0].isupper()
            or page.taken[first]
        ):
            return False
        own = (
            any(page.any_has(key, page.lows[first]) for key in ("titles", "org_heads"))
            and page.run(first) > first
        )
        if (
            no_name(page, first) and not own
        ):  # `Escola Dom Bosco` is no gentleman, `Talleres Hermanos Ruiz` no kin
            return False
        last = _trimmed(page, first, page.run(first, 6))
        page.take(EntityType.COMPANY, first if page.lows[at] in _PLAIN_HEADS else at, last)
        return True
    return False


def _tailed(page: Page, at: int) -> bool:
    """`Harbour Insurance`, `Northgate Dental`, `Müller Logistik`, `स्टार हॉस्पिटल`."""
    if not page.any_has("org_tails", page.lows[at]) or not page.capital(at) or not page.joined(at):
        return False
    first = at
    while (
        first > 0
        and at - first < 3
        and page.joined(first)
        and not page.taken[first - 1]
        and _proper(page, first - 1)
    ):
        first -= 1
    if first == at:
        return False
    last = at
    while (
        last + 1 < len(page.words)
        and page.joined(last + 1)
        and page.any_has("org_tails", page.lows[last + 1])
    ):
        if not page.capital(last + 1) or page.taken[last + 1]:
            break
        last += 1
    page.take(EntityType.COMPANY, first, last)
    return True


def _proper(page: Page, at: int) -> bool:
    """Whether a word can be the name in front of `Bank`, `Clinic` and the like."""
    word, low = page.words[at], page.lows[at]
    if no_name(page, at):
        return False
    if "\u0900" <= low[0] <= "\u097f":
        return low not in NO_FIRMS and bool(PLACES.longest(page.lows, at))
    if (
        page.languages[0].name == "de"
    ):  # every noun has its capital there: only what is a name elsewhere is one here
        known = low in SURNAMES or low in GIVEN or bool(PLACES.longest(page.lows, at))
        return word[0].isupper() and (known or (low.endswith("er") and not page.begins(at)))
    return word[0].isupper()
