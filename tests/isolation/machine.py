"""Random stories: whatever contacts and owner do in whatever order, everybody is asked, and the oracle agrees."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.isolation.oracle import Told
from tests.isolation.story import Story
from tests.isolation.telling import Tally
from tests.isolation.world import Instance
from tests.support.stores import copy_of, drop_database

PERSONAS = (None, None, None, "persona-casual", "persona-own-friend", "persona-own-family")
RELATIONSHIPS = ("friend", "family", "colleague", "client", "acquaintance")
SEED = st.integers(
    0, (1 << 32) - 1
)  # one choice for all of an act: a large story makes more than an example may
RANDOM = SEED.map(Random)


@dataclass(frozen=True)
class Stores:
    """Where a run's instances live; each has a copy of the database `template`."""

    database_url: str
    redis_url: str
    falkordb_url: str
    template: str
    folder: Path

    @asynccontextmanager
    async def instance(self) -> AsyncIterator[Instance]:
        dsn = await copy_of(self.database_url, self.template)
        folder = self.folder / uuid4().hex
        try:
            async with Instance.open(dsn, self.redis_url, self.falkordb_url, folder) as opened:
                yield opened
        finally:
            await drop_database(self.database_url, dsn.rpartition("/")[2])


@dataclass(frozen=True)
class Size:
    """Of a story: contacts at its beginning, facts of each, and how many are asked after every act."""

    contacts: int = 6
    facts: int = 3
    asked: int = 6


class Machine(RuleBasedStateMachine):
    """Its subclasses say where and how large."""

    stores: Stores
    size: Size
    tally: Tally

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.story = Story(self.do(self.stack.enter_async_context(self._instance())), self.tally)

    def _instance(self) -> AbstractAsyncContextManager[Instance]:
        return self.stores.instance()

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.stack.aclose())
        self.runner.close()

    @initialize(chosen=SEED)
    def begin(self, chosen: int) -> None:
        """Half of the facts are told live and half come from chats; then everybody is asked.

        The first story of a run is always the simplest, and not worth telling at length.
        """
        story, random, size = self.story, Random(chosen), self.size if chosen else Size()
        people = [self.do(story.meet(random)) for _ in range(size.contacts)]
        for who in people:
            self.do(story.hand_in(random, [who], size.facts // 2))
        self.do(story.work())
        for _ in range(size.facts - size.facts // 2):
            told = [(who, random.random() < 0.3, story.invented(random, who)) for who in people]
            self.do(story.tell(random, told))
        self.do(story.learn())
        self._ask_all(random, people)

    def act(self, name: str, random: Random, work: Coroutine[Any, Any, Any]) -> None:
        """Something happens, and some are asked whether it matters to them."""
        self.tally.acts[name] += 1
        self.do(work)
        people = list(self.story.numbers)
        self._ask_all(random, random.sample(people, min(self.size.asked, len(people))))

    def _ask_all(self, random: Random, people: list[str]) -> None:
        self.do(self.story.hear([(who, self._question(random, who)) for who in people]))

    def _question(self, random: Random, who: str) -> str:
        """About something that they may hear, or that somebody else may, or what the owner was asked once."""
        oracle, choice = self.story.oracle, random.randrange(4)
        heard = [fact for fact, _ in oracle.heard_by(who)] if choice < 2 else []
        cues = [cue for chat in oracle.chats.values() for cue in chat.cues] if choice == 3 else []
        words = [word for fact in heard or oracle.facts.values() for word in sorted(fact.words)]
        return f"who ate the {random.choice(cues)}" if cues else random.choice(words or ["nothing"])

    def _anybody(self, random: Random) -> str:
        return random.choice([*self.story.numbers, *self.story.names])

    def _fact(self, random: Random) -> Told:
        return random.choice(list(self.story.oracle.facts.values()))

    @rule(random=RANDOM)
    def meet(self, random: Random) -> None:
        self.act("meet", random, self.story.meet(random))

    @precondition(lambda self: self.story.numbers)
    @rule(random=RANDOM, learns=st.booleans())
    def tell(self, random: Random, learns: bool) -> None:
        people = random.choices(list(self.story.numbers), k=4)
        story, owner = self.story, random.random() < 0.4
        told = [(who, owner, story.invented(random, "owner" if owner else who)) for who in people]
        self.act("tell", random, story.tell(random, told))
        if learns:
            self.act("learn", random, story.learn())

    @rule(random=RANDOM)
    def learn(self, random: Random) -> None:
        self.act("learn", random, self.story.learn())

    @precondition(lambda self: self.story.spoken)
    @rule(random=RANDOM)
    def unsay(self, random: Random) -> None:
        self.act("unsay", random, self.story.unsay(random.choice(self.story.spoken)))

    @precondition(lambda self: len(self.story.numbers) > 2)
    @rule(
        random=RANDOM, several=st.booleans(), stranger=st.booleans(), keep=st.booleans(), works=st.booleans()
    )
    def hand_in(self, random: Random, several: bool, stranger: bool, keep: bool, works: bool) -> None:
        partners = random.sample(list(self.story.numbers), 3 if several else 1)
        stranger = stranger and not several
        name = "import of a group" if several else "import of a stranger" if stranger else "import"
        self.act(name, random, self.story.hand_in(random, partners, 4, stranger=stranger, keep=keep))
        if works:
            self.act("work", random, self.story.work())

    @rule(random=RANDOM)
    def work(self, random: Random) -> None:
        self.act("work", random, self.story.work())

    @precondition(lambda self: self.story.oracle.facts and self.story.numbers)
    @rule(random=RANDOM)
    def share(self, random: Random) -> None:
        whom = None if random.random() < 0.2 else self._anybody(random)
        self.act("share", random, self.story.share(self._fact(random), whom))

    @precondition(lambda self: self.story.oracle.shares)
    @rule(random=RANDOM)
    def unshare(self, random: Random) -> None:
        shared = random.choice(list(self.story.oracle.shares))
        self.act("unshare", random, self.story.unshare(*shared))

    @precondition(lambda self: self.story.numbers)
    @rule(random=RANDOM)
    def merge(self, random: Random) -> None:
        self.act("merge", random, self.story.merge(self._anybody(random), self._anybody(random)))

    @precondition(lambda self: self.story.oracle.links)
    @rule(random=RANDOM)
    def unmerge(self, random: Random) -> None:
        link = random.choice(list(self.story.oracle.links))
        self.act("unmerge", random, self.story.unmerge(link))

    @precondition(lambda self: len(self.story.numbers) > 3)
    @rule(random=RANDOM)
    def forget(self, random: Random) -> None:
        self.act("forget", random, self.story.forget(self._anybody(random)))

    @precondition(lambda self: self.story.oracle.facts)
    @rule(random=RANDOM)
    def forget_fact(self, random: Random) -> None:
        self.act("forget a fact", random, self.story.forget_fact(self._fact(random)))

    @precondition(lambda self: self.story.numbers)
    @rule(random=RANDOM)
    def relate(self, random: Random) -> None:
        who, given = random.choice(list(self.story.numbers)), random.choice(PERSONAS)
        if given in (None, "persona-casual", *self.story.oracle.personas()):
            self.act("relate", random, self.story.relate(who, random.choice(RELATIONSHIPS), given))


def run(stores: Stores, size: Size, *, seeded: int, examples: int, steps: int) -> Tally:
    """Tell that many stories. Raises AssertionError for a violation; returns what was done."""
    tally = Tally()
    made = type("Sized", (Machine,), {"stores": stores, "size": size, "tally": tally})
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=False,
        phases=[Phase.generate],  # shrinking would tell a story of minutes hundreds of times
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(seeded)(made), settings=chosen)
    except Exception as error:
        # What a fault shows in hangs on keys that each instance makes: told again, it may show elsewhere.
        if not tally.faults:
            raise
        raise AssertionError("\n".join(tally.faults)) from error
    return tally
