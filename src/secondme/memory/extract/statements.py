"""What a message asserts of the people, firms, places and occasions in it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from secondme.domain.fact import EntityType, Predicate
from secondme.memory.extract.lexicon import Language, alternatives, language
from secondme.memory.extract.page import Page, Span

_TAGS = {EntityType.PERSON: "P", EntityType.COMPANY: "C", EntityType.LOCATION: "L", EntityType.EVENT: "E"}
_HOLES = {
    "{P}": r"‹P(\d+)›",
    "{p}": r"‹P\d+›",
    "{C}": r"‹C(\d+)›",
    "{L}": r"‹L(\d+)›",
    "{E}": r"‹[ER](\d+)›",
    "{R}": r"‹R(\d+)›",  # a rite, not a feast
    "{g}": r"(?:(?:[^‹›.!?;\n]|‹[CLER]\d+›){0,45}?)",  # a gap without a person
    "{a}": r"(?:[^.!?;\n]{0,60}?)",  # a gap
    # the beginning of a clause in which nobody is named as the subject
    "{s}": r"(?:(?:^|(?<=[.!?,\n]))(?:[^‹›.!?\n]|‹[CLER]\d+›|‹P\d+› ?(?:ki|ka|ke|की|का|के)(?!\w)){0,60}?)",
    "{w}": r"[^\s‹›.,!?;]+",
    "{b}": r"(?:(?<![\w\u0900-\u0963])(?=[\w\u0900-\u0963])|(?<=[\w\u0900-\u0963])(?![\w\u0900-\u0963]))",
}
_CLAUSE = re.compile(
    r"[,;:–—(]| (?:but|pero|aber|mas|sondern|lekin|लेकिन|magar|weil|because|porque|que) "
    r"| (?:and|und|y|e) (?=(?:i|i've|i'm|now|he|she|we|they|ich|bin|jetzt|hab|habe|wir|ahora|ya|yo|me|estoy)\b)"
    r"| e (?=(?:agora|já|eu|estou|tô)\b)"
)
_ENDS = re.compile(r"[.!?…\n;]+")
_TWO = re.compile(r"\{[Pp]\}.*\{P\}")  # a template that begins with somebody and names another
_GENITIVES = "ki|ka|ke|की|का|के"
_POSSESSIVES = "his|her|their|su|sus|ihre?|seine?|uska|uski"
_PERSON = re.compile(r"‹P\d+›")
_IN_MAY = re.compile(
    r"\b(?:in|last|since|until|early|late|(?:on )?(?:the )?\d{1,2}(?:st|nd|rd|th)?(?: of)?) may\b"
)
_PRONOUNS = re.compile(r"\b(?:he|she|he's|she's)\b")


@dataclass(frozen=True, slots=True)
class Said:
    """A relation as it stands in the text. `subject` None: the speaker."""

    predicate: Predicate
    subject: Span | None
    object: Span | None
    value: str | None
    holds: bool
    start: int


@dataclass(frozen=True, slots=True)
class _Rules:
    templates: tuple[tuple[Predicate, re.Pattern[str], frozenset[str]], ...]  # with the tags that each needs
    negated: re.Pattern[str]
    unsure: re.Pattern[str]
    planned: re.Pattern[str]
    ended: re.Pattern[str]
    of_kin: re.Pattern[str]  # before a person: it is their kin or friend that something is said of
    kins: re.Pattern[str]  # after a person: likewise


@cache
def _rules(name: str) -> _Rules:
    lang = language(name)
    holes = _HOLES | {
        "{kin}": f"(?:{alternatives(lang.sets['kin'])})",
        "{friends}": f"(?:{alternatives(lang.sets['friends'])})",
        "{J}": f"(?P<job>(?:{alternatives(lang.sets['jobs'])}))(?![\\w\\u0900-\\u0963])",
    }
    found = []
    for kind, lines in lang.relations.items():
        for line in lines:
            needs = frozenset(hole for hole in ("P", "C", "L", "E", "R") if f"{{{hole}}}" in line)
            needs |= {"2"} if _TWO.match(line) else set()
            for hole, pattern in holes.items():
                line = line.replace(hole, pattern)
            found.append((Predicate(kind), re.compile(line), needs))
    kin = f"(?:{alternatives(lang.sets['kin'] | lang.sets['friends'])})"
    honour = f"(?: (?:{alternatives(lang.sets['after_name'])}))?" if lang.sets["after_name"] else ""
    return _Rules(
        tuple(found),
        _any(lang, "not"),
        _any(lang, "unsure"),
        _any(lang, "planned"),
        _any(lang, "ended"),
        re.compile(rf"{kin} (?:de|del|da|do|dos|von|vom|of) (?:la |el |der |dem )?$"),
        re.compile(
            rf"(?:['’]s|s'|{honour} (?:{_GENITIVES})|,? (?:{_POSSESSIVES})) (?:\S+ )?{kin}(?![\w\u0900-\u0963])"
        ),
    )


@cache
def _fitting(name: str, tags: str) -> tuple[tuple[Predicate, re.Pattern[str]], ...]:
    """The templates whose things are all there. `tags`: the letters of what is, and 2 for
    more than one person; a rite is an event, too."""
    there = {*tags, "E"} if "R" in tags else {*tags}
    return tuple(
        (predicate, pattern) for predicate, pattern, needs in _rules(name).templates if needs <= there
    )


def _any(lang: Language, key: str) -> re.Pattern[str]:
    """Any of the words under `key`, whole; what has an apostrophe is the end of one."""
    whole = "|".join(re.escape(word) for word in lang.ordered[key] if "'" not in word)
    ends = "".join(rf"|(?<=\w){re.escape(word)}\b" for word in lang.ordered[key] if "'" in word)
    return re.compile(rf"(?<![\w\u0900-\u0963])(?:{whole})(?![\w\u0900-\u0963]){ends}")


def find_statements(page: Page) -> list[Said]:
    """What is asserted, each once. What is asked, denied, wished or planned is left out; what is over does not hold."""
    if not any(span.type in _TAGS for span in page.spans) and not _has_job(page):
        return []
    spans = sorted((s for s in page.spans if s.type in _TAGS), key=lambda s: s.start)
    tagged = _tagged(page, spans)
    found: dict[tuple[Predicate, Span | None, Span | None, str | None], Said] = {}
    for lang in page.languages:
        for said in _asserted(lang, tagged, spans):
            found.setdefault((said.predicate, said.subject, said.object, said.value), said)
    return list(found.values())


def _has_job(page: Page) -> bool:
    return any(page.any_has("jobs", low) for low in page.lows)


def _tagged(page: Page, spans: Sequence[Span]) -> str:
    """The text in lower case with a tag for each thing; `she` is whoever was the only one named before."""
    parts, end = [], 0
    for number, span in enumerate(spans):
        if span.start < end:
            continue
        letter = "R" if span.type is EntityType.EVENT and not span.feast else _TAGS[span.type]
        parts += [page.lower[end : span.start], f"‹{letter}{number}›"]
        end = span.end
    text = "".join([*parts, page.lower[end:]])
    people = [number for number, span in enumerate(spans) if span.type is EntityType.PERSON]
    if len(people) != 1:
        return text
    tag = f"‹P{people[0]}›"
    head, found, tail = text.partition(tag)
    return head + found + _PRONOUNS.sub(lambda m: f"{tag}'s" if "'" in m.group() else tag, tail)


def _asserted(lang: Language, text: str, spans: Sequence[Span]) -> Iterator[Said]:
    rules = _rules(lang.name)
    tags = "".join(letter for letter in "PCLER" if f"‹{letter}" in text) + "2" * (text.count("‹P") > 1)
    for predicate, pattern in _fitting(lang.name, tags):
        for match in pattern.finditer(text):
            holds = _holds(rules, text, match, predicate)
            if holds is not None and not _of_another(rules, text, predicate, match):
                yield from _said(predicate, match, spans, holds)


def _of_another(rules: _Rules, text: str, predicate: Predicate, match: re.Match[str]) -> bool:
    """Whether it is said of somebody's kin, and not of who is named: `her brother works there`."""
    person = _PERSON.search(match.group())
    if predicate is Predicate.KNOWS or person is None:
        return False
    start, end = match.start() + person.start(), match.start() + person.end()
    return bool(rules.of_kin.search(text, 0, start) or rules.kins.match(text, end))


def _holds(rules: _Rules, text: str, match: re.Match[str], predicate: Predicate) -> bool | None:
    """Whether it is so (True), is so no longer (False), or is not asserted at all (None). That somebody was there is
    never over, and where something will take place counts as well."""
    start = max((cut.end() for cut in _ENDS.finditer(text, 0, match.start())), default=0)
    ending = _ENDS.search(text, match.end())
    sentence_end = ending.start() if ending else len(text)
    if (ending and "?" in ending.group()) or "¿" in text[start : match.end()]:
        return None
    cuts = (cut.end() for cut in _CLAUSE.finditer(text, start, match.end()))
    clause = max((cut for cut in cuts if cut <= match.start()), default=start)
    tail = _CLAUSE.search(text, match.end(), sentence_end)
    said = text[clause : tail.start() if tail else sentence_end]
    if predicate is not Predicate.ATTENDED and rules.ended.search(said):
        return False
    if rules.negated.search(said) or rules.unsure.search(_IN_MAY.sub(" ", said)):
        return None
    return None if predicate is not Predicate.LOCATED_AT and rules.planned.search(said) else True


def _said(predicate: Predicate, match: re.Match[str], spans: Sequence[Span], holds: bool) -> Iterator[Said]:
    job = match.groupdict().get("job")
    things = [
        spans[int(number)] for number in match.groups() if number and number != job and number.isdigit()
    ]
    people = [span for span in things if span.type is EntityType.PERSON]
    if job is not None:
        yield Said(predicate, people[0] if people else None, None, job, holds, match.start())
    elif predicate is Predicate.KNOWS:
        yield from _knowing(people, match, holds)
    elif predicate is Predicate.LOCATED_AT:
        events = [span for span in things if span.type is EntityType.EVENT]
        yield Said(
            predicate,
            events[0],
            next(s for s in things if s.type is EntityType.LOCATION),
            None,
            holds,
            match.start(),
        )
    else:
        thing = next(span for span in things if span.type is not EntityType.PERSON)
        yield Said(predicate, people[0] if people else None, thing, None, holds, match.start())


def _knowing(people: Sequence[Span], match: re.Match[str], holds: bool) -> Iterator[Said]:
    if len(people) == 1:
        yield Said(Predicate.KNOWS, None, people[0], None, holds, match.start())
    elif len(people) == 2:
        yield Said(Predicate.KNOWS, people[0], people[1], None, holds, match.start())
    elif len(people) == 3:  # somebody made two others acquainted
        yield Said(Predicate.KNOWS, people[1], people[2], None, holds, match.start())
