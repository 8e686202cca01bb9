"""Who may hear what, in plain sets: a second opinion that shares no line and no query with the product.

It is told what happened, in the order in which it happened, and is asked about one contact at a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

EVERYONE = "everyone"
OWNER = "owner"


@dataclass(frozen=True)
class Told:
    """One statement as it was told once. `chain`: what it is one word about; `states`: what it says there.

    `key` grows, and puts what was said at one moment into order. `source`: the id of a live message.
    """

    key: int
    teller: str
    audience: str  # a contact or a group
    at: datetime
    chain: tuple[str, ...]
    states: str
    holds: bool
    words: frozenset[str]
    source: str = ""

    @property
    def order(self) -> tuple[datetime, int]:
        return self.at, self.key


@dataclass(frozen=True)
class Chat:
    """An imported chat: whose other side it was (None: several), and what of the owner's words is kept of it.

    `cues` gives, for what was asked, the word that its answer holds; `phrase` is what the owner says there again and
    again.
    """

    key: int
    partner: str | None
    relationship: str | None
    phrase: str
    cues: dict[str, str] = field(default_factory=dict)
    words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Shown:
    """A fact as a prompt has it: its words, whether it says until when it held, and whose word it is said to be."""

    words: frozenset[str]
    ended: bool
    by: str  # you, them, or nothing


class Oracle:
    def __init__(self) -> None:
        self.contacts: set[str] = set()
        self.members: dict[str, set[str]] = {}  # by group
        self.links: dict[frozenset[str], None] = {}  # in order: who replays a story must be able to
        self.shares: dict[tuple[int, str], None] = {}
        self.facts: dict[int, Told] = {}
        self.chats: dict[int, Chat] = {}
        self.lines: dict[
            str, dict[str, set[str]]
        ] = {}  # words said in somebody's own conversation, by message
        self.kinds: dict[
            str, tuple[str, str | None]
        ] = {}  # relationship, and the persona that they were given
        self._chains: dict[tuple[str, ...], list[Told]] = {}
        self._ends: dict[tuple[str, ...], dict[int, Told | None]] = {}  # of the chains that were asked about

    def one_with(self, contact: str) -> set[str]:
        """Whom they are, by any number of the owner's merges."""
        found, new = {contact}, [contact]
        while new:
            one = new.pop()
            others = {who for link in self.links if one in link for who in link} - found
            found |= others
            new += others
        return found

    def listening(self, contact: str) -> set[str]:
        """As whom they listen: themselves, whoever they are too, the groups of all these, everyone."""
        people = self.one_with(contact)
        return people | {group for group, members in self.members.items() if members & people} | {EVERYONE}

    def was_told(self, fact: Told, listening: set[str]) -> bool:
        return fact.audience in listening or any((fact.key, one) in self.shares for one in listening)

    def end_of(self, fact: Told) -> Told | None:
        """What ended it: the first later word of the same teller about the same that says otherwise."""
        if fact.chain not in self._ends:
            chain = self._chains[fact.chain]
            self._ends[fact.chain] = {one.key: self._ended(one, chain) for one in chain}
        return self._ends[fact.chain][fact.key]

    def _ended(self, fact: Told, chain: list[Told]) -> Told | None:
        if not fact.holds:
            return None
        later = (
            other
            for other in chain
            if other.order > fact.order
            and (other.states != fact.states if other.holds else other.states == fact.states)
        )
        return min(later, key=lambda other: other.order, default=None)

    def heard_by(self, contact: str) -> list[tuple[Told, bool]]:
        """What they may hear, each with whether it has ended."""
        listening = self.listening(contact)
        found = []
        for fact in self.facts.values():
            if self.was_told(fact, listening):
                end = self.end_of(fact)
                if end is None or self.was_told(end, listening):
                    found.append((fact, end is not None or not fact.holds))
        return found

    def may_be_shown(self, contact: str) -> set[Shown]:
        by = {OWNER: "you", contact: "them"}
        return {Shown(fact.words, ended, by.get(fact.teller, "")) for fact, ended in self.heard_by(contact)}

    def must_be_shown(self, contact: str, asked: set[str]) -> set[frozenset[str]]:
        """What holds and is asked for by a name in it."""
        return {fact.words for fact, ended in self.heard_by(contact) if not ended and fact.words & asked}

    def replies(self, contact: str) -> set[str]:
        """Words of the owner's past replies that they may hear again: to them, or such as are said to anybody."""
        people = self.one_with(contact)
        found = {chat.phrase for chat in self.chats.values()}
        for chat in self.chats.values():
            if chat.partner in people:
                found |= {*chat.words, *chat.cues.values()}
        return found

    def answer_to(self, contact: str, asked: set[str]) -> set[str]:
        """What the owner answered them when they asked that."""
        people = self.one_with(contact)
        return {
            answer
            for chat in self.chats.values()
            if chat.partner in people
            for cue, answer in chat.cues.items()
            if cue in asked
        }

    def personas(self) -> set[str]:
        """Those that were learned."""
        taught = {f"persona-own-{chat.relationship}" for chat in self.chats.values() if chat.relationship}
        return taught | ({"persona-own"} if self.chats else set())

    def phrases(self, contact: str) -> tuple[set[str], bool]:
        """What the owner says again and again, as far as the persona for this contact has it; whether it must."""
        relationship, given = self.kinds[contact]
        there = {"persona-casual", "persona-professional", "persona-family"} | self.personas()
        chosen = next(
            (one for one in (given, f"persona-own-{relationship}", "persona-own") if one in there), ""
        )
        if chosen == "persona-own":
            return {chat.phrase for chat in self.chats.values()}, True
        found = {c.phrase for c in self.chats.values() if chosen == f"persona-own-{c.relationship}"}
        return found, bool(found)

    def talk(self, contact: str) -> set[str]:
        """What was said in somebody's own conversation."""
        return set().union(*self.lines[contact].values())

    def learns(self, facts: Iterable[Told]) -> None:
        for fact in facts:
            self.facts[fact.key] = fact
            self._chains.setdefault(fact.chain, []).append(fact)
            self._ends.pop(fact.chain, None)

    def drops(self, keys: Iterable[int]) -> None:
        gone = set(keys)
        for key in gone:
            fact = self.facts.pop(key)
            self._chains[fact.chain].remove(fact)
            self._ends.pop(fact.chain, None)
        self.shares = {share: None for share in self.shares if share[0] not in gone}

    def forgets(self, contact: str) -> None:
        """Everything that they told, that was said to them alone, and that made others hear through them."""
        self.contacts.discard(contact)
        self.drops(f.key for f in self.facts.values() if contact in (f.teller, f.audience))
        self.shares = {share: None for share in self.shares if share[1] != contact}
        self.links = {link: None for link in self.links if contact not in link}
        self.members = {group: people - {contact} for group, people in self.members.items()}
        self.chats = {key: chat for key, chat in self.chats.items() if chat.partner != contact}
        self.lines.pop(contact, None)
        self.kinds.pop(contact, None)

    def relates(self, contact: str, relationship: str, persona: str | None) -> None:
        self.kinds[contact] = (relationship, persona)

    def imports(self, chat: Chat) -> None:
        """Whoever is met as somebody's friend is that from then on."""
        noted = self.kinds.get(chat.partner or "", ("acquaintance", None))
        if chat.relationship is None and chat.partner and noted[0] != "acquaintance":
            chat = replace(chat, relationship=noted[0])
        if chat.partner is not None:
            self.kinds[chat.partner] = (chat.relationship or noted[0], noted[1])
        self.chats[chat.key] = chat
