"""After a merge each original still has a life of its own: erased, it leaves what the other told and nothing more."""

from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from secondme.stores.graph import Graph
from tests.isolation.machine import Stores
from tests.isolation.oracle import OWNER
from tests.isolation.story import Story
from tests.isolation.telling import Says, Tally

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture
async def story(stores: Stores) -> AsyncIterator[Story]:
    async with stores.instance() as instance:
        yield Story(instance, Tally())


async def dumped(graph: Graph) -> str:
    """Whatever the graph holds, but for what the ledger has of its own."""
    nodes = await graph.run("MATCH (n) WHERE NOT n:Persona RETURN properties(n)")
    links = await graph.run("MATCH ()-[r]->() RETURN properties(r)")
    return f"{nodes} {links}".lower()


@pytest.mark.parametrize("erased", [0, 1])
async def test_erasing_one_original_leaves_only_what_the_other_told(story: Story, erased: int) -> None:
    random = Random(0)
    pair = [await story.meet(random) for _ in range(2)]
    other = await story.meet(random)
    said = [
        [Says("work", None, story.words.new()), Says("live", story.words.new(), story.words.new())]
        for _ in pair
    ]
    for who, facts in zip(pair, said, strict=True):
        await story.tell(random, [(who, bool(number), what) for number, what in enumerate(facts)])
    await story.learn()
    await story.merge(*pair)
    places = [what.place for facts in said for what in facts]
    await story.hear([(who, place) for who in (*pair, other) for place in places])
    gone, left = pair[erased], pair[1 - erased]
    await story.forget(gone)
    await story.hear([(who, place) for who in (left, other) for place in places])
    assert {(f.teller, f.words) for f, _ in story.oracle.heard_by(left)} == {
        (left, frozenset({said[1 - erased][0].place.lower()})),
        (OWNER, frozenset({said[1 - erased][1].place.lower(), str(said[1 - erased][1].name).lower()})),
    }
    graph = await dumped(story.world.app.graph)
    assert gone not in graph
    words = [{word.lower() for what in facts for word in (what.name, what.place) if word} for facts in said]
    assert {word for word in words[erased] if word in graph} == set()
    assert {word for word in words[1 - erased] if word in graph} == words[1 - erased]


async def test_who_is_known_from_a_chat_alone_is_answered_as_whom_they_are_merged_with(story: Story) -> None:
    """Kept replies and facts of a chat under another name: theirs from the merge on, and until it is taken back."""
    random = Random(0)
    ana, ben = [await story.meet(random) for _ in range(2)]
    await story.hand_in(random, [], 2, stranger=True)
    await story.work()
    (stranger,) = story.names
    (chat,) = story.oracle.chats.values()
    asks = [(who, f"who ate the {cue}") for cue in chat.cues for who in (ana, ben)]
    await story.hear(asks)
    await story.merge(stranger, ana)
    assert story.oracle.answer_to(ana, set(chat.cues)) == set(chat.cues.values())
    await story.hear(asks)
    await story.unmerge(frozenset((stranger, ana)))
    await story.hear(asks)
    await story.merge(stranger, ana)
    await story.forget(stranger)
    assert story.oracle.replies(ana) == set()
    await story.hear(asks)
