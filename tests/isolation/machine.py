"""Random stories: whatever contacts and owner do in whatever order, everybody is asked, and the oracle agrees."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import uuid4

from tests.isolation.acts import ACTS
from tests.isolation.story import Story
from tests.isolation.telling import Tally
from tests.isolation.world import Instance
from tests.support.stores import copy_of, drop_database


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
    """Of a story: contacts at its beginning, facts of each, how many are asked after every act, and acts."""

    contacts: int = 6
    facts: int = 3
    asked: int = 6
    acts: int = 12


def run(
    stores: Stores,
    size: Size,
    tally: Tally,
    *,
    seeded: int,
    stories: int = 1,
    names: Sequence[str] = tuple(ACTS),
) -> None:
    """Tell that many stories of the acts of these names, and count in `tally` what is done.

    Raises AssertionError for a violation.
    """

    async def told() -> None:
        random = Random(seeded)
        for _ in range(stories):
            async with stores.instance() as instance:
                await _tell(Story(instance, tally), size, names, random)

    asyncio.run(told())


async def _tell(story: Story, size: Size, names: Sequence[str], random: Random) -> None:
    await _begin(story, size, random)
    for _ in range(size.acts):
        while not await _act(story, names, random):
            pass
        people = list(story.numbers)
        await _ask(story, random, random.sample(people, min(size.asked, len(people))))


async def _begin(story: Story, size: Size, random: Random) -> None:
    """Half of the facts are told live and half come from chats; then everybody is asked."""
    people = [await story.meet(random) for _ in range(size.contacts)]
    for who in people:
        await story.hand_in(random, [who], size.facts // 2)
    await story.work()
    for _ in range(size.facts - size.facts // 2):
        told = [(who, random.random() < 0.3, story.invented(random, who)) for who in people]
        await story.tell(random, told)
    await story.learn()
    await _ask(story, random, people)


async def _act(story: Story, names: Sequence[str], random: Random) -> bool:
    """Something happens, rather what was seldom done; False where there is no room for what was drawn."""
    done = story.tally.acts
    (name,) = random.choices(names, [1 / (1 + done[name]) ** 2 for name in names])
    deed = ACTS[name](story, random)
    if deed is None or await deed is False:
        return False
    done[name] += 1
    return True


async def _ask(story: Story, random: Random, people: list[str]) -> None:
    await story.hear([(who, _question(story, random, who)) for who in people])


def _question(story: Story, random: Random, who: str) -> str:
    """About something that they may hear, or that somebody else may, or what the owner was asked once."""
    oracle, choice = story.oracle, random.randrange(4)
    heard = [fact for fact, _ in oracle.heard_by(who)] if choice < 2 else []
    cues = [cue for chat in oracle.chats.values() for cue in chat.cues] if choice == 3 else []
    words = [word for fact in heard or oracle.facts.values() for word in sorted(fact.words)]
    return f"who ate the {random.choice(cues)}" if cues else random.choice(words or ["nothing"])
