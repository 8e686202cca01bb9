"""What contacts and owner may do next: each act is drawn from a story, or is None where that story has no room for it.

An act gives the name under which it is counted, and what is to be awaited; that is False where nothing came of it.
"""

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from tests.isolation.story import Story

type Deed = Coroutine[Any, Any, bool | None]

PERSONAS = (None, None, None, "persona-casual", "persona-own-friend", "persona-own-family")
RELATIONSHIPS = ("friend", "family", "colleague", "client", "acquaintance")
_FEWEST = 4  # who write: whoever is forgotten must leave somebody to be asked
_MERGED = 8  # contacts that are one, at the most


def _anybody(story: Story, random: Random) -> str:
    return random.choice([*story.numbers, *story.names])


def _writer(story: Story, random: Random) -> str:
    return random.choice(list(story.numbers))


async def _meet(story: Story, random: Random) -> None:
    await story.meet(random)


async def _tell(story: Story, random: Random, people: list[str]) -> None:
    owner = random.random() < 0.4
    told = [(who, owner, story.invented(random, "owner" if owner else who)) for who in people]
    await story.tell(random, told)


def tell(story: Story, random: Random) -> Deed:
    return _tell(story, random, random.choices(list(story.numbers), k=4))


def unsay(story: Story, random: Random) -> Deed | None:
    learned = [one for one in story.spoken if one.key in story.oracle.facts]
    some = learned if random.random() < 0.7 else story.spoken
    return story.unsay(random.choice(some)) if some else None


def amend(story: Story, random: Random) -> Deed | None:
    learned = [one for one in story.spoken if one.key in story.oracle.facts]
    if not learned:
        return None
    one = random.choice(learned)
    return story.amend(one, story.invented(random, story.oracle.facts[one.key].teller))


def hand_in(story: Story, random: Random) -> Deed:
    return story.hand_in(random, [_writer(story, random)], 4, keep=random.random() < 0.5)


def hand_in_group(story: Story, random: Random) -> Deed:
    return story.hand_in(random, random.sample(list(story.numbers), 3), 4)


def hand_in_stranger(story: Story, random: Random) -> Deed:
    return story.hand_in(random, [], 4, stranger=True, keep=random.random() < 0.5)


def share(story: Story, random: Random) -> Deed | None:
    facts = list(story.oracle.facts.values())
    whom = None if random.random() < 0.2 else _anybody(story, random)
    return story.share(random.choice(facts), whom) if facts else None


def unshare(story: Story, random: Random) -> Deed | None:
    shares = list(story.oracle.shares)
    return story.unshare(*random.choice(shares)) if shares else None


def merge(story: Story, random: Random) -> Deed | None:
    one, other = _anybody(story, random), _anybody(story, random)
    together = story.oracle.one_with(one) | story.oracle.one_with(other)
    return story.merge(one, other) if one != other and len(together) <= _MERGED else None


def unmerge(story: Story, random: Random) -> Deed | None:
    links = list(story.oracle.links)
    return story.unmerge(random.choice(links)) if links else None


def tie(story: Story, random: Random) -> Deed | None:
    named = any(fact.chain[2] != "self" for fact in story.oracle.facts.values())
    return story.tie(random) if named else None


def forget(story: Story, random: Random) -> Deed | None:
    return story.forget(_anybody(story, random)) if len(story.numbers) > _FEWEST else None


def forget_fact(story: Story, random: Random) -> Deed | None:
    facts = list(story.oracle.facts.values())
    return story.forget_fact(random.choice(facts)) if facts else None


async def _forget_told(story: Story, random: Random, learns: bool) -> None:
    who = _writer(story, random)
    await _tell(story, random, [who, _writer(story, random), who])
    await _tell(story, random, [who])
    await story.forget(who, story.learn if learns else None)


async def _forget_handed_in(story: Story, random: Random, works: bool) -> None:
    partners = random.sample(list(story.numbers), random.choice((1, 3)))
    await story.hand_in(random, partners, 6)
    await story.forget(random.choice(partners), story.work if works else None)


def relate(story: Story, random: Random) -> Deed | None:
    given = random.choice(PERSONAS)
    there = given in (None, "persona-casual", *story.oracle.personas())
    return story.relate(_writer(story, random), random.choice(RELATIONSHIPS), given) if there else None


def _forgetting(
    work: Callable[[Story, Random, bool], Deed], flag: bool
) -> Callable[[Story, Random], Deed | None]:
    return lambda story, random: work(story, random, flag) if len(story.numbers) > _FEWEST else None


ACTS: dict[str, Callable[[Story, Random], Deed | None]] = {
    "meet": _meet,
    "tell": tell,
    "learn": lambda story, _: story.learn(),
    "edit": amend,
    "delete": unsay,
    "import": hand_in,
    "import of a group": hand_in_group,
    "import of a stranger": hand_in_stranger,
    "work": lambda story, _: story.work(),
    "share": share,
    "unshare": unshare,
    "merge": merge,
    "unmerge": unmerge,
    "merge with a person": tie,
    "unmerge from a person": lambda story, random: story.untie(random),
    "forget": forget,
    "forget a fact": forget_fact,
    "forget while messages wait": _forgetting(_forget_told, False),
    "forget while messages are learned": _forgetting(_forget_told, True),
    "forget while an import waits": _forgetting(_forget_handed_in, False),
    "forget while an import is learned": _forgetting(_forget_handed_in, True),
    "relate": relate,
}
