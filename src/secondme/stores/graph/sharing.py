"""What the owner decides about who may hear what, and who is who. Each is a link, and taking it away undoes it."""

from collections.abc import Sequence

from secondme.domain.errors import Invalid, NotFound
from secondme.domain.fact import EVERYONE, is_group
from secondme.stores.graph.client import Graph


async def share(graph: Graph, fact: str, audience: str) -> None:
    """Let a contact or a group, or EVERYONE, hear a fact. Raises NotFound where there is no such fact."""
    query = "share_with_group" if is_group(audience) else "share_with_contact"
    if await graph.query(query, fact=fact, audience=audience) == [[0]]:
        raise NotFound("There is no such fact: `secondme facts CONTACT` lists them with their ids.")


async def unshare(graph: Graph, fact: str, audience: str) -> None:
    """Take that back. Raises NotFound where it was not shared so: who heard it when it was said goes on hearing it."""
    if await graph.query("unshare", fact=fact, audience=audience) == [[0]]:
        raise NotFound(
            "This fact is not shared with them: `secondme facts --why ID` says who may hear it, and why."
        )


async def merge(graph: Graph, one: str, other: str) -> bool:
    """Say that two are one: contacts, entities of one type, or a contact and a person. By their ids.

    Each fact keeps its audience. Contacts who are one hear what any of them may hear. Those who are one already, over
    others, stay so by those links alone. Returns whether they had been two.
    Raises Invalid where the two are not of one kind, or not there.
    """
    first, second = sorted((one, other))
    if first == second:
        return False
    ((found, ways),) = await graph.query("merge", one=first, other=second)
    if not found:
        raise Invalid(
            "Only two contacts, two entities of one type, or a contact and a person can be one."
            " Name them by their ids: `secondme ask` and `secondme contacts` list them."
        )
    return not ways


async def unmerge(graph: Graph, one: str, other: str) -> None:
    """Take that back. Raises NotFound where these two were not merged."""
    first, second = sorted((one, other))
    if await graph.query("unmerge", one=first, other=second) == [[0]]:
        raise NotFound(
            "These two were not merged with each other. If they are one over others, take back one of those merges."
        )


async def join(graph: Graph, group: str, contacts: Sequence[str]) -> None:
    """Make these contacts members of a group, which is made where it is not there: they may hear what is said in it.
    Raises Invalid for an id that is no group's, and for EVERYONE, to whom all belong anyway."""
    if group == EVERYONE or not is_group(group):
        raise Invalid("Not a group that one can join.")
    await graph.query("join", group=group, contacts=contacts)
