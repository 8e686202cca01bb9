"""The owner's word: who else may hear a fact, and who is who. Taken back, all is as before."""

from itertools import combinations

import pytest

from secondme.domain.errors import Invalid, NotFound
from secondme.domain.fact import EVERYONE, OWNER
from secondme.stores.graph import Graph
from secondme.stores.graph.hearing import heard_by
from secondme.stores.graph.learning import learn, unlearn
from secondme.stores.graph.sharing import join, merge, share, unmerge, unshare
from tests.stores.graph.telling import CLIMBERS, digest, dump, lives, meet, told, works


async def texts(graph: Graph, contact: str, said: str = "") -> set[str]:
    return {fact.text for fact in await heard_by(graph, contact, said)}


async def only_fact(graph: Graph) -> str:
    ((id,),) = await graph.run("MATCH (f:Fact) RETURN f.id")
    return str(id)


async def id_of(graph: Graph, name: str) -> str:
    ((id,),) = await graph.run("MATCH (e:Entity {name: $name}) RETURN e.id", name=name)
    return str(id)


@pytest.mark.parametrize("audience", ["ben", CLIMBERS, EVERYONE])
async def test_shared_and_no_longer(graph: Graph, audience: str) -> None:
    await meet(graph, "ana", "ben")
    await join(graph, CLIMBERS, ["ben"])
    await learn(graph, digest, [told("a", lives("Porto"))])
    fact, before = await only_fact(graph), await dump(graph)
    await share(graph, fact, audience)
    await share(graph, fact, audience)
    assert await texts(graph, "ben") == {"Ana lives in Porto"}
    assert await texts(graph, "eve") == ({"Ana lives in Porto"} if audience == EVERYONE else set())
    await unshare(graph, fact, audience)
    assert await dump(graph) == before


async def test_who_was_there_goes_on_hearing(graph: Graph) -> None:
    await meet(graph, "ana")
    await learn(graph, digest, [told("a", lives("Porto"))])
    fact = await only_fact(graph)
    await share(graph, fact, "ana")
    with pytest.raises(NotFound):
        await unshare(graph, fact, "ana")
    assert await texts(graph, "ana") == {"Ana lives in Porto"}


async def test_what_is_not_there_cannot_be_shared(graph: Graph) -> None:
    with pytest.raises(NotFound):
        await share(graph, "fact_0", "ana")


async def test_a_group_hears(graph: Graph) -> None:
    await meet(graph, "ana", "ben", "eve")
    await join(graph, CLIMBERS, ["ana", "ben"])
    await learn(graph, digest, [told("a", lives("Porto"), to=CLIMBERS)])
    assert await texts(graph, "ben") == {"Ana lives in Porto"}
    assert await texts(graph, "eve") == set()
    for wrong in (EVERYONE, "ana"):
        with pytest.raises(Invalid):
            await join(graph, wrong, ["ana"])


async def test_two_contacts_who_are_one(graph: Graph) -> None:
    await meet(graph, "ana", "ben")
    await learn(graph, digest, [told("a", lives("Porto")), told("b", lives("Rome"), by="ben")])
    before = await dump(graph)
    assert await merge(graph, "ben", "ana")
    assert not await merge(graph, "ana", "ben") and not await merge(graph, "ana", "ana")
    for contact in ("ana", "ben"):
        assert await texts(graph, contact) == {"Ana lives in Porto", "Ben lives in Rome"}
    await unlearn(graph, ["a"])
    assert await texts(graph, "ana") == {"Ben lives in Rome"}
    await unmerge(graph, "ana", "ben")
    assert await texts(graph, "ana") == set()
    await learn(graph, digest, [told("a", lives("Porto"))])
    assert await dump(graph) == before


async def test_many_who_are_one_are_heard_as_soon(graph: Graph) -> None:
    """All of ten merged with each other: three million ways between them, of which a link for each step is kept."""
    ten = [f"contact-{number}" for number in range(10)]
    await meet(graph, *ten)
    await learn(graph, digest, [told("a", lives("Porto"), by=ten[0])])
    for one, other in combinations(ten, 2):
        await merge(graph, one, other)
    assert await graph.run("MATCH (:Contact)-[m:SAME_AS {merged: true}]->(:Contact) RETURN count(m)") == [[9]]
    assert len(await texts(graph, ten[9])) == 1
    with pytest.raises(NotFound, match="over others"):
        await unmerge(graph, ten[1], ten[2])
    await unmerge(graph, ten[0], ten[9])
    assert await texts(graph, ten[9]) == set()


async def test_two_people_who_are_one_tell_nobody_anything(graph: Graph) -> None:
    """A link between entities brings facts nearer, and lets nobody hear what they might not."""
    await meet(graph, "ana", "ben")
    await learn(
        graph, digest, [told("a", works("Acme", "Bob")), told("b", works("Initech", "Bob"), by="ben")]
    )
    (one,), (other,) = await graph.run("MATCH (p:Person {name: 'Bob'}) RETURN p.id")
    await merge(graph, one, other)
    assert await texts(graph, "ana", "Bob") == {"Bob works at Acme"}
    await share(graph, (await graph.run("MATCH (f:Fact {teller: 'ben'}) RETURN f.id"))[0][0], "ana")
    assert {f.text: f.closeness for f in await heard_by(graph, "ana", "Acme")} == {
        "Bob works at Acme": 1.0,
        "Bob works at Initech": 0.5,
    }
    await unmerge(graph, one, other)
    assert {f.text: f.closeness for f in await heard_by(graph, "ana", "Acme")}["Bob works at Initech"] == 0


async def test_a_contact_who_is_a_person_somebody_told_of(graph: Graph) -> None:
    await meet(graph, "ana", "ben")
    await learn(graph, digest, [told("a", lives("Porto")), told("b", works("Acme", "Annie"), by="ben")])
    await merge(graph, await id_of(graph, "Annie"), "ana")
    assert await texts(graph, "ana") == {"Ana lives in Porto"}
    ((about_ana,),) = await graph.run("MATCH (f:Fact {teller: 'ana'}) RETURN f.id")
    await share(graph, about_ana, "ben")
    found = {fact.text: fact.closeness for fact in await heard_by(graph, "ben", "Annie?")}
    assert found == {"Annie works at Acme": 1.0, "Ana lives in Porto": 0.5}


async def test_what_is_not_of_one_kind_is_not_one(graph: Graph) -> None:
    await meet(graph, "ana", "ben")
    await learn(
        graph,
        digest,
        [told("a", works("Acme", "Bob"), lives("Acme Town")), told("b", lives("Rome"), by="ben")],
    )
    before = await dump(graph)
    bob, acme, town, self_of_ben = [await id_of(graph, name) for name in ("Bob", "Acme", "Acme Town", "Ben")]
    for one, other in [
        (bob, acme),
        (acme, town),
        ("ana", acme),
        ("ana", "nobody"),
        ("ana", self_of_ben),
    ]:
        with pytest.raises(Invalid):
            await merge(graph, one, other)
    with pytest.raises(NotFound):
        await unmerge(graph, "ben", self_of_ben)
    assert await dump(graph) == before


async def test_a_fact_of_the_owner_shared_with_all_reaches_later_ones(graph: Graph) -> None:
    await learn(graph, digest, [told("a", lives("Porto"), by=OWNER, to="ana")])
    await share(graph, await only_fact(graph), EVERYONE)
    await meet(graph, "newcomer")
    assert await texts(graph, "newcomer") == {"The owner lives in Porto"}
