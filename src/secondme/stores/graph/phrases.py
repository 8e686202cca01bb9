"""How a fact is said. Every name in it is somebody's words; nothing here reads them."""

from collections.abc import Mapping

from secondme.domain.fact import OWNER, Predicate

OWN = "This contact"  # who is asked, in what they told, where they have not said their name

_LINKS: Mapping[Predicate, tuple[str, str]] = {
    Predicate.WORKS_AT: (" works at ", " no longer works at "),
    Predicate.LIVES_IN: (" lives in ", " no longer lives in "),
    Predicate.KNOWS: (" knows ", " no longer knows "),
    Predicate.ATTENDED: (" attended ", " did not attend "),
    Predicate.LOCATED_AT: (" is at ", " is no longer at "),
    Predicate.OCCUPATION: (" works as ", " no longer works as "),
    Predicate.HAPPENS_ON: (" is on ", " is no longer on "),
    Predicate.NOTE: (": ", ": no longer "),
}


def sentence(predicate: str, subject: str, stated: str | None, holds: bool) -> str:
    """A fact in one sentence. `stated` is its object's name or its value; None ends whatever there was."""
    link = _LINKS[Predicate(predicate)][0 if holds else 1]
    return f"{subject}{link}{'any' if stated is None else stated}"


def speaker(teller: str, name: str | None) -> str:
    """Who said it, by the name that the graph has of them."""
    return name or ("The owner" if teller == OWNER else "Somebody")
