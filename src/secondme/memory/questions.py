"""What the owner asks of memory, in the simplest forms of five languages: what is looked for, and of whom or what."""

import re
from dataclasses import dataclass

from secondme.domain.fact import Predicate

_LONGEST = 300  # characters of a question
_ME = "I"  # how the owner is named where the verb alone says whom a question is about
_OF_ME = frozenset(
    ("i", "me", "myself", "ich", "mich", "mir", "yo", "mí", "eu", "mim", "मैं", "मेरे", "main", "mere")
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Facts with this predicate, or any; `named` is their subject, or, with `of_it`, what they say of others.

    "Who works at Acme?" is of Acme, said of others; "where does Bob work?" is about Bob. Any predicate is both.
    """

    predicate: Predicate | None
    named: str
    of_it: bool = False


_N = r"(?P<named>.+?)"
_WORK, _LIVE, _KNOW = Predicate.WORKS_AT, Predicate.LIVES_IN, Predicate.KNOWS
_ON, _AT, _JOB = Predicate.HAPPENS_ON, Predicate.LOCATED_AT, Predicate.OCCUPATION

# The first that fits decides. Each is matched against the whole question, whatever its case.
_OF_IT: tuple[tuple[Predicate, tuple[str, ...]], ...] = (
    (
        _WORK,
        (
            rf"who (?:works?|is working) (?:at|for|in) {_N}",
            rf"qui[eé]n(?:es)? trabajan? (?:en|para) {_N}",
            rf"quem trabalha (?:na|no|em|para|pra) {_N}",
            rf"wer arbeitet (?:bei|für|in) {_N}",
            rf"{_N} (?:mein|me|में) (?:kaun|कौन) (?:kaam|काम) .+",
        ),
    ),
    (
        _LIVE,
        (
            rf"who (?:lives?|is living) in {_N}",
            rf"qui[eé]n(?:es)? viven? en {_N}",
            rf"quem (?:mora|vive) (?:em|na|no) {_N}",
            rf"wer (?:wohnt|lebt) in {_N}",
            rf"{_N} (?:mein|me|में) (?:kaun|कौन) (?:reht\w+|रहत\S+).*",
        ),
    ),
    (
        _KNOW,
        (
            rf"who knows {_N}",
            rf"qui[eé]n(?:es)? conocen? a {_N}",
            rf"quem conhece (?:[oa] )?{_N}",
            rf"wer kennt {_N}",
            rf"{_N} (?:ko|को) (?:kaun|कौन) (?:j\w+|जान\S+).*",
        ),
    ),
)
_ABOUT: tuple[tuple[Predicate | None, tuple[str, ...]], ...] = (
    (
        _KNOW,
        (
            rf"who(?:m)? do(?:es)? {_N} know",
            rf"wen kenn(?:t|e) {_N}",
            rf"a qui[eé]n conoce {_N}",
            r"a qui[eé]n conozco(?: yo)?",
            r"quem(?: eu)? conheço",
        ),
    ),
    (
        _WORK,
        (
            rf"where do(?:es)? {_N} work",
            r"d[oó]nde trabajo(?: yo)?",
            r"onde(?: eu)? trabalho(?: eu)?",
            rf"d[oó]nde trabaja {_N}",
            rf"onde trabalha {_N}",
            rf"onde {_N} trabalha",
            rf"wo arbeitet? {_N}",
            rf"{_N} (?:kahan|kahaan|कहाँ|कहां) (?:kaam|काम) .+",
        ),
    ),
    (
        _LIVE,
        (
            rf"where do(?:es)? {_N} live",
            r"d[oó]nde vivo(?: yo)?",
            r"onde(?: eu)? (?:moro|vivo)(?: eu)?",
            rf"d[oó]nde vive {_N}",
            rf"onde (?:mora|vive) {_N}",
            rf"onde {_N} (?:mora|vive)",
            rf"wo (?:wohnt?e?|lebt?e?) {_N}",
            rf"{_N} (?:kahan|kahaan|कहाँ|कहां) (?:reht\w+|रहत\S+).*",
        ),
    ),
    (
        _ON,
        (
            rf"when(?: is|'s) {_N}",
            rf"cu[aá]ndo es {_N}",
            rf"quando [eé] {_N}",
            rf"wann ist {_N}",
            rf"{_N} (?:kab|कब) (?:hai|है)",
        ),
    ),
    (
        _AT,
        (
            rf"where(?: is|'s) {_N}",
            rf"d[oó]nde (?:es|est[aá]) {_N}",
            rf"onde (?:[eé]|fica) {_N}",
            rf"wo ist {_N}",
        ),
    ),
    (
        _JOB,
        (
            rf"what do(?:es)? {_N} do",
            rf"a qu[eé] se dedica {_N}",
            r"a qu[eé] me dedico(?: yo)?",
            rf"o que {_N} faz",
            r"o que(?: eu)? faço",
            rf"was mach(?:t|e) {_N}",
        ),
    ),
    (
        None,
        (
            rf"what (?:do (?:i|you|we) know|is known)? ?about {_N}",
            rf"who(?: is|'s) {_N}",
            r"who am I",
            rf"qu[eé] (?:s[eé]|sabes|se sabe) (?:de|sobre) {_N}",
            rf"qui[eé]n es {_N}",
            rf"(?:o )?que (?:sei|sabes|se sabe) (?:sobre|d[eao]) {_N}",
            rf"quem [eé] {_N}",
            rf"was (?:wei(?:ß|ss)t? (?:ich|du)|ist bekannt) (?:über|ueber|von) {_N}",
            r"wer bin ich",
            rf"wer ist {_N}",
            rf"{_N} (?:ke|के) (?:baare|bare|बारे) (?:mein|me|में).*",
            rf"{_N} (?:kaun|कौन) (?:hai|hain|है|हैं)",
        ),
    ),
)
_ARTICLE = re.compile(
    r"(?:the|my|mi|meu|minha|meine?|el|la|los|las|[oa]s?|der|die|das|den|dem)\s+", re.IGNORECASE
)


def _compiled(forms: tuple[str, ...]) -> list[re.Pattern[str]]:
    return [re.compile(form, re.IGNORECASE) for form in forms]


_FORMS = [(predicate, True, form) for predicate, forms in _OF_IT for form in _compiled(forms)] + [
    (predicate, False, form) for predicate, forms in _ABOUT for form in _compiled(forms)
]


def read(question: str) -> list[Asked]:
    """What is asked, also without an article before the name; nothing where the question has none of these forms."""
    plain = " ".join(question[:_LONGEST].split()).strip(" ?¿!.।")
    for predicate, of_it, form in _FORMS:
        found = form.fullmatch(plain)
        if found and (named := found.groupdict().get("named", _ME)):
            bare = _ARTICLE.sub("", named, count=1) if _ARTICLE.match(named) else ""
            return [Asked(predicate, name, of_it) for name in (named, bare) if name]
    return []


def is_me(named: str) -> bool:
    """Whether this is what the owner, who asks, says of themselves in one of the five languages."""
    return named.casefold() in _OF_ME
