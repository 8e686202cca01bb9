"""What owner and contacts do, told to the product and to the oracle alike; every prompt that follows is checked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from random import Random
from uuid import UUID

from tests.isolation.asking import Asking
from tests.isolation.oracle import EVERYONE, OWNER, Chat, Told
from tests.isolation.telling import Says, Spoken, Tally, Waiting
from tests.isolation.world import Instance, chat

ME = "Lena"
RELATIONSHIPS = (None, "friend", "family", "colleague")
_BEGAN = datetime(2026, 1, 1)  # an export's times have no zone
_OFTEN = 22  # times that an owner says the same: a voice of its own takes twenty messages
_CHAINS = (
    "pp",
    "cp",
    "cpc",
    "cppc",
    "cps",
)  # of a contact, a person who was named, and a contact's own person


class Story(Asking):
    def __init__(self, instance: Instance, tally: Tally) -> None:
        super().__init__(instance, tally)
        self.names: dict[str, str] = {}  # of those who are known from an import alone
        self.left: list[str] = []  # numbers of who was forgotten
        self.untold: list[Told] = []  # said, and not learned yet
        self.chats: list[Waiting] = []
        self.spoken: list[Spoken] = []
        self.said: list[tuple[str, str, Says]] = []  # teller, audience, what
        self._keys, self._minutes = count(1), count(1)

    async def meet(self, random: Random) -> str:
        """Somebody new writes, or somebody who was forgotten comes again."""
        back = self.left and random.random() < 0.5
        number = self.left.pop() if back else f"+1555{len(self._whose):07}"
        mark = self.words.mark()
        contact = str(await self.world.meet(number, f"Person {number[-4:]}", f"hello {mark}"))
        self.numbers[contact] = number
        self.oracle.contacts.add(contact)
        self.oracle.relates(contact, "acquaintance", None)
        self.line(contact, mark, mark)
        await self.check()
        return contact

    def invented(self, random: Random, teller: str) -> Says:
        """Something new, or a word that follows one that this teller has said, or that another has."""
        verb, mine = random.choice(("work", "live")), [one for who, _, one in self.said if who == teller]
        choice = random.randrange(5)
        if choice == 0 and mine:
            earlier = random.choice(mine)
            return Says(earlier.verb, earlier.name, earlier.place, holds=False)
        if choice == 1 and mine:
            earlier = random.choice(mine)
            return Says(earlier.verb, earlier.name, random.choice((earlier.place, self.words.new())))
        if choice == 2 and self.said:
            return Says(verb, random.choice(self.said)[2].name, self.words.new())
        return Says(verb, random.choice((None, self.words.new())), self.words.new())

    async def tell(self, random: Random, said: Sequence[tuple[str, bool, Says]]) -> None:
        """(contact, by the owner, what) each; answered, but not learned yet."""
        texts, marks = [], [self.words.mark() for _ in said]
        for (contact, by_owner, what), mark in zip(said, marks, strict=True):
            texts.append((self.numbers[contact], f"{what.text}\n{mark}", by_owner))
            self.line(contact, mark, f"{what.text} {mark}")
        for (contact, by_owner, what), (source, at, provider_id), mark in zip(
            said, await self.world.say(texts), marks, strict=True
        ):
            fact = self._told(OWNER if by_owner else contact, contact, at, what, source)
            self.untold.append(fact)
            self.spoken.append(Spoken(contact, provider_id, by_owner, fact.key, mark))
        await self.check()

    async def learn(self) -> None:
        await self.world.learn()
        self.oracle.learns(self.untold)
        self.untold = []

    async def unsay(self, one: Spoken) -> None:
        """It is deleted for everyone, and memory looks."""
        await self.world.amend(self.numbers[one.contact], one.provider_id, one.by_owner)
        await self.learn()
        self.spoken.remove(one)
        self.oracle.drops({one.key} & self.oracle.facts.keys())
        del self.oracle.lines[one.contact][one.mark]

    async def amend(self, one: Spoken, what: Says) -> None:
        """It is edited, and memory looks: the new statement takes the old one's place, and nobody's share goes on."""
        self.oracle.lines[one.contact][one.mark] |= self.words.within(what.text)
        await self.world.amend(self.numbers[one.contact], one.provider_id, one.by_owner, what.text)
        await self.learn()
        old = self.oracle.facts[one.key]
        self.oracle.drops([one.key])
        self.oracle.learns(
            [replace(self._told(old.teller, old.audience, old.at, what, old.source), key=one.key)]
        )

    async def hand_in(
        self,
        random: Random,
        partners: Sequence[str],
        facts: int,
        *,
        stranger: bool = False,
        keep: bool = True,
    ) -> None:
        """A chat with one contact, with somebody known from there alone, or with several."""
        relationship, title = random.choice(RELATIONSHIPS), f"{self.words.new()} Club"
        alone = f"Stranger {next(self._keys)}" if stranger else None  # whose facts say it: it is no secret
        authors = {alone: alone} if alone else {who: self.numbers[who] for who in partners}
        several, phrase, cue, answer = (
            len(authors) > 1,
            self.words.new().lower(),
            self.words.new(),
            self.words.new(),
        )
        tellers = [random.choice((ME, *authors)) for _ in range(facts)]
        told = [(who, self.invented(random, OWNER if who == ME else who)) for who in tellers]
        first, *_ = authors.values()
        lines = [(who, "hello") for who in authors.values()]
        lines += [line for _ in range(_OFTEN) for line in ((first, "well?"), (ME, f"{phrase} it is then"))]
        lines += [(first, f"who ate the {cue.lower()}?"), (ME, f"me and {answer}")]
        begins = _BEGAN + timedelta(minutes=next(self._minutes) * 100)
        ends = begins + timedelta(minutes=len(lines))
        spaced = [(begins + timedelta(minutes=n), who, text) for n, (who, text) in enumerate(lines)]
        spaced += [(ends, authors.get(who, ME), what.text) for who, what in told]
        path = self.world.folder / f"{next(self._keys)}" / f"WhatsApp Chat with {title}.txt"
        report = await self.world.hand_in(chat(path, spaced), ME, keep, relationship=relationship)
        if alone:
            partner = str(report.partner)
            self.names[partner] = alone
            self.oracle.contacts.add(partner)
            authors = {partner: alone}
            told = [(partner if who == alone else who, what) for who, what in told]
        (partner, *_) = authors
        audience = title if several else partner
        found = [
            self._told(
                OWNER if who == ME else who,
                audience,
                (ends + timedelta(microseconds=len(lines) + n)).replace(tzinfo=UTC),
                what,
            )
            for n, (who, what) in enumerate(told)
        ]
        kept = keep and not several
        mine = self.words.within(" ".join(what.text for who, what in told if who == ME))
        self.oracle.imports(
            Chat(
                key=next(self._keys),
                partner=None if several else partner,
                relationship=relationship,
                phrase=phrase,
                cues={cue.lower(): answer.lower()} if kept else {},
                words=frozenset(mine if kept else ()),
            )
        )
        self.chats.append(Waiting(audience, set(authors) if several else set(), found))

    async def work(self) -> None:
        """Memory learns from whatever chats wait."""
        await self.world.work()
        for one in self.chats:
            there = self.oracle.contacts | {OWNER}
            if one.members:
                self.oracle.members.setdefault(one.audience, set()).update(one.members & there)
            self.oracle.learns(fact for fact in one.facts if fact.teller in there)
        self.chats = []

    async def share(self, fact: Told, contact: str | None) -> None:
        audience = contact or EVERYONE
        await self.world.memory.share(await self.id_of(fact), UUID(contact) if contact else None)
        if fact.audience != audience:
            self.oracle.shares[fact.key, audience] = None

    async def unshare(self, key: int, audience: str) -> None:
        whom = None if audience == EVERYONE else UUID(audience)
        await self.world.memory.unshare(await self.id_of(self.oracle.facts[key]), whom)
        del self.oracle.shares[key, audience]

    async def merge(self, one: str, other: str) -> None:
        await self.world.app.mirror.refresh()
        await self.world.memory.merge(one, other)
        if other not in self.oracle.one_with(one):  # else they are one already, and no link is added
            self.oracle.links[frozenset((one, other))] = None

    async def unmerge(self, link: frozenset[str]) -> None:
        await self.world.memory.unmerge(*link)
        del self.oracle.links[link]

    async def tie(self, random: Random) -> None:
        """People who were named are one, or are contacts. Nobody hears more by it: the oracle is not told."""
        await self.world.app.mirror.refresh()
        kinds = {
            "p": await self.world.ids("MATCH (e:Person) WHERE e.self IS NULL RETURN e.id ORDER BY e.name"),
            "s": await self.world.ids("MATCH (e:Person {self: true}) RETURN e.id ORDER BY e.name"),
            "c": list(self.numbers),
        }
        chain = random.choice(_CHAINS)
        for one, other in pairwise([random.choice(kinds[kind]) for kind in chain]):
            if one != other:
                await self.world.memory.merge(one, other)

    async def untie(self, random: Random) -> bool:
        """One of these is taken back; False where there is none."""
        links = await self.world.app.graph.run(
            "MATCH (a)-[:SAME_AS {merged: true}]->(b) WHERE a:Person OR b:Person "
            "RETURN a.id, b.id ORDER BY a.name, b.name"
        )
        if links:
            await self.world.memory.unmerge(*random.choice(links))
        return bool(links)

    async def forget(self, contact: str, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        """Everywhere, also where it waits to be learned, or is learned just then: `meanwhile`."""
        await asyncio.gather(self.world.forget(UUID(contact)), *([meanwhile()] if meanwhile else []))
        self.oracle.forgets(contact)
        self.names.pop(contact, None)
        if number := self.numbers.pop(contact, None):
            self.left.append(number)
        self.untold = [fact for fact in self.untold if contact not in (fact.teller, fact.audience)]
        self.chats = [one for one in self.chats if one.audience != contact]
        self.spoken = [one for one in self.spoken if one.contact != contact]
        self.said = [one for one in self.said if contact not in one[:2]]

    async def forget_fact(self, fact: Told) -> None:
        await self.world.memory.forget_fact(await self.id_of(fact))
        said = (fact.teller, fact.chain, fact.states, fact.holds)
        self.oracle.drops(
            [
                one.key
                for one in self.oracle.facts.values()
                if said == (one.teller, one.chain, one.states, one.holds)
            ]
        )

    async def relate(self, contact: str, relationship: str, persona: str | None) -> None:
        await self.world.app.control.relate(UUID(contact), relationship, persona)
        self.oracle.relates(contact, relationship, persona)

    async def id_of(self, fact: Told) -> str:
        """By which the product knows it."""
        micros = round(fact.at.timestamp() * 1_000_000)
        rows = await self.world.app.graph.run(
            "MATCH (f:Fact {teller: $teller}) WHERE f.place STARTS WITH $place RETURN f.id",
            teller=fact.teller,
            place=f"{micros:017d}:{fact.source}",
        )
        assert len(rows) == 1, f"{len(rows)} facts of {fact}"
        return str(rows[0][0])

    def _told(self, teller: str, audience: str, at: datetime, what: Says, source: str = "") -> Told:
        words = {word.lower() for word in (what.name, what.place) if word}
        self.said.append((teller, audience, what))
        return Told(
            next(self._keys),
            teller,
            audience,
            at,
            (teller, what.verb, what.name or "self"),
            what.place,
            what.holds,
            frozenset(words),
            source,
        )
